"""Judge a learner on samples it has not seen: folds within cohorts, and whole cohorts left out.

Correlation over samples of several cohorts is mostly the difference between cohorts. What counts
here is correlation within a cohort; the pooled figure stands beside it, never alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model import metrics
from sicmir_atlas.model.pairs import MIN_SAMPLES

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
    "numbered",
]

MIN_COHORT = 10
"""Fewer samples than this make a correlation too noisy to average over."""


def folds_of(
    cohorts: Sequence[str] | NDArray[np.str_],
    n_folds: int,
    *,
    seed: int,
    patients: Sequence[str] | NDArray[np.str_] | None = None,
) -> Rows:
    """Deal the patients of every cohort to ``n_folds`` folds at random.

    Parameters
    ----------
    patients
        Patient of every sample; each sample is one of its own when None.

    Returns
    -------
    Fold of every sample, from 0.

    Raises
    ------
    InputError
        When a fold would have too few samples for z-scores of its own.
    """
    labels = np.asarray(cohorts)
    most = labels.size // MIN_SAMPLES
    if not 2 <= n_folds <= most:
        msg = f"{labels.size} samples cannot be dealt to {n_folds} folds of {MIN_SAMPLES} and more"
        msg += f"; take 2 to {most}" if most >= 2 else "; more samples are needed"
        raise InputError(msg)
    rng = np.random.Generator(np.random.PCG64(seed))
    folds = np.empty(labels.size, dtype=np.int64)
    dealt = 0
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        whose, n_patients = numbered(rows, patients)
        fold_of_patient = np.empty(n_patients, dtype=np.int64)
        fold_of_patient[rng.permutation(n_patients)] = (np.arange(n_patients) + dealt) % n_folds
        folds[rows] = fold_of_patient[whose]
        dealt += n_patients
    return folds


def numbered(rows: Rows, patients: Sequence[str] | NDArray[np.str_] | None) -> tuple[Rows, int]:
    """Number the patients of some rows in order of their first; each row is one when None."""
    if patients is None:
        return np.arange(rows.size), rows.size
    whose, names = pd.factorize(np.asarray(patients)[rows])
    return whose.astype(np.int64), len(names)


def cross_validate(
    learner: Learner,
    x: Float64,
    y: Float64,
    cohorts: NDArray[np.str_],
    *,
    n_folds: int = 5,
    seed: int = 0,
    patients: NDArray[np.str_] | None = None,
    on_part: Callable[[int, int], None] | None = None,
) -> Float64:
    """Predict every sample by a model that was trained without its fold.

    Parameters
    ----------
    x, y
        Samples × features and samples × miRNAs on a log scale; NaN in ``y`` is not trained on.
    patients
        As for :func:`folds_of`.
    on_part
        Called after every fold with its number, from 1, and the number of folds.

    Returns
    -------
    Samples × miRNAs.
    """
    folds = folds_of(cohorts, n_folds, seed=seed, patients=patients)
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
        Pearson correlation per miRNA over all samples, and its mean over the groups in which it
        is defined; NaN where undefined.
    by_group
        Mean over the miRNAs of each group.
    """

    pooled: Float64
    within: Float64
    by_group: dict[str, float]


def agreement(y: Float64, predicted: Float64, groups: NDArray[np.str_]) -> Agreement:
    """Correlate predictions with truth per miRNA, pooled and within groups.

    Groups of fewer than :data:`MIN_COHORT` samples count in the pooled figure only.

    Parameters
    ----------
    groups
        Cohort of every sample, or :attr:`.Pairs.groups`, which part tumour from normal.
    """
    names = [name for name in np.unique(groups) if (groups == name).sum() >= MIN_COHORT]
    inside = [metrics.pcc_per_mirna(y[groups == g], predicted[groups == g]) for g in names]
    by_group = {
        str(name): metrics.mean_defined(values)[0]
        for name, values in zip(names, inside, strict=True)
    }
    stacked = np.vstack([np.full(y.shape[1], np.nan), *inside])
    n_defined = (~np.isnan(stacked)).sum(axis=0)
    within = np.where(n_defined > 0, np.nansum(stacked, axis=0) / np.maximum(n_defined, 1), np.nan)
    return Agreement(metrics.pcc_per_mirna(y, predicted), within, by_group)


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
