"""How far a prediction can be trusted: correlation on unseen samples, and its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from sicmir_atlas.model.crossval import MIN_COHORT, agreement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["Reliability", "reliability"]

_DEFINED = 0.9


@dataclass(frozen=True, eq=False)
class Reliability:
    """Correlation of prediction and truth per miRNA, over unseen samples.

    Parameters
    ----------
    pooled, within
        Over all samples, and the mean over groups; NaN where undefined.
    pooled_interval, within_interval
        miRNAs × 2: 2.5 and 97.5 % of samples drawn anew within their groups. NaN where less than
        90 % of the draws are defined, for a miRNA that hardly varies.
    """

    pooled: Float64
    within: Float64
    pooled_interval: Float64
    within_interval: Float64


def reliability(
    y: Float64,
    predicted: Float64,
    groups: NDArray[np.str_],
    *,
    seed: int = 0,
    n_resamples: int = 500,
) -> Reliability:
    """Correlate per miRNA, with bootstrap intervals.

    Parameters
    ----------
    y, predicted
        Samples × miRNAs; predictions by models that had not seen the sample. NaN is left out.
    groups
        Group of every sample, as for :func:`.agreement`.
    """
    found = agreement(y, predicted, groups)
    known = ~(np.isnan(y) | np.isnan(predicted))
    centre = np.where(known, y, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    truth = np.where(known, y - centre, 0)  # sums of small numbers lose no digits
    guess = np.where(known, predicted, 0)
    rng = np.random.Generator(np.random.PCG64(seed))
    names, counts = np.unique(groups, return_counts=True)
    pooled = np.zeros((6, n_resamples, y.shape[1]))
    within = np.zeros((n_resamples, y.shape[1]))
    n_defined = np.zeros((n_resamples, y.shape[1]))
    for name, count in zip(names, counts, strict=True):
        rows = groups == name
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=n_resamples)
        sums = _weighted_sums(drawn.astype(np.float64), known[rows], truth[rows], guess[rows])
        pooled += sums
        if count >= MIN_COHORT:
            pcc = _pcc(sums)
            n_defined += ~np.isnan(pcc)
            within += np.nan_to_num(pcc)
    means = np.where(n_defined > 0, within / np.maximum(n_defined, 1), np.nan)
    return Reliability(found.pooled, found.within, _interval(_pcc(pooled)), _interval(means))


def _weighted_sums(
    weights: Float64, known: NDArray[np.bool_], truth: Float64, guess: Float64
) -> Float64:
    """Sums that a correlation is made of, of every resample: 6 × resamples × miRNAs."""
    parts = (known.astype(np.float64), truth, guess, truth**2, guess**2, truth * guess)
    return np.stack([weights @ part for part in parts])


def _pcc(sums: Float64) -> Float64:
    n, t, p, tt, pp, tp = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        variances = (tt - t * t / n) * (pp - p * p / n)
        r = (tp - t * p / n) / np.sqrt(variances)
    return np.where(variances > 1e-12, r, np.nan)


def _interval(resampled: Float64) -> Float64:
    bounds = np.full((resampled.shape[1], 2), np.nan)
    defined = (~np.isnan(resampled)).mean(axis=0) >= _DEFINED
    if defined.any():
        bounds[defined] = np.nanquantile(resampled[:, defined], (0.025, 0.975), axis=0).T
    return bounds
