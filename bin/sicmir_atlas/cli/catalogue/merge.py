"""`sicmir-atlas catalogue merge`: several samplesheets to one."""

from __future__ import annotations

import logging
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

__all__ = ["merge"]

logger = logging.getLogger("sicmir_atlas")


def merge(
    *sheets: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    dropped: Path | None = None,
    blocklist: Path | None = None,
    update: bool = False,
) -> None:
    """Put samplesheets into one, in which no data stand twice; no service is asked.

    Of the same data, the row of the sheet named first stays. Within a source only equal accessions
    are the same data. Across sources these are: an accession that the other has, also in same_as;
    the publication (doi, or a PubMed id in same_as); the title, of four words or more; the number
    of cells, 1,000 or more, with the tissue or two telling words of the title.

    Parameters
    ----------
    sheets
        Samplesheets, CSV or YAML.
    output
        Samplesheet to write.
    dropped
        CSV to write of rows that were dropped; it may serve as a blocklist.
    blocklist
        CSV of accessions that are not wanted, with reasons.
    update
        Take a sheet that is there already as the one named first.
    """
    from sicmir_atlas.catalogue import merge as merging
    from sicmir_atlas.catalogue.sheet import read_sheet, require_writable, write_sheet
    from sicmir_atlas.errors import InputError
    from sicmir_atlas.sources.blocklist import read_blocklist
    from sicmir_atlas.sources.files import mask

    require_writable(output, update=update)
    if dropped and dropped.exists():
        msg = f"{dropped}: it is there already, and may hold lines of yours: name another file"
        raise InputError(msg)
    inputs = [*([output] if update and output.exists() else []), *sheets]
    if not inputs:
        msg = "no samplesheet is given: name those to merge"
        raise InputError(msg)
    merged = merging.merge(
        [read_sheet(sheet, beside=output.parent) for sheet in inputs],
        blocked=read_blocklist(blocklist) if blocklist else {},
    )
    if not merged.rows:
        msg = f"{blocklist}: every row is on the blocklist: nothing is left to write"
        raise InputError(msg)
    write_sheet(output, merged.rows)
    if dropped:
        merging.write_dropped(dropped, merged)
    for note in merged.notes:
        logger.info("%s", note)
    for row in merged.dropped:
        name = mask(row["accession"])
        logger.info("dropped: %s (%s): %s", row["dataset_id"], name, row["reason"])
    logger.info("%s: %d rows, %d dropped", output.name, len(merged.rows), len(merged.dropped))
