"""`sicmir-atlas fetch`: files to verified bytes in a folder."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sicmir_atlas.sources import RemoteFile

__all__ = ["fetch", "staged"]


def fetch(
    *,
    files: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    cache: Path | None = None,
    local: Path | None = None,
    tries: int = 6,
    timeout: float = 60.0,
    max_unpacked: int = 200 * 10**9,
    requester_pays: str | None = None,
) -> None:
    """Bring the files of one dataset into a folder, with source.json beside them.

    Parameters
    ----------
    files
        What to fetch, JSON, as `resolve` writes it.
    output
        Folder for the files.
    cache
        Downloads kept by checksum, shared by runs.
    local
        Folder in which files that are not downloaded lie by name.
    tries
        Requests for a file before giving up.
    timeout
        Seconds a server may be silent, or slower than 1 kB/s.
    max_unpacked
        Bytes that one archive may unfold into.
    requester_pays
        Project that pays for what is read from buckets whose owner does not.
    """
    from sicmir_atlas import sources
    from sicmir_atlas.cli import _io
    from sicmir_atlas.cli._progress import bytes_fetched

    fetched = []
    with bytes_fetched() as progress:
        for entry in _io.read_json(files):
            file = sources.RemoteFile(**entry)
            path = sources.fetch(
                staged(file, [local] if local else []),
                output,
                cache=cache,
                tries=tries,
                timeout=timeout,
                max_unpacked=max_unpacked,
                requester_pays=requester_pays,
                progress=progress,
            )
            fetched.append((file, path))
    _io.write_json(output / "source.json", sources.source_record(fetched))


def staged(file: RemoteFile, folders: Sequence[Path]) -> RemoteFile:
    """Point a file that is no download to where the pipeline staged it, if it did."""
    from dataclasses import replace

    from sicmir_atlas.sources.files import base_name, scheme_of

    if scheme_of(file.url) in {"http", "https"}:
        return file
    places = (folder / name for folder in folders for name in (base_name(file.url), file.name))
    found = next((place for place in places if place.exists()), None)
    return replace(file, url=str(found)) if found else file
