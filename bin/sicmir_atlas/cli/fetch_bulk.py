"""`sicmir-atlas fetch-bulk`: tables of a public bulk cohort."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Any

from cyclopts import Parameter

__all__ = ["fetch_bulk"]


def fetch_bulk(
    name: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    url: str | None = None,
    tries: int = 6,
    timeout: float = 60.0,
    email: str | None = None,
) -> None:
    """Bring the tables of one cohort into a folder, with source.json beside them.

    Parameters
    ----------
    name
        A cancer of TCGA such as ACC, from UCSC Xena; GTEX; or MIRBASE, for the names of miRNAs.
    output
        Folder for the files.
    url
        Base address in place of the public one: a mirror, or a folder on disk.
    tries
        Requests for a file before giving up.
    timeout
        Seconds a server may be silent, or slower than 1 kB/s.
    email
        Whom miRBase may write to about these requests.
    """
    from sicmir_atlas.cli import _io
    from sicmir_atlas.cli._progress import bytes_fetched
    from sicmir_atlas.sources import RemoteFile, Services, source_record
    from sicmir_atlas.sources.bulk import gtex, mirbase, xena

    with bytes_fetched() as progress:
        options: dict[str, Any] = {"tries": tries, "timeout": timeout, "progress": progress}
        if name == "MIRBASE":
            base = url or mirbase.BASE
            path = mirbase.fetch(output, Services(email=email), base=base, tries=tries)
            fetched = [(RemoteFile(base, path.name), path)]
        elif name == "GTEX":
            fetched = gtex.fetch(output, base=url or gtex.BASE, **options)
        else:
            fetched = xena.fetch(name, output, base=url or xena.BASE, **options)
    _io.write_json(output / "source.json", {"name": name, **source_record(fetched)})
