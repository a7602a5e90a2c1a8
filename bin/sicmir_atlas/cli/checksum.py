"""`sicmir-atlas checksum`: what the datasets' own files hold now, without preparing them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["checksum"]

logger = logging.getLogger(__name__)


def checksum(
    *,
    datasets: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    max_unpacked: int = 200 * 10**9,
) -> None:
    """Write the checksum of each dataset's own files, as `fetch` would record it.

    Parameters
    ----------
    datasets
        A JSON list: `row`, the row of the samplesheet, and `local`, the folders in which its files
        lie.
    output
        JSON: checksum by dataset; null where a file is missing or cannot be read.
    max_unpacked
        Bytes that one archive may unfold into.
    """
    import tempfile

    from sicmir_atlas.cli import _io
    from sicmir_atlas.cli.fetch import staged
    from sicmir_atlas.errors import SicmirError
    from sicmir_atlas.sources import fetch, resolve, source_record
    from sicmir_atlas.sources.resolved import Resolved

    sums: dict[str, str | None] = {}
    for entry in _io.read_json(datasets):
        row, folders = entry["row"], [Path(name) for name in entry["local"]]
        with tempfile.TemporaryDirectory(dir=".") as place:
            try:
                fetched = [
                    (file, fetch(staged(file, folders), Path(place), max_unpacked=max_unpacked))
                    for found in resolve(row)
                    if isinstance(found, Resolved)
                    for file in found.files
                ]
            except (SicmirError, OSError) as error:  # FETCH will say the same, and fail alone
                logger.warning("%s is done again: %s", row["dataset_id"], error)
                sums[row["dataset_id"]] = None
            else:
                sums[row["dataset_id"]] = source_record(fetched)["sha256"]
    _io.write_json(output, sums)
