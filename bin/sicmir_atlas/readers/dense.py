"""Dense matrices of HDF5 files, read piecewise and made sparse piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.sparse import csr_matrix

from sicmir_atlas.readers.base import value_type
from sicmir_atlas.readers.hdf5 import read_part
from sicmir_atlas.readers.limits import LIMITS, Limits, require_at_most
from sicmir_atlas.readers.spill import reblock

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py

__all__ = ["DenseMatrix"]

_SLAB_VALUES = 1 << 23


class DenseMatrix:
    """A two-dimensional dataset, read in slabs of whole chunks, 8.4 million values or one row.

    Parameters
    ----------
    dataset
        The matrix.
    cells
        Its axis of cells: 0 in h5ad, 1 in loom.
    label
        What messages call the file.

    Raises
    ------
    InputError
        If it has more than ``limits.entries`` values.
    """

    def __init__(
        self,
        dataset: h5py.Dataset,
        *,
        cells: Literal[0, 1],
        label: str,
        limits: Limits = LIMITS,
    ) -> None:
        remedy = "write it as a sparse h5ad"
        require_at_most(limits.entries, dataset.size, "values", label, remedy)
        self._dataset, self._cells, self._label = dataset, cells, label
        self._n_cells, self._n_genes = dataset.shape[cells], dataset.shape[1 - cells]
        # without chunks a dataset lies row by row
        chunk = dataset.chunks or (1, dataset.shape[1])
        self._chunk_cells, self._chunk_genes = chunk[cells], chunk[1 - cells]

    def is_tall(self) -> bool:
        """Tell whether chunks span so many cells that reading cells would read them many times."""
        strip = self._chunk_cells * self._n_genes
        return bool(strip > 4 * _SLAB_VALUES and self._chunk_genes < self._n_genes)

    def blocks(self, n_rows: int) -> Iterator[csr_matrix]:
        """Stream CSR blocks of `n_rows` cells."""
        return reblock(self._strips(), n_rows)

    def entries(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield the entries (cells, genes, values), a few genes of some cells at a time."""
        n_cells = _near(_SLAB_VALUES // self._chunk_genes, self._chunk_cells)
        n_genes = _near(_SLAB_VALUES // max(1, min(n_cells, self._n_cells)), self._chunk_genes)
        for gene in range(0, self._n_genes, n_genes):
            for cell in range(0, self._n_cells, n_cells):
                slab = self._slab(slice(cell, cell + n_cells), slice(gene, gene + n_genes))
                cells, genes = np.nonzero(slab)
                yield cells + cell, genes + gene, slab[cells, genes]

    def _strips(self) -> Iterator[csr_matrix]:
        step = max(1, _SLAB_VALUES // max(1, self._n_genes))
        if self._chunk_cells < step:
            step -= step % self._chunk_cells
        for start in range(0, self._n_cells, step):
            slab = self._slab(slice(start, start + step), slice(None))
            yield csr_matrix(slab.astype(value_type(slab.dtype), copy=False))

    def _slab(self, cells: slice, genes: slice) -> np.ndarray:
        """Read a part as cells × genes."""
        if self._cells == 0:
            return read_part(self._dataset, (cells, genes), self._label)
        return read_part(self._dataset, (genes, cells), self._label).T


def _near(size: int, chunk: int) -> int:
    """The largest multiple of a chunk's length within a size, and one chunk at least."""
    return max(chunk, size - size % chunk)
