"""Paired tables that a command reads, and those of another technology beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sicmir_atlas.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from sicmir_atlas.model.pairs import Pairs
    from sicmir_atlas.model.samples import Samples

__all__ = ["read_extra"]


def read_extra(
    mrna: Path | None, mirna: Path | None, strata: Path | None, *, weight: float, like: Pairs
) -> Samples | None:
    """Read samples of another technology; None when no table is given.

    Raises
    ------
    InputError
        When one of the two tables or the cohorts are given alone.
    """
    from sicmir_atlas.model.pairs import read_other_technology
    from sicmir_atlas.model.samples import Samples

    if mrna is None and mirna is None and strata is None:
        return None
    if mrna is None or mirna is None:
        msg = "--extra-mrna and --extra-mirna go together, and --extra-strata with both: "
        msg += "give both tables, or none of the three"
        raise InputError(msg)
    return Samples.of(read_other_technology(mrna, mirna, strata, like=like), weight=weight)
