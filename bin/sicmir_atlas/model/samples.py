"""Training samples in the two views that learners take of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["Samples", "View", "Viewed", "view", "zscore_known"]

View: TypeAlias = Literal["pooled", "within"]

_LEAST = 5
"""A cohort of fewer samples has no z-scores of its own."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Paired samples of one technology.

    Parameters
    ----------
    x, y
        Samples × features and samples × miRNAs on one scale; NaN is unknown.
    cohorts
        Cohort of every sample.
    weight
        What a sample counts in a fit; those of another technology count less than 1.
    """

    x: Float64
    y: Float64
    cohorts: NDArray[np.str_]
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Viewed:
    """Samples ready for a fit: z-scored inputs without NaN, targets with NaN, weights, cohorts."""

    z: Float64
    targets: Float64
    weights: Float64
    cohorts: NDArray[np.str_]


def view(technologies: list[Samples], how: View) -> Viewed:
    """Z-score samples and put those of several technologies into one table.

    ``pooled`` z-scores over all samples of a technology, so most of what is learned is difference
    between cohorts. ``within`` z-scores inside each cohort, so nothing of it is; cohorts of fewer
    than 5 samples are left out.
    """
    parts = [part for samples in technologies for part in _parts(samples, how)]
    return Viewed(
        np.vstack([np.nan_to_num(zscore_known(part.x)) for part in parts]),
        np.vstack([zscore_known(part.y) for part in parts]),
        np.concatenate([np.full(len(part.x), part.weight) for part in parts]),
        np.concatenate([part.cohorts for part in parts]),
    )


def _parts(samples: Samples, how: View) -> list[Samples]:
    if how == "pooled":
        return [samples]
    rows = [np.flatnonzero(samples.cohorts == name) for name in np.unique(samples.cohorts)]
    return [
        Samples(samples.x[r], samples.y[r], samples.cohorts[r], samples.weight)
        for r in rows
        if r.size >= _LEAST
    ]


def zscore_known(values: Float64) -> Float64:
    """Z-score columns over their known values; NaN stays, a constant column gives 0."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, values - np.where(known, values, 0).sum(axis=0) / count, 0)
    sd = np.sqrt(np.square(centred).sum(axis=0) / count)
    constant = sd <= 1e-9  # the mean of equal values may miss them by a rounding step
    scaled = np.where(constant, 0, centred / np.where(constant, 1, sd))
    return np.where(known, scaled, np.nan)
