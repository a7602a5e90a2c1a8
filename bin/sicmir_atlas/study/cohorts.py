"""One cohort of paired samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.pairs import MIN_SAMPLES

if TYPE_CHECKING:
    from sicmir_atlas.model.pairs import Pairs

__all__ = ["of_cohort"]

_SHOWN = 8


def of_cohort(pairs: Pairs, cohort: str | None) -> Pairs:
    """Keep the samples of one cohort; all of them when None.

    Raises
    ------
    InputError
        When it has fewer than three.
    """
    if cohort is None:
        return pairs
    kept = (pairs.cohorts == cohort).to_numpy()
    if kept.sum() < MIN_SAMPLES:
        sizes = pairs.cohorts.value_counts().sort_index()
        told = [f"{name} ({n})" for name, n in sizes.head(_SHOWN).items()]
        msg = f"cohort {cohort!r} has {kept.sum()} samples to take, {MIN_SAMPLES} are needed; "
        msg += f"there are {', '.join(told)}{' and others' if len(sizes) > _SHOWN else ''}"
        raise InputError(msg)
    return pairs.among(kept)
