"""`sicmir-atlas resolve`: a samplesheet row to the files it stands for."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

__all__ = ["resolve"]


def resolve(
    *,
    dataset: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    verdict: Path | None = None,
) -> None:
    """List the files of one dataset; nothing is fetched.

    Parameters
    ----------
    dataset
        Row of the checked samplesheet, JSON.
    output
        Files to fetch, JSON.
    verdict
        Where to say that a rule excludes the dataset, instead of a list.
    """
    from dataclasses import asdict

    from sicmir_atlas import sources
    from sicmir_atlas.cli import _io
    from sicmir_atlas.prepare.organism import require_human_row

    row = _io.read_json(dataset)
    with _io.verdict(verdict, row["dataset_id"]):
        require_human_row(row)
        _io.write_json(output, [asdict(file) for file in sources.resolve(row)])
