"""CSR and CSC matrices in a group of an HDF5 file, read piece by piece."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from sicmir_atlas.errors import CorruptError
from sicmir_atlas.readers.base import row_spans, value_type
from sicmir_atlas.readers.hdf5 import own_part, read_part
from sicmir_atlas.readers.limits import LIMITS, Limits, require_at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py

__all__ = ["CompressedMatrix"]

_SLAB = 1 << 22


class CompressedMatrix:
    """``data``, ``indices`` and ``indptr`` of a group; indices are proven before they are used.

    Parameters
    ----------
    group
        CSR read by its rows, or CSC read by its columns.
    shape
        Number of rows of CSR (columns of CSC), and of what the indices count.
    label
        What messages call the file.

    Raises
    ------
    CorruptError
        If the parts are not there, lie in another file, or do not fit together.
    InputError
        If there are more than ``limits.entries`` entries.
    """

    def __init__(
        self, group: h5py.Group, shape: tuple[int, int], label: str, limits: Limits = LIMITS
    ) -> None:
        self.shape, self._group, self._label = shape, group, label
        for part in ("data", "indices", "indptr"):
            own_part(group, part, label)
        remedy = "split the dataset into several rows of the samplesheet"
        require_at_most(limits.entries, len(group["data"]), "entries", label, remedy)

    def blocks(self, n_rows: int) -> Iterator[csr_matrix]:
        """Stream CSR blocks of at most `n_rows` rows."""
        indptr = self._indptr
        for start, stop in row_spans(indptr, n_rows):
            values, indices = self._read(int(indptr[start]), int(indptr[stop]))
            offsets = (indptr[start : stop + 1] - indptr[start]).astype(np.int32)
            yield csr_matrix((values, indices, offsets), shape=(stop - start, self.shape[1]))
            del values, indices  # nothing is held here while the next is read

    def entries(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Stream (row of CSR or column of CSC, index, value) arrays, in the order stored."""
        indptr = self._indptr
        for start in range(0, int(indptr[-1]), _SLAB):
            stop = min(start + _SLAB, int(indptr[-1]))
            values, indices = self._read(start, stop)
            first, last = np.searchsorted(indptr, [start, stop - 1], side="right") - 1
            edges = np.clip(indptr[first : last + 2], start, stop)
            rows = np.repeat(np.arange(first, last + 1, dtype=np.int32), np.diff(edges))
            yield rows, indices, values

    @cached_property
    def _indptr(self) -> np.ndarray:
        group, (n_rows, limit) = self._group, self.shape
        stored = len(group["data"]), len(group["indices"])
        indptr, fits = np.zeros(1, np.int64), len(group["indptr"]) == n_rows + 1
        if fits:
            indptr = read_part(group["indptr"], slice(None), self._label).astype(np.int64)
            counts = np.diff(indptr)
            fits = indptr[0] == 0 and bool((counts >= 0).all() and (counts <= limit).all())
        if not fits or stored != (indptr[-1], indptr[-1]):
            msg = f"{self._label}: index pointers, {stored[0]} values and {stored[1]} indices of "
            msg += f"{group.name} do not fit together; fetch or write the file again"
            raise CorruptError(msg)
        return indptr

    def _read(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        part, limit = slice(start, stop), self.shape[1]
        values = read_part(self._group["data"], part, self._label)
        indices = read_part(self._group["indices"], part, self._label)
        if len(indices) and not (indices.min() >= 0 and indices.max() < limit):
            msg = f"{self._label}: {self._group.name} has an index outside 0-{limit - 1}"
            raise CorruptError(msg)
        values = values.astype(value_type(values.dtype), copy=False)
        return values, indices.astype(np.int32, copy=False)
