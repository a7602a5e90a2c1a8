"""GTEx's open tables of mRNA and miRNA (sources spec, section 4.2; model spec, section 10)."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pandas as pd

from sicmir_atlas.errors import CorruptError, GoneError
from sicmir_atlas.sources.bulk.cohort import Cohort, paired
from sicmir_atlas.sources.bulk.measures import landmark_matrix, mirna_matrix
from sicmir_atlas.sources.bulk.wide import WideTable, open_text
from sicmir_atlas.sources.fetch import fetch as fetch_file
from sicmir_atlas.sources.files import RemoteFile, base_name, mask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["BASE", "FILES", "fetch", "pair", "specimen"]

BASE = "https://storage.googleapis.com/adult-gtex"
FILES = {
    "mrna": "bulk-gex/v10/rna-seq/GTEx_Analysis_v10_RNASeQCv2.4.2_gene_tpm.gct.gz",
    "mirna": "bulk-gex/v10/small-RNA/miRNA_TPM_matrix_PORTAL_2025_03_17.txt.gz",
    "names": "annotations/v10/small-RNA/smallRNA.filtered_annotated_031725.txt",
    "samples": "annotations/v10/metadata-files/"
    "GTEx_Analysis_v10_Annotations_SampleAttributesDS.txt",
}
"""Release 10, below the base address."""


def fetch(folder: Path, *, base: str = BASE, **options: Any) -> list[tuple[RemoteFile, Path]]:
    """Bring GTEx's four files, each into a folder of its key in `FILES`.

    Parameters
    ----------
    base
        Bucket or mirror.
    options
        Passed on to :func:`.sources.fetch.fetch`.

    Raises
    ------
    GoneError
        If a file is not there; the message names it.
    CorruptError, UnavailableError
        As :func:`.sources.fetch.fetch`.
    """
    fetched = []
    for key, path in FILES.items():
        file = RemoteFile(f"{base.rstrip('/')}/{path}", base_name(path))
        try:
            fetched.append((file, fetch_file(file, folder / key, **options)))
        except GoneError as error:
            msg = f"GTEx's {key} table is not at {mask(base)}; give another address. {error}"
            raise GoneError(msg) from error
    return fetched


def pair(folder: Path, about: Mapping[str, Any]) -> Cohort:
    """Read what :func:`fetch` brought: specimens that have mRNA and miRNA, by tissue.

    mRNA and miRNA were measured in aliquots of one specimen, so samples go by its name.
    """
    paths = {key: folder / key / base_name(path) for key, path in FILES.items()}
    names = {
        row["id"]: row["mirbase_name"]
        for row in _records(paths["names"], ("id", "mirbase_name"))
        if row["mirbase_name"].startswith("hsa-")
    }
    tissues = {
        specimen(row["SAMPID"]): row["SMTSD"]
        for row in _records(paths["samples"], ("SAMPID", "SMTSD"))
        if row["SMTSD"]
    }
    mrna = landmark_matrix(WideTable(paths["mrna"]), "linear", specimen)
    mirna = mirna_matrix(WideTable(paths["mirna"]), "linear", specimen, names)
    strata = pd.DataFrame({"cohort": pd.Series(tissues, dtype=str), "type": "normal"})
    return paired(mrna, mirna, strata, {"name": "GTEx", **about})


def specimen(sample: str) -> str:
    """Donor, site and piece of a sample's name: its first three parts between dashes."""
    return "-".join(sample.split("-")[:3])


def _records(path: Path, needed: tuple[str, ...]) -> Iterator[dict[str, str]]:
    with open_text(path) as text:
        table = csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE, restval="")
        absent = [name for name in needed if name not in (table.fieldnames or ())]
        if absent:
            msg = f"{path.name} has no column {absent[0]}; is it of another release?"
            raise CorruptError(msg)
        for row in table:
            yield {name: row[name].strip() for name in needed}
