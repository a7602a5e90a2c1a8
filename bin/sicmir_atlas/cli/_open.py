"""An atlas open for a command, with bars for what is downloaded."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sicmir_atlas.atlas.query import Atlas

__all__ = ["opened_atlas"]


@contextmanager
def opened_atlas(place: str) -> Iterator[Atlas]:
    """Open an atlas folder, or an address: what comes from there shows bars while one watches.

    Nothing may be written to standard output meanwhile.
    """
    from sicmir_atlas.atlas.home import is_address
    from sicmir_atlas.atlas.query import open_atlas
    from sicmir_atlas.cli._progress import bytes_fetched

    with (
        bytes_fetched() if is_address(place) else nullcontext() as progress,
        open_atlas(place, progress=progress) as atlas,
    ):
        yield atlas
