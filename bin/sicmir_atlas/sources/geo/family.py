"""Samples of a series from its family file, streamed (sources spec, sections 1.2 and 1.4)."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sicmir_atlas.errors import CorruptError
from sicmir_atlas.sources.download import download
from sicmir_atlas.sources.files import RemoteFile, mask
from sicmir_atlas.sources.geo.query import BLOCKED, insist
from sicmir_atlas.sources.geo.soft import read_soft, stub
from sicmir_atlas.sources.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sicmir_atlas.sources.geo.soft import Entity
    from sicmir_atlas.sources.http import Client

__all__ = ["family_samples"]

_LONGEST_LINE = 1 << 20
# platform tables of a large family unpack to a few GB
_MOST_BYTES = 32 << 30


def family_samples(series: str, client: Client) -> list[Entity]:
    """Read the samples of a series; tables and platforms are passed over, never held.

    Raises
    ------
    GoneError
        If there is no family file.
    CorruptError
        If it does not end as gzip should, or unpacks to more than 32 GiB.
    UnavailableError
        If the tries are spent.
    """
    name = f"{series}_family.soft.gz"
    base = client.services.geo_files_url
    file = RemoteFile(f"{base}/series/{stub(series)}/{series}/soft/{name}", name)
    with TemporaryDirectory() as folder:
        part = Path(folder) / name

        def once() -> None:
            download(file, part, tries=client.tries, wait=client.wait, email=client.services.email)
            with part.open("rb") as body:
                if body.read(2) == b"\x1f\x8b":
                    return
            part.unlink()
            raise Retry(BLOCKED)

        insist(once, client, address=mask(file.url))
        try:
            return list(read_soft(_lines(part), kinds=frozenset({"SAMPLE"})))
        except (OSError, EOFError, zlib.error) as error:
            msg = f"{mask(file.url)}: broken gzip: {error}"
            raise CorruptError(msg) from error


def _lines(path: Path) -> Iterator[str]:
    left = _MOST_BYTES
    with gzip.open(path, "rb") as file:
        while line := file.readline(_LONGEST_LINE):
            left -= len(line)
            if left < 0:
                msg = f"{path.name} unpacks to more than {_MOST_BYTES >> 30} GiB"
                raise CorruptError(msg)
            yield line.decode("utf-8", errors="replace")
