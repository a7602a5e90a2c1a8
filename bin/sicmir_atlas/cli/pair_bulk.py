"""`sicmir-atlas pair-bulk`: fetched tables to paired ones."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

__all__ = ["pair_bulk"]


def pair_bulk(
    folder: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    mirna_names: Path | None = None,
) -> None:
    """Keep the landmark genes, the named miRNAs, and the samples that have both.

    Parameters
    ----------
    folder
        What `fetch-bulk` brought.
    output
        Folder for mrna.csv.gz, mirna.csv.gz, strata.csv and about.json.
    mirna_names
        miRBase's mature.fa or aliases.txt, or a table of accession and name. TCGA needs it; GTEx
        comes with names of its own.
    """
    from sicmir_atlas.cli import _io
    from sicmir_atlas.errors import InputError
    from sicmir_atlas.sources.bulk import gtex, read_mirna_names, write_cohort, xena

    source = _io.read_json(folder / "source.json")
    about = {"files": source["files"], "sha256": source["sha256"]}
    if source["name"] == "GTEX":
        cohort = gtex.pair(folder, about)
    elif mirna_names is None:
        msg = f"the miRNAs of {source['name']} are accessions: give --mirna-names, such as "
        msg += "miRBase's mature.fa"
        raise InputError(msg)
    else:
        cohort = xena.pair(source["name"], folder, read_mirna_names(mirna_names), about)
    write_cohort(cohort, output)
