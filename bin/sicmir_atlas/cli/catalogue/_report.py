"""What the commands share: a sheet written, and what went wrong said on standard error."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sicmir_atlas.catalogue.sheet import add_rows, read_sheet, write_sheet
from sicmir_atlas.errors import InputError, SicmirError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["failure", "write"]

logger = logging.getLogger("sicmir_atlas")


def write(path: Path, rows: Sequence[Mapping[str, Any]], *, update: bool) -> None:
    """Write a samplesheet, or add to the one that is there."""
    if update and path.exists():
        rows, notes = add_rows(read_sheet(path, beside=path.parent), rows)
        for note in notes:
            logger.info("%s: %s", path.name, note)
    write_sheet(path, rows)
    logger.info("%s: %d rows", path.name, len(rows))


def failure(message: str, codes: Iterable[int]) -> SicmirError:
    """Error for several problems; what a person has to mend comes before what time heals."""
    error = SicmirError(message)
    error.exit_code = min(codes, default=InputError.exit_code)
    return error
