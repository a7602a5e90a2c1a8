"""`sicmir-atlas catalogue cellxgene`: a search in CELLxGENE to a samplesheet."""

from __future__ import annotations

import logging
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

from sicmir_atlas.sources.services import Services

__all__ = ["cellxgene"]

logger = logging.getLogger("sicmir_atlas")


def cellxgene(
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    organism: str = "Homo sapiens",
    tissue: str | None = None,
    disease: str | None = None,
    assay: str = "10x",
    min_cells: int = 500,
    collection: str | None = None,
    primary: Literal["only", "any"] = "only",
    blocklist: Path | None = None,
    update: bool = False,
    services: Annotated[Services, Parameter(name="*")] = Services(),  # noqa: B008  frozen
) -> None:
    """Write a row for each public dataset that a search finds, pinned to its newest version.

    Names and ontology term ids may be given, in any case, several separated by '|'. Nothing is
    downloaded.

    Parameters
    ----------
    output
        Samplesheet to write.
    organism
        Species of the dataset.
    tissue
        Tissues; their parts count, as UBERON has them.
    disease
        Diseases; their kinds count, as MONDO has them. 'normal' is healthy.
    assay
        Assays; '10x' is any 10x assay of transcripts with UMIs.
    min_cells
        Least number of cells, as announced.
    collection
        Collections by id, address or name.
    primary
        only: datasets that are the first to show some cells, and these cells of them; any: all.
    blocklist
        CSV of accessions that are not wanted, with reasons.
    update
        Keep the rows of a sheet that is there as they are, and add new ones.
    services
        Where the archives answer.
    """
    from sicmir_atlas.catalogue.cellxgene import rows
    from sicmir_atlas.catalogue.lookup import without_blocked
    from sicmir_atlas.catalogue.sheet import require_writable
    from sicmir_atlas.cli.catalogue import _report
    from sicmir_atlas.errors import InputError
    from sicmir_atlas.sources.blocklist import read_blocklist
    from sicmir_atlas.sources.cellxgene import CellxgeneIndex
    from sicmir_atlas.sources.http import Client

    require_writable(output, update=update)
    blocked = read_blocklist(blocklist) if blocklist else {}
    with Client(services) as client:
        found = rows(
            client,
            organism=organism,
            tissue=tissue,
            disease=disease,
            assay=assay,
            min_cells=min_cells,
            collection=collection,
            primary=primary,
        )
        wanted, reasons = without_blocked(found, CellxgeneIndex(client), blocked)
    for name, reason in reasons.items():
        logger.info("left out: %s: %s", name, reason)
    if not wanted:
        msg = "no dataset of CELLxGENE is left by this search: ask for less, such as fewer cells"
        raise InputError(msg)
    _report.write(output, wanted, update=update)
