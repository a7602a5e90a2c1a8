"""Plain or gzip text, with truncation and wrong content told by file name."""

from __future__ import annotations

import gzip
import io
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from sicmir_atlas.errors import CorruptError, GoneError, InputError
from sicmir_atlas.readers.foreign import require_text
from sicmir_atlas.readers.limits import LIMITS, Limits, require_at_most

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "bounded",
    "cut_short",
    "decode",
    "is_gzip",
    "line_blocks",
    "open_bytes",
    "read_columns",
    "read_line",
    "require_file",
]

# no OSError but gzip's own: a full disk below the reader is no fault of the file
_GZIP_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)

_TABLE_LINE = 16 << 20  # tables of cells and genes have no such lines; matrices may


def require_file(path: Path) -> None:
    """Refuse what is not there, a folder, and a file without a byte.

    Raises
    ------
    GoneError
        If there is no such file.
    InputError
        If it is a folder.
    CorruptError
        If it is empty.
    """
    if path.is_dir():
        msg = f"{path}: a folder in the place of a file: name the file in it"
        raise InputError(msg)
    if not path.exists():
        msg = f"{path}: no such file"
        raise GoneError(msg)
    if path.stat().st_size == 0:
        msg = f"{path.name}: an empty file: fetch it again"
        raise CorruptError(msg)


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
    """Open a plain or gzip text file for reading.

    Raises
    ------
    CorruptError
        If the bytes do not decompress or end early, there are none, or they are a web page.
    InputError
        If it is a folder, or what it holds is not text.
    """
    require_file(path)
    try:
        with gzip.open(path, "rb") if is_gzip(path) else path.open("rb") as file:
            require_text(file.peek(512)[:512], path.name)
            yield file  # type: ignore[misc]
    except _GZIP_ERRORS as error:
        raise cut_short(path, error) from error


def read_line(file: IO[bytes], label: str, limit: int = LIMITS.line) -> bytes:
    """Read one line, its end included; empty at the end of the file.

    Raises
    ------
    InputError
        If the line is longer than `limit` bytes.
    """
    line = file.readline(limit + 1)
    if len(line) > limit:
        msg = f"{label}: a line goes on beyond {limit:,} bytes, the most that is read: is it a "
        msg += "table with line ends? Large matrices are better h5ad or mtx"
        raise InputError(msg)
    return line


def decode(text: bytes, where: str) -> str:
    """Decode UTF-8; a byte order mark is dropped.

    Raises
    ------
    InputError
        If it is not UTF-8; `where` names the file and the place in it.
    """
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{where}: byte {text[error.start]:#x} is not UTF-8: convert the file, for example "
        msg += "iconv -f WINDOWS-1252 -t UTF-8"
        raise InputError(msg) from error


def line_blocks(
    file: IO[bytes], label: str, *, size: int = 1 << 20, limit: int = LIMITS.line
) -> Iterator[list[bytes]]:
    """Read whole lines with their ends, about `size` bytes at a time."""
    while True:
        lines, read = [], 0
        while read < size and (line := read_line(file, label, limit)):
            lines.append(line)
            read += len(line)
        if not lines:
            return
        yield lines


def bounded(
    file: IO[bytes], label: str, *, limit: int = LIMITS.table, rows: int = LIMITS.cells
) -> IO[bytes]:
    """Wrap an open table so that reading beyond its limits raises InputError.

    Parameters
    ----------
    limit
        Bytes that may be read.
    rows
        Line ends that may be read, beside that of a header.
    """
    return io.BufferedReader(_Bounded(file, label, limit, rows), 1 << 20)  # type: ignore[type-var]


class _Bounded(io.RawIOBase):
    def __init__(self, file: IO[bytes], label: str, limit: int, rows: int) -> None:
        self._file, self._label, self._limit, self._rows = file, label, limit, rows
        self._bytes_read = self._rows_read = self._line = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray, /) -> int:  # type: ignore[override]
        chunk = self._file.read(len(buffer))
        self._bytes_read += len(chunk)
        self._rows_read += chunk.count(b"\n")
        remedy = "is it the table of this matrix?"
        require_at_most(self._limit, self._bytes_read, "bytes of text", self._label, remedy)
        require_at_most(self._rows + 1, self._rows_read, "lines", self._label, remedy)
        end = chunk.rfind(b"\n")
        self._line = len(chunk) - end - 1 if end >= 0 else self._line + len(chunk)
        require_at_most(_TABLE_LINE, self._line, "bytes in one line", self._label, remedy)
        buffer[: len(chunk)] = chunk
        return len(chunk)


def read_columns(
    path: Path, n_columns: int, *, rows: int, limits: Limits = LIMITS
) -> list[list[str]]:
    """Read the first columns of a tab-separated table without header, blank lines left out.

    Quotes around fields are dropped; fields that a line lacks are empty.

    Raises
    ------
    InputError
        If there are more than `rows` lines beside a header, or a line is not UTF-8.
    CorruptError
        If there are NUL bytes.
    """
    columns: list[list[str]] = [[] for _ in range(n_columns)]
    missing = [""] * n_columns
    n_read = 0
    with open_bytes(path) as file:
        text = bounded(file, path.name, limit=limits.table, rows=rows)
        for lines in line_blocks(text, path.name, limit=limits.line):
            for line in _decoded(lines, path.name, n_read):
                if not line.strip():
                    continue
                fields = line.split("\t", n_columns)
                for column, field in zip(columns, fields + missing, strict=False):
                    column.append(field.strip().strip('"'))
            n_read += len(lines)
    return columns


def _decoded(lines: list[bytes], label: str, before: int) -> list[str]:
    """Decode lines together, and one by one where that fails, to name the line."""
    joined = b"".join(lines)
    try:
        if b"\0" not in joined:
            return joined.decode("utf-8" if before else "utf-8-sig").splitlines()
    except UnicodeDecodeError:
        pass
    for number, line in enumerate(lines, before + 1):
        if b"\0" in line:
            msg = f"{label}: line {number} holds a NUL byte, which text never does: fetch it again"
            raise CorruptError(msg)
        decode(line, f"{label}: line {number}")
    return []
