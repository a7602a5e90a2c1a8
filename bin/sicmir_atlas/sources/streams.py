"""Compressed bytes read once, in their order, with an end to how many come out."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from sicmir_atlas.errors import CorruptError, SicmirError

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Budget", "Forward", "decompressed", "require_whole", "sound"]

# headers of archives are read at once; the longest sound ones hold a path
_LONGEST_READ = 16 << 20
# of OSError, those of gzip and bzip2, which bear no number; of ValueError, those of tarfile
_BROKEN = (
    EOFError,
    IndexError,
    OSError,
    RecursionError,
    ValueError,
    lzma.LZMAError,
    tarfile.TarError,
    zlib.error,
)


class Budget:
    """Bytes that may still unfold from one archive, all that is nested in it included.

    Parameters
    ----------
    limit
        Bytes in all.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._left = limit, limit

    def spend(self, n_bytes: int, label: str) -> None:
        """Take bytes off.

        Raises
        ------
        CorruptError
            If there are not as many left.
        """
        self._left -= n_bytes
        if self._left < 0:
            msg = f"{label}: unfolds into more than {self._limit:,} bytes: allow more with "
            msg += "--max-unpacked if it is meant to"
            raise CorruptError(msg)


class Forward:
    """What `tarfile` needs of a file; it is never read twice, nor without end.

    Parameters
    ----------
    file
        Bytes of the archive, decompressed.
    label
        What messages call the archive.
    budget
        Where the bytes are counted; None for an archive that is not compressed: those are limited
        by their size on disk, and members left out are skipped without reading.
    """

    def __init__(self, file: IO[bytes], label: str, budget: Budget | None) -> None:
        self._file, self._label, self._budget = file, label, budget
        self._at = 0
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes; what was read last is kept."""
        if not 0 <= size <= _LONGEST_READ:
            msg = f"{self._label}: holds a header of {size:,} bytes, which no sound archive has"
            raise CorruptError(msg)
        self.last = self._file.read(size)
        self._at += len(self.last)
        if self._budget:
            self._budget.spend(len(self.last), self._label)
        return self.last

    def seek(self, to: int) -> int:
        """Skip bytes."""
        if to < self._at:
            msg = f"{self._label}: a member has a size below zero"
            raise CorruptError(msg)
        if not self._budget and self._file.seekable():
            self._file.seek(to - self._at, 1)
            self._at = to
        while self._at < to and self.read(min(1 << 20, to - self._at)):
            pass
        return self._at

    def seekable(self) -> bool:
        """Tell an archive inside that it cannot skip what it does not read."""
        return False

    def tell(self) -> int:
        """Bytes read or skipped so far."""
        return self._at


def decompressed(file: io.BufferedReader) -> IO[bytes] | None:
    """Unfold gzip, bzip2 or xz, told by the first bytes; None where it is none of them."""
    head = file.peek(6)
    if head.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if head.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if head.startswith(b"\xfd7zXZ"):
        return lzma.LZMAFile(file)
    return None


def require_whole(path: Path, label: str, max_unpacked: int) -> None:
    """Read a file to the end of its compression, if it has any; nothing is kept.

    Raises
    ------
    CorruptError
        If it is cut short or damaged, or unfolds into more than `max_unpacked` bytes.
    """
    budget = Budget(max_unpacked)
    with path.open("rb") as file, sound(label):
        unfolded = decompressed(file)
        while unfolded and (chunk := unfolded.read(1 << 20)):
            budget.spend(len(chunk), label)


@contextmanager
def sound(label: str) -> Iterator[None]:
    """Turn what broken archives raise into CorruptError; a full disk stays what it is.

    Raises
    ------
    CorruptError
        If bytes end early or do not decompress.
    """
    try:
        yield
    except _BROKEN as error:
        if isinstance(error, SicmirError) or getattr(error, "errno", None) is not None:
            raise
        msg = f"{label}: cut short or damaged ({error}): fetch it again"
        raise CorruptError(msg) from error
