"""`sicmir-atlas catalogue geo`: accessions to a samplesheet."""

from __future__ import annotations

import logging
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

from sicmir_atlas.sources.services import Services

__all__ = ["geo"]

logger = logging.getLogger("sicmir_atlas")


def geo(
    *accessions: str,
    output: Annotated[Path, Parameter(alias="-o")],
    from_file: Path | None = None,
    blocklist: Path | None = None,
    strict: bool = False,
    update: bool = False,
    services: Annotated[Services, Parameter(name="*")] = Services(),  # noqa: B008  frozen
) -> None:
    """Write a row for each accession, filled with what GEO says of it.

    Which files are taken, and why, is said on standard error; to take others, name them in column
    files. Accessions that fail or that a rule excludes are said last. Nothing is downloaded.

    Parameters
    ----------
    accessions
        Series (GSE…), samples (GSM…), or samples that make up one dataset ('GSM…|GSM…').
    output
        Samplesheet to write.
    from_file
        Text with an accession on each line; what follows '#' is a remark.
    blocklist
        CSV of accessions that are not wanted, with reasons.
    strict
        Exit with an error if one accession gives no row; else only if none does.
    update
        Keep the rows of a sheet that is there as they are, and add new ones.
    services
        Where the archives answer.
    """
    from sicmir_atlas.catalogue.geo import read_accessions, rows
    from sicmir_atlas.catalogue.lookup import reason
    from sicmir_atlas.catalogue.sheet import require_writable
    from sicmir_atlas.cli._progress import rows_looked_up
    from sicmir_atlas.cli.catalogue import _report
    from sicmir_atlas.errors import InputError, SicmirError
    from sicmir_atlas.sources.blocklist import read_blocklist
    from sicmir_atlas.sources.http import Client

    require_writable(output, update=update)
    asked = [*accessions, *(read_accessions(from_file) if from_file else ())]
    if not asked:
        msg = "no accession is given: name series (GSE…) or samples (GSM…), or --from-file"
        raise InputError(msg)
    blocked = read_blocklist(blocklist) if blocklist else {}
    with Client(services) as client, rows_looked_up(len(asked)) as progress:
        listing = rows(client, asked, blocked=blocked, progress=progress)
    for name, notes in listing.notes.items():
        for note in notes:
            logger.info("%s: %s", name, note)
    if listing.rows:
        _report.write(output, listing.rows, update=update)
    for name, problem in listing.problems.items():
        logger.warning("no row: %s: %s", name, reason(problem, name))
    if listing.problems and (strict or not listing.rows):
        broken = [p for p in listing.problems.values() if isinstance(p, SicmirError)]
        msg = f"{len(listing.problems)} of {len(asked)} accessions give no row; see above"
        raise _report.failure(msg, [problem.exit_code for problem in broken])
