"""Plain or gzip text, with truncation and wrong content told by file name."""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from sicmir_atlas.errors import CorruptError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["cut_short", "is_gzip", "open_bytes", "read_table_lines"]

# no OSError but gzip's own: a full disk below the reader is no fault of the file
_GZIP_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)


def is_gzip(path: Path) -> bool:
    """Tell by the first two bytes: names lie, in both directions."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def cut_short(path: Path, error: BaseException) -> CorruptError:
    """Build the error for a file whose bytes end early or do not decompress."""
    msg = f"{path.name}: cut short or damaged ({error}): fetch it again"
    return CorruptError(msg)


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a plain or gzip file for reading.

    Raises
    ------
    CorruptError
        If the bytes do not decompress, or end early.
    """
    try:
        with gzip.open(path, "rb") if is_gzip(path) else path.open("rb") as file:
            yield file  # type: ignore[misc]
    except _GZIP_ERRORS as error:
        raise cut_short(path, error) from error


def read_table_lines(path: Path) -> list[list[str]]:
    """Read a small tab-separated table without header; quotes around fields are dropped."""
    with open_bytes(path) as file:
        text = file.read().decode("utf-8-sig", errors="replace")
    return [[field.strip().strip('"') for field in line.split("\t")] for line in text.splitlines()]
