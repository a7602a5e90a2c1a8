"""Agreement of predicted with measured miRNAs (spec, section 5); arrays are samples × miRNAs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Float64: TypeAlias = NDArray[np.float64]

__all__ = [
    "HUB_PCC",
    "Spread",
    "is_hub",
    "mean_defined",
    "mse",
    "pcc_flat",
    "pcc_per_mirna",
    "pcc_per_sample",
    "r2_flat",
    "r2_per_mirna",
    "r2_variance_weighted",
    "spread_over_runs",
]

HUB_PCC = 0.8
"""Correlation from which on, inclusive, the paper calls a miRNA a hub (spec, section 7)."""

# Student's t, 97.5 %, 2 degrees of freedom: the paper's intervals are over three runs
T_THREE_RUNS = 4.303


def is_hub(pcc: Float64, *, threshold: float = HUB_PCC) -> NDArray[np.bool_]:
    """Tell which miRNAs reach the threshold, inclusive, at the four decimals of a model card."""
    return np.round(pcc, 4) >= threshold


def pcc_per_mirna(truth: ArrayLike, predicted: ArrayLike) -> Float64:
    """Pearson correlation over samples, per miRNA; NaN where truth or prediction is constant.

    Entries missing (NaN) in either array are left out, miRNA by miRNA.
    """
    return _pearson(*_pair(truth, predicted))


def pcc_per_sample(truth: ArrayLike, predicted: ArrayLike) -> Float64:
    """Pearson correlation over miRNAs, per sample; NaN where it is undefined."""
    y, p = _pair(truth, predicted)
    return _pearson(y.T, p.T)


def pcc_flat(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Pearson correlation over all entries at once; not comparable with a mean per-miRNA PCC."""
    y, p = _pair(truth, predicted)
    return float(_pearson(y.reshape(-1, 1), p.reshape(-1, 1))[0])


def mse(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Mean of all squared errors; RMSE is its square root."""
    y, p = _pair(truth, predicted)
    return float(np.nanmean(np.square(y - p)))


def r2_per_mirna(truth: ArrayLike, predicted: ArrayLike) -> Float64:
    """1 - SSE / SST, per miRNA; NaN where the truth is constant."""
    sse, sst = _sums_of_squares(*_pair(truth, predicted))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sst > 0, 1 - sse / sst, np.nan)


def r2_variance_weighted(truth: ArrayLike, predicted: ArrayLike) -> float:
    """1 - (sum of all SSE) / (sum of all SST around the miRNAs' means)."""
    sse, sst = _sums_of_squares(*_pair(truth, predicted))
    return float(1 - sse.sum() / sst.sum())


def r2_flat(truth: ArrayLike, predicted: ArrayLike) -> float:
    """R2 over all entries at once."""
    y, p = _pair(truth, predicted)
    return float(r2_per_mirna(y.reshape(-1, 1), p.reshape(-1, 1))[0])


def mean_defined(values: Float64) -> tuple[float, int]:
    """Give the mean of the defined values (0 when there are none) and how many are undefined."""
    defined = values[~np.isnan(values)]
    return (float(defined.mean()) if defined.size else 0.0), int(values.size - defined.size)


@dataclass(frozen=True)
class Spread:
    """Mean, standard error and half-width of the 95 % interval over three runs."""

    mean: float
    se: float
    half_width: float


def spread_over_runs(runs: Sequence[float]) -> Spread:
    """Summarise three runs as the paper's tables do: mean ± 4.303 standard errors."""
    values = np.asarray(runs, dtype=np.float64)
    se = float(values.std(ddof=1) / np.sqrt(values.size))
    return Spread(float(values.mean()), se, T_THREE_RUNS * se)


def _pair(truth: ArrayLike, predicted: ArrayLike) -> tuple[Float64, Float64]:
    y, p = np.array(truth, dtype=np.float64), np.array(predicted, dtype=np.float64)
    missing = np.isnan(y) | np.isnan(p)
    y[missing], p[missing] = np.nan, np.nan
    return y, p


def _centred(values: Float64) -> Float64:
    present = ~np.isnan(values)
    count = present.sum(axis=0)
    mean = np.where(present, values, 0).sum(axis=0) / np.maximum(count, 1)
    return np.where(present, values - mean, 0)


def _pearson(y: Float64, p: Float64) -> Float64:
    yc, pc = _centred(y), _centred(p)
    norm = np.sqrt(np.square(yc).sum(axis=0) * np.square(pc).sum(axis=0))
    constant = (np.ptp(yc, axis=0) == 0) | (np.ptp(pc, axis=0) == 0) | (norm == 0)
    r = (yc * pc).sum(axis=0) / np.where(constant, 1, norm)
    return np.where(constant, np.nan, r)


def _sums_of_squares(y: Float64, p: Float64) -> tuple[Float64, Float64]:
    sse = np.nansum(np.square(y - p), axis=0)
    return sse, np.square(_centred(y)).sum(axis=0)
