"""Files that appear whole or not at all, and what proves them."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "digest_of",
    "folder_written_whole",
    "link_or_copy",
    "no_space",
    "require_room",
    "written_whole",
]

_ROOM = 8 << 20  # more than HDF5 holds back
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def digest_of(path: Path, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of a file."""
    with path.open("rb") as file:
        # not for security: where policy forbids md5, archives still publish it
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()


def no_space(error: BaseException) -> bool:
    """Tell a full disk, a spent quota or a limit on the size of files from other errors.

    Libraries below, such as DuckDB, only say so in their message.
    """
    if getattr(error, "errno", None) in _FULL:
        return True
    return "no space left on device" in str(error).lower()


def require_room(path: Path, n_bytes: int) -> None:
    """Refuse to write where the disk is about to be full, for writers that cannot bear it.

    HDF5 crashes when it cannot flush what it holds.

    Raises
    ------
    OSError
        As the full disk itself would: ``ENOSPC``, with the path.
    """
    if shutil.disk_usage(path.parent).free < n_bytes + _ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link, or copy where that cannot be (other devices, other owners), in one step.

    ``target`` is replaced if there; nobody sees half of it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".link-") as folder:
        made = Path(folder) / "file"
        try:
            os.link(source.resolve(), made)
        except OSError:
            shutil.copyfile(source, made)
        if target.exists() and target.samefile(made):
            return  # replacing a file by a link to itself would leave both names
        made.replace(target)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a path to write to; what is there becomes ``path`` when the block ends well.

    Nothing is left of a block that fails, and what a killed process left is not built upon.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".part-{path.name}")
    part.unlink(missing_ok=True)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """Give a folder to fill; it becomes ``path``, whatever was there, when the block ends well.

    Nothing is left of a block that fails, and what a killed process left is not built upon.
    """
    path = path.resolve()
    part, former = (path.with_name(f".{word}-{path.name}") for word in ("part", "former"))
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        if path.is_dir():
            shutil.rmtree(former, ignore_errors=True)
            path.replace(former)  # in one step, so that a process that is killed leaves no half
        else:
            path.unlink(missing_ok=True)
        part.replace(path)
        shutil.rmtree(former, ignore_errors=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)
