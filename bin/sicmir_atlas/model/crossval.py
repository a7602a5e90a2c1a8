"""Judge a learner on samples it has not seen: folds within cohorts, and whole cohorts left out.

Correlation over samples of several cohorts is mostly the difference between cohorts. What counts
here is correlation within a cohort; the pooled figure stands beside it, never alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from sicmir_atlas.errors import InputError
from sicmir_atlas.model import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sicmir_atlas.model.learners import Learner

    Float64: TypeAlias = NDArray[np.float64]
    Rows: TypeAlias = NDArray[np.int64]

__all__ = [
    "MIN_COHORT",
    "Agreement",
    "Interval",
    "agreement",
    "cross_validate",
    "folds_of",
    "leave_one_cohort_out",
    "mean_interval",
]

MIN_COHORT = 10
"""Fewer samples than this make a correlation too noisy to average over."""


def folds_of(cohorts: Sequence[str] | NDArray[np.str_], n_folds: int, *, seed: int) -> Rows:
    """Deal the samples of every cohort to ``n_folds`` folds at random.

    Returns
    -------
    Fold of every sample, from 0.

    Raises
    ------
    InputError
        When a fold would be empty.
    """
    labels = np.asarray(cohorts)
    if not 2 <= n_folds <= labels.size:
        msg = f"{labels.size} samples cannot be dealt to {n_folds} folds; take 2 to {labels.size}"
        raise InputError(msg)
    rng = np.random.Generator(np.random.PCG64(seed))
    folds = np.empty(labels.size, dtype=np.int64)
    dealt = 0
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        folds[rows] = (np.arange(rows.size) + dealt) % n_folds
        dealt += rows.size
    return folds


def cross_validate(
    learner: Learner,
    x: Float64,
    y: Float64,
    cohorts: NDArray[np.str_],
    *,
    n_folds: int = 5,
    seed: int = 0,
    on_part: Callable[[int, int], None] | None = None,
) -> Float64:
    """Predict every sample by a model that was trained without its fold.

    Parameters
    ----------
    x, y
        Samples × features and samples × miRNAs on a log scale; NaN in ``y`` is not trained on.
    on_part
        Called after every fold with its number, from 1, and the number of folds.

    Returns
    -------
    Samples × miRNAs.
    """
    folds = folds_of(cohorts, n_folds, seed=seed)
    return _predict_held_out(learner, x, y, cohorts, folds, seed=seed, on_part=on_part)


def leave_one_cohort_out(
    learner: Learner,
    x: Float64,
    y: Float64,
    cohorts: NDArray[np.str_],
    *,
    seed: int = 0,
    on_part: Callable[[int, int], None] | None = None,
) -> Float64:
    """Predict every cohort, z-scored by itself, by a model that has seen only the others."""
    if np.unique(cohorts).size < 2:
        msg = "leaving a cohort out needs two cohorts; name them with --strata"
        raise InputError(msg)
    return _predict_held_out(learner, x, y, cohorts, cohorts, seed=seed, on_part=on_part)


@dataclass(frozen=True, eq=False)
class Agreement:
    """Predictions of held-out samples against the truth.

    Parameters
    ----------
    pooled, within
        Pearson correlation per miRNA over all samples, and its mean over the cohorts in which it
        is defined; NaN where undefined.
    by_cohort
        Mean over the miRNAs of each cohort.
    """

    pooled: Float64
    within: Float64
    by_cohort: dict[str, float]


def agreement(y: Float64, predicted: Float64, cohorts: NDArray[np.str_]) -> Agreement:
    """Correlate predictions with truth per miRNA, pooled and within cohorts.

    Cohorts of fewer than :data:`MIN_COHORT` samples count in the pooled figure only.
    """
    names = [name for name in np.unique(cohorts) if (cohorts == name).sum() >= MIN_COHORT]
    inside = [metrics.pcc_per_mirna(y[cohorts == c], predicted[cohorts == c]) for c in names]
    by_cohort = {
        str(name): metrics.mean_defined(values)[0]
        for name, values in zip(names, inside, strict=True)
    }
    stacked = np.vstack([np.full(y.shape[1], np.nan), *inside])
    n_defined = (~np.isnan(stacked)).sum(axis=0)
    within = np.where(n_defined > 0, np.nansum(stacked, axis=0) / np.maximum(n_defined, 1), np.nan)
    return Agreement(metrics.pcc_per_mirna(y, predicted), within, by_cohort)


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float


def mean_interval(values: Float64, *, seed: int = 0, n_resamples: int = 2000) -> Interval:
    """Mean over the defined values with its percentile bootstrap interval.

    Of the differences between two learners on the same miRNAs it is the paired interval.
    """
    defined = values[~np.isnan(values)]
    if defined.size == 0:
        return Interval(0.0, 0.0, 0.0)
    rng = np.random.Generator(np.random.PCG64(seed))
    chosen = rng.integers(defined.size, size=(n_resamples, defined.size))
    low, high = np.quantile(defined[chosen].mean(axis=1), (0.025, 0.975))
    return Interval(float(defined.mean()), float(low), float(high))


def _predict_held_out(
    learner: Learner,
    x: Float64,
    y: Float64,
    cohorts: NDArray[np.str_],
    parts: NDArray[Any],
    *,
    seed: int,
    on_part: Callable[[int, int], None] | None,
) -> Float64:
    predicted = np.full(y.shape, np.nan)
    names = np.unique(parts)
    for number, name in enumerate(names, start=1):
        held_out = parts == name
        train = ~held_out
        predict = learner.fit(x[train], y[train], cohorts[train], seed=seed)
        predicted[held_out] = predict(x[held_out])
        if on_part is not None:
            on_part(number, names.size)
    return predicted
