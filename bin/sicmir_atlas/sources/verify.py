"""Size, kind and checksum of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sicmir_atlas.disk import digest_of
from sicmir_atlas.errors import CorruptError

if TYPE_CHECKING:
    from pathlib import Path

    from sicmir_atlas.sources.files import RemoteFile

__all__ = ["verify"]

_BLANK = b"\xef\xbb\xbf \t\r\n"


def verify(path: Path, file: RemoteFile, address: str) -> None:
    """Prove size, kind and checksum of the bytes at `path`.

    Raises
    ------
    CorruptError
        If they are empty, of another size, a web page, or of another checksum than promised.
    """
    size = path.stat().st_size
    if size == 0:
        msg = f"{address}: {file.name} is empty"
        raise CorruptError(msg)
    with path.open("rb") as body:
        if body.read(256).lstrip(_BLANK).startswith(b"<"):
            msg = (
                f"{address}: got a web page (HTML) instead of {file.name}: open the address in a "
                "browser; it may ask for a login, or a click"
            )
            raise CorruptError(msg)
    if file.size is not None and size != file.size:
        msg = f"{address}: {file.name} has {size} bytes, expected {file.size}"
        raise CorruptError(msg)
    if file.checksum:
        algorithm, expected = file.checksum
        found = digest_of(path, algorithm)
        if found != expected:
            msg = (
                f"{address}: {algorithm} of {file.name} is {found}, expected {expected}: correct "
                "the checksum in the samplesheet if the file was replaced on purpose"
            )
            raise CorruptError(msg)
