"""Size, kind and checksum of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sicmir_atlas.disk import digest_of
from sicmir_atlas.errors import CorruptError
from sicmir_atlas.sources.containers import is_gzip, is_hdf5_name, is_page, require_hdf5

if TYPE_CHECKING:
    from pathlib import Path

    from sicmir_atlas.sources.files import RemoteFile

__all__ = ["verify"]


def verify(path: Path, file: RemoteFile, address: str) -> None:
    """Prove size, kind and checksum of the bytes at `path`.

    Raises
    ------
    CorruptError
        If they are empty, of another size, a web page, of another kind than the name says, or of
        another checksum than promised.
    """
    size = path.stat().st_size
    if size == 0:
        msg = f"{address}: {file.name} is empty"
        raise CorruptError(msg)
    with path.open("rb") as body:
        head = body.read(256)
    if is_page(head):
        msg = (
            f"{address}: got a web page (HTML) instead of {file.name}: open the address in a "
            "browser; it may ask for a login, or a click"
        )
        raise CorruptError(msg)
    if file.size is not None and size != file.size:
        msg = f"{address}: {file.name} has {size} bytes, expected {file.size}"
        raise CorruptError(msg)
    if is_hdf5_name(file.name) and not is_gzip(head):
        require_hdf5(path, f"{address}: {file.name}")
    if file.checksum:
        algorithm, expected = file.checksum
        found = digest_of(path, algorithm)
        if found != expected:
            msg = (
                f"{address}: {algorithm} of {file.name} is {found}, expected {expected}: correct "
                "the checksum in the samplesheet if the file was replaced on purpose"
            )
            raise CorruptError(msg)
