"""`sicmir-atlas join-bulk`: cohorts to one training set."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

__all__ = ["join_bulk"]


def join_bulk(*cohorts: Path, output: Annotated[Path, Parameter(alias="-o")]) -> None:
    """Put paired cohorts together, as `train` reads them.

    Parameters
    ----------
    cohorts
        Folders that `pair-bulk` wrote.
    output
        Folder for mrna.csv.gz, mirna.csv.gz, strata.csv and about.json.
    """
    from sicmir_atlas.errors import InputError
    from sicmir_atlas.sources.bulk import join_cohorts, read_cohort, write_cohort

    if not cohorts:
        msg = "no cohort to join; give one folder or more"
        raise InputError(msg)
    write_cohort(join_cohorts([read_cohort(folder) for folder in cohorts]), output)
