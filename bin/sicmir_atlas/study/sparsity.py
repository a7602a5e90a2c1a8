"""Make bulk expression as sparse as single cells (model spec, section 9, test 3).

All functions take linear values x = 2^v - 1, samples × genes, never negative, and return new ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from sicmir_atlas.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Float64: TypeAlias = NDArray[np.float64]

__all__ = [
    "drop_by_expression",
    "drop_probability",
    "drop_uniformly",
    "further_drop",
    "linear",
    "log2_plus_1",
    "rescaled",
    "sequenced",
    "sparsity",
]

_LOG2_OF_COUNTS = 40.0  # 10^12 reads: no log2 value is as large, most linear ones are


def linear(log2_values: ArrayLike) -> Float64:
    """Undo log2(x + 1).

    Raises
    ------
    InputError
        When a value is negative or far too large for a logarithm.
    """
    v = np.asarray(log2_values, dtype=np.float64)
    if v.size and (v.min() < 0 or v.max() > _LOG2_OF_COUNTS):
        msg = (
            f"mRNA values range from {v.min():g} to {v.max():g}; sparsity is made from "
            "log2(x + 1), which is never negative and hardly ever above 20: give such values"
        )
        raise InputError(msg)
    return np.asarray(np.exp2(v) - 1)


def log2_plus_1(x: Float64) -> Float64:
    """Log-transform linear values."""
    return np.asarray(np.log2(x + 1))


def sparsity(values: ArrayLike) -> float:
    """Share of zeros."""
    return float(np.mean(np.asarray(values) == 0))


def drop_uniformly(x: Float64, fraction: float, rng: np.random.Generator) -> Float64:
    """Set a random ``fraction`` of all non-zero entries to zero, each as likely as any other."""
    present = np.flatnonzero(x)
    dropped = x.copy()
    chosen = rng.choice(present, round(fraction * present.size), replace=False, shuffle=False)
    dropped.flat[chosen] = 0
    return dropped


def drop_probability(log2_values: Float64, target: float, gamma: float) -> Float64:
    """Probability of loss p = min(1, c e^(-gamma l)) of each value l, with mean ``target``.

    c is exact: with the k likeliest losses at 1, it is what the others must share.
    """
    weight = np.exp(-gamma * log2_values)
    likeliest = np.sort(weight)[::-1]
    rest = np.cumsum(likeliest[::-1])[::-1]
    certain = np.arange(weight.size)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        c = np.maximum(target * weight.size - certain, 0) / rest
        consistent = np.flatnonzero(c * likeliest <= 1)
    if consistent.size == 0:  # all is lost, but for rounding
        return np.ones_like(weight)
    return np.asarray(np.minimum(1, c[consistent[0]] * weight))


def drop_by_expression(
    x: Float64, target: float, gamma: float, rng: np.random.Generator
) -> Float64:
    """Set non-zero entries to zero, low ones more often (``poisson``); ``gamma`` 0 is uniform.

    Of all non-zero entries ``target`` is lost on average.
    """
    present = x > 0
    p = drop_probability(log2_plus_1(x[present]), target, gamma)
    dropped = x.copy()
    dropped[present] *= rng.random(p.size) >= p
    return dropped


def sequenced(x: Float64, n_counts: int, rng: np.random.Generator) -> Float64:
    """Draw ``n_counts`` molecules of each sample (multinomial), rescaled to the sample's sum."""
    total = x.sum(axis=1, keepdims=True)
    share = np.divide(x, total, out=np.zeros_like(x), where=total > 0)
    share[total[:, 0] == 0] = 1 / x.shape[1]
    return rescaled(rng.multinomial(n_counts, share), total[:, 0])


def rescaled(counts: ArrayLike, totals: ArrayLike) -> Float64:
    """Scale each row of counts to sum up to its total."""
    values = np.asarray(counts, dtype=np.float64)
    return np.asarray(values / values.sum(axis=1, keepdims=True) * np.reshape(totals, (-1, 1)))


def further_drop(target: float, now: float) -> float | None:
    """Share of the values left that must go to reach sparsity ``target``; None if beyond it."""
    return None if now > target else (target - now) / (1 - now) if now < 1 else 0.0
