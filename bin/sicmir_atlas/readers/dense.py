"""Dense matrices of an h5ad file, read piecewise and made sparse piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix

from sicmir_atlas.readers.base import value_type
from sicmir_atlas.readers.spill import reblock

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["dense_blocks", "dense_columns", "is_tall"]

_SLAB_VALUES = 1 << 23


def is_tall(dataset: Any) -> bool:
    """Tell whether chunks span so many rows that reading rows would read the file many times."""
    chunks, n_genes = dataset.chunks, dataset.shape[1]
    return bool(chunks) and chunks[0] * n_genes > 4 * _SLAB_VALUES and chunks[1] < n_genes


def dense_blocks(dataset: Any, n_rows: int) -> Iterator[csr_matrix]:
    """Stream CSR blocks of `n_rows` rows; slabs are whole chunks, 8.4 million values at most."""
    return reblock(_row_slabs(dataset), n_rows)


def _row_slabs(dataset: Any) -> Iterator[csr_matrix]:
    n_cells, n_genes = dataset.shape
    step = max(1, _SLAB_VALUES // max(1, n_genes))
    if dataset.chunks and dataset.chunks[0] < step:
        step -= step % dataset.chunks[0]
    for start in range(0, n_cells, step):
        slab = dataset[start : start + step]
        yield csr_matrix(slab.astype(value_type(slab.dtype), copy=False))


def dense_columns(dataset: Any) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the entries (cells, genes, values) of gene-major chunks, a few genes at a time."""
    n_cells, n_genes = dataset.shape
    step = max(1, _SLAB_VALUES // max(1, n_cells))
    step = max(dataset.chunks[1], step - step % dataset.chunks[1])
    for start in range(0, n_genes, step):
        slab = dataset[:, start : start + step]
        cells, genes = np.nonzero(slab)
        yield cells, genes + start, slab[cells, genes]
