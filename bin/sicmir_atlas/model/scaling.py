"""Z-scores per gene over the rows at hand (sicmir-model spec, section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy import sparse

from sicmir_atlas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    Float64: TypeAlias = NDArray[np.float64]

__all__ = [
    "MomentAccumulator",
    "Scaling",
    "balanced_weights",
    "observed_scaling",
    "scaling_of",
    "zscore",
]


@dataclass(frozen=True, eq=False)
class Scaling:
    """Mean and population SD of every gene.

    Parameters
    ----------
    mean, sd
        Shape (n_genes,). An SD of 0 marks a constant gene.
    """

    mean: Float64
    sd: Float64

    def apply(self, x: Any, *, dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """Z-score rows, dense or sparse, computing in float64; a constant gene gives 0.

        Returns
        -------
        Dense array of the shape of ``x`` and of ``dtype``.
        """
        values = _dense(x)
        if values.shape[1] != self.mean.size:
            msg = f"matrix has {values.shape[1]} genes, the scaling has {self.mean.size}"
            raise InputError(msg)
        constant = self.sd == 0
        centred = np.subtract(values, self.mean, dtype=np.float64)
        scaled = np.empty(values.shape, dtype=dtype)
        np.divide(centred, np.where(constant, 1.0, self.sd), out=scaled, casting="same_kind")
        scaled[:, constant] = 0
        return scaled


class MomentAccumulator:
    """Means and population SDs of rows that arrive in blocks; sparse blocks stay sparse.

    Sums are taken of the distance to the very first row, so genes far from zero keep their digits
    and a constant gene has an SD of exactly 0.
    """

    def __init__(self) -> None:
        self.n_rows = 0
        self._weight = 0.0
        self._origin: Float64 | None = None
        self._first: Float64 = np.empty(0)
        self._second: Float64 = np.empty(0)

    def add(self, block: Any, weights: ArrayLike | None = None) -> None:
        """Take in a block of rows.

        Parameters
        ----------
        block
            CSR matrix or array, rows × genes, without NaN.
        weights
            One non-negative weight per row; all 1 when absent.
        """
        n_rows, n_genes = block.shape
        row_weights = _check_weights(weights, n_rows)
        if n_rows == 0:
            return
        if self._origin is None:
            self._origin = _dense(block[:1]).astype(np.float64).ravel()
            self._first, self._second = np.zeros(n_genes), np.zeros(n_genes)
        if n_genes != self._origin.size:
            msg = f"block has {n_genes} genes, earlier blocks had {self._origin.size}"
            raise InputError(msg)
        if _is_sparse(block):
            first, second = _sparse_sums(sparse.csr_matrix(block), self._origin, row_weights)
        else:
            distance = np.subtract(block, self._origin, dtype=np.float64)
            first, second = row_weights @ distance, row_weights @ np.square(distance)
        self._first += first
        self._second += second
        self._weight += float(row_weights.sum())
        self.n_rows += n_rows

    def scaling(self) -> Scaling:
        """Give the scaling of all rows taken in so far.

        Raises
        ------
        InputError
            When there were none, or when a gene holds NaN or infinity.
        """
        if self._origin is None or self._weight == 0:
            msg = "no rows to compute z-scores from"
            raise InputError(msg)
        shift = self._first / self._weight
        variance = np.maximum(self._second / self._weight - np.square(shift), 0)
        _check_finite(variance)
        return Scaling(self._origin + shift, np.sqrt(variance))


def scaling_of(blocks: Iterable[Any], weights: ArrayLike | None = None) -> Scaling:
    """Means and SDs of all rows of a stream of blocks, in one pass; see :func:`zscore`."""
    moments, done = MomentAccumulator(), 0
    checked = None if weights is None else np.asarray(weights)
    for block in blocks:
        stop = done + block.shape[0]
        moments.add(block, None if checked is None else checked[done:stop])
        done = stop
    return moments.scaling()


def observed_scaling(y: Float64) -> Scaling:
    """Mean and population SD of the values present; NaN is missing, an empty column gives 0, 0."""
    present = ~np.isnan(y)
    count = np.maximum(present.sum(axis=0), 1)
    mean = np.where(present, y, 0).sum(axis=0) / count
    centred = np.where(present, y - mean, 0)
    sd = np.sqrt(np.square(centred).sum(axis=0) / count)
    low = np.where(present, y, np.inf).min(axis=0)
    high = np.where(present, y, -np.inf).max(axis=0)
    return Scaling(mean, np.where(low >= high, 0.0, sd))


def zscore(x: Any, *, weights: ArrayLike | None = None) -> Float64:
    """Z-score each gene over the rows given: (x - mean) / SD, population SD, constant gene 0.

    Parameters
    ----------
    x
        Rows × genes, dense or sparse.
    weights
        One weight per row for mean and SD, see :func:`balanced_weights`; equal when absent.

    Returns
    -------
    Array of the shape of ``x``, float64.

    Raises
    ------
    InputError
        When there are no rows, or a gene holds NaN or infinity.
    """
    values = np.asarray(_dense(x), dtype=np.float64)
    if values.shape[0] == 0:
        msg = "no rows to compute z-scores from"
        raise InputError(msg)
    if weights is None:
        mean, sd = values.mean(axis=0), values.std(axis=0)
    else:
        share = _check_weights(weights, values.shape[0])
        mean = np.average(values, axis=0, weights=share)
        sd = np.sqrt(np.average(np.square(values - mean), axis=0, weights=share))
    _check_finite(sd)
    # the mean of equal values may miss them by a rounding step, so an SD near 0 is no proof
    sd[values.min(axis=0) == values.max(axis=0)] = 0
    scaled: Float64 = Scaling(mean, sd).apply(values, dtype=np.float64)
    return scaled


def balanced_weights(labels: Sequence[str] | NDArray[Any]) -> Float64:
    """Weight rows so that every label counts once, however many rows carry it."""
    _, inverse, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[inverse], dtype=np.float64)


def _sparse_sums(block: Any, origin: Float64, row_weights: Float64) -> tuple[Float64, Float64]:
    n_rows, n_genes = block.shape
    if not block.has_canonical_format:
        block = block.copy()
        block.sum_duplicates()
    weight = np.repeat(row_weights, np.diff(block.indptr))
    distance = block.data - origin[block.indices]

    def per_gene(values: Float64) -> Float64:
        sums = np.bincount(block.indices, weights=values, minlength=n_genes)
        return np.asarray(sums, dtype=np.float64)

    stored = np.bincount(block.indices, minlength=n_genes)
    absent = np.where(stored == n_rows, 0.0, row_weights.sum() - per_gene(weight))
    first = per_gene(weight * distance) - absent * origin
    second = per_gene(weight * np.square(distance)) + absent * np.square(origin)
    return first, second


def _dense(x: Any) -> NDArray[Any]:
    return np.asarray(x.toarray() if _is_sparse(x) else x)


def _is_sparse(x: Any) -> bool:
    return bool(sparse.issparse(x))


def _check_weights(weights: ArrayLike | None, n_rows: int) -> Float64:
    if weights is None:
        return np.ones(n_rows)
    checked = np.asarray(weights, dtype=np.float64)
    if checked.shape != (n_rows,) or not np.isfinite(checked).all() or (checked < 0).any():
        msg = f"row weights must be {n_rows} finite numbers, none negative"
        raise InputError(msg)
    return checked


def _check_finite(spread: Float64) -> None:
    if not np.isfinite(spread).all():
        column = int(np.flatnonzero(~np.isfinite(spread))[0])
        msg = f"gene column {column} holds NaN or infinity; replace these values before z-scoring"
        raise InputError(msg)
