"""What bytes are by their first ones, where a name promises something."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING

from sicmir_atlas.errors import CorruptError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_gzip", "is_hdf5_name", "is_page", "require_hdf5", "without_gz"]

_HDF5_NAME = re.compile(r"\.(h5ad|h5|loom)(\.gz)?$", re.IGNORECASE)
_UNDEFINED = (1 << 64) - 1
_HDF5 = b"\x89HDF\r\n\x1a\n"
_BLANK = b"\xef\xbb\xbf \t\r\n"
_GZIP = b"\x1f\x8b"
_KINDS = {
    _GZIP: "gzip",
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a rar archive",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"X\n": "an R object",
    b"%PDF": "a PDF",
    b"PAR1": "Parquet",
}


def is_hdf5_name(name: str) -> bool:
    """Tell names of HDF5 files, gzip around them or not."""
    return bool(_HDF5_NAME.search(name))


def without_gz(name: str) -> str:
    """Name of what is in a gzip file."""
    return re.sub(r"\.gz$", "", name, flags=re.IGNORECASE)


def is_gzip(head: bytes) -> bool:
    """Tell gzip by its first bytes."""
    return head.startswith(_GZIP)


def is_page(head: bytes) -> bool:
    """Tell HTML and XML by their first bytes."""
    return head.lstrip(_BLANK).startswith(b"<")


def require_hdf5(path: Path, label: str) -> None:
    """Prove that a file has HDF5's signature, at its start or after a block of the user's.

    Raises
    ------
    CorruptError
        If it has none; the message says what it looks like.
    """
    size, place = path.stat().st_size, 0
    with path.open("rb") as file:
        head = file.read(512)
        while place < size:
            file.seek(place)
            if file.read(8) == _HDF5:
                _require_end(file, size, label)
                return
            place = place * 2 or 512
    msg = f"{label}: no HDF5 file but {_looks_like(head)}; check the address, and the name"
    raise CorruptError(msg)


def _require_end(file: IO[bytes], size: int, label: str) -> None:
    """Prove that a file reaches to where its superblock says that it ends."""
    superblock = file.read(44)
    version = superblock[0] if superblock else 0
    offset_size = superblock[5 if version < 2 else 1 : 6 if version < 2 else 2]
    at = {0: 32, 1: 36, 2: 20, 3: 20}.get(version)
    if at is None or offset_size != b"\x08":
        return  # a version unknown here is the library's to judge
    end = int.from_bytes(superblock[at : at + 8], "little")
    if size < end < _UNDEFINED:
        msg = f"{label}: cut short: {size} bytes of {end}; fetch it again"
        raise CorruptError(msg)


def _looks_like(head: bytes) -> str:
    for magic, kind in _KINDS.items():
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar":
        return "a tar archive"
    return f"{'something' if 0 in head else 'text, it seems,'} that begins with {head[:16]!r}"
