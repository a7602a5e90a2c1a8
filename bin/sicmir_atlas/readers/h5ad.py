"""h5ad files, read piece by piece."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from scipy.sparse import csr_matrix

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.readers._annotation import read_genes, read_obs
from sicmir_atlas.readers.base import BLOCK_ROWS, CountMatrix, row_spans, value_type
from sicmir_atlas.readers.dense import dense_blocks, dense_columns, is_tall
from sicmir_atlas.readers.spill import Spill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["H5adMatrix"]

# chunks cut by a block's edge stay decompressed; HDF5's default is smaller than many chunks
_CHUNK_CACHE = 64 << 20
_SLAB = 1 << 22


class H5adMatrix(CountMatrix):
    """Counts of an h5ad file: CSR, CSC or dense, in ``X``, ``raw.X`` or a layer.

    Without `layer`, ``raw.X`` is read where there is one, else ``X`` (the convention of CELLxGENE:
    sources spec, section 2.2).

    Parameters
    ----------
    path
        The file.
    layer
        ``X``, ``raw.X``, or the name of a layer.
    gene_symbols
        Column of var that holds gene symbols.

    Raises
    ------
    CorruptError
        If the file is not HDF5, is cut short, or contradicts itself.
    InputError
        If `layer` or `gene_symbols` is not in the file, or cell ids repeat.
    """

    def __init__(
        self, path: Path, *, layer: str | None = None, gene_symbols: str | None = None
    ) -> None:
        label = path.name
        try:
            self._file = h5py.File(path, "r", rdcc_nbytes=_CHUNK_CACHE)
        except OSError as error:
            msg = f"{label}: not a readable HDF5 file (cut short?): {error}"
            raise CorruptError(msg) from error
        try:
            where = _locate(self._file, layer, label)
            self._values = self._file[where]
            genes = read_genes(self._file, where, gene_symbols, label)
            super().__init__(genes=genes, cells=read_obs(self._file, label), label=label)
            self._kind, shape = _kind_and_shape(self._values, label)
            if shape != (self.n_cells, self.n_genes):
                msg = (
                    f"{label}: {where} is {shape[0]} × {shape[1]}, but obs has {self.n_cells} rows "
                    f"and var {self.n_genes}"
                )
                raise CorruptError(msg)
        except BaseException:
            self._file.close()
            raise

    def blocks(self, n_rows: int = BLOCK_ROWS) -> Iterator[csr_matrix]:
        """Stream row blocks; CSC and gene-major chunks are turned on disk, once."""
        if self._kind == "csr":
            return self._csr_blocks(n_rows)
        if self._kind == "csc" or is_tall(self._values):
            return self._turned.blocks(self.n_genes, n_rows)
        return dense_blocks(self._values, n_rows)

    def close(self) -> None:
        """Close the file and remove what was turned."""
        if "_turned" in self.__dict__:
            self._turned.close()
        self._file.close()

    @cached_property
    def _indptr(self) -> np.ndarray:
        indptr: np.ndarray = self._values["indptr"][:].astype(np.int64, copy=False)
        rows = self.n_cells if self._kind == "csr" else self.n_genes
        stored = len(self._values["data"]), len(self._values["indices"])
        ordered = len(indptr) == rows + 1 and indptr[0] == 0 and bool((np.diff(indptr) >= 0).all())
        if not ordered or stored != (indptr[-1], indptr[-1]):
            msg = f"{self.label}: index pointers, {stored[0]} values and {stored[1]} indices of "
            msg += f"{self._values.name} do not fit together; fetch or write the file again"
            raise CorruptError(msg)
        return indptr

    def _read(self, start: int, stop: int, limit: int) -> tuple[np.ndarray, np.ndarray]:
        """Read values and indices of an entry range; indices are proven to be below `limit`."""
        try:
            values = self._values["data"][start:stop]
            indices = self._values["indices"][start:stop]
        except OSError as error:
            msg = f"{self.label}: entries {start}-{stop} of {self._values.name} cannot be read: "
            msg += f"{error}"
            raise CorruptError(msg) from error
        if len(indices) and not (indices.min() >= 0 and indices.max() < limit):
            msg = f"{self.label}: {self._values.name} has an index outside 0-{limit - 1}"
            raise CorruptError(msg)
        values = values.astype(value_type(values.dtype), copy=False)
        return values, indices.astype(np.int32, copy=False)

    def _csr_blocks(self, n_rows: int) -> Iterator[csr_matrix]:
        indptr = self._indptr
        for start, stop in row_spans(indptr, n_rows):
            values, genes = self._read(indptr[start], indptr[stop], self.n_genes)
            offsets = (indptr[start : stop + 1] - indptr[start]).astype(np.int32)
            yield csr_matrix((values, genes, offsets), shape=(stop - start, self.n_genes))
            del values, genes  # nothing is held here while the next is read

    @cached_property
    def _turned(self) -> Spill:
        spill = Spill(self.n_cells)
        try:
            if self._kind == "dense":
                for entries in dense_columns(self._values):
                    spill.add(*entries)
                return spill
            indptr = self._indptr
            for start in range(0, int(indptr[-1]), _SLAB):
                stop = min(start + _SLAB, int(indptr[-1]))
                values, cells = self._read(start, stop, self.n_cells)
                first, last = np.searchsorted(indptr, [start, stop - 1], side="right") - 1
                edges = np.clip(indptr[first : last + 2], start, stop)
                genes = np.repeat(np.arange(first, last + 1, dtype=np.int32), np.diff(edges))
                spill.add(cells, genes, values)
        except BaseException:
            spill.close()
            raise
        return spill


def _locate(file: h5py.File, layer: str | None, label: str) -> str:
    """Find the place in the file of the layer asked for."""
    raw = next((where for where in ("raw/X", "raw.X") if where in file), None)
    places = {"X": "X"} if "X" in file else {}
    if raw:
        places["raw.X"] = raw
    layers = file.get("layers", {})
    places.update({name: f"layers/{name}" for name in layers if name not in places})
    wanted = layer or ("raw.X" if raw else "X")
    if wanted not in places:
        msg = (
            f"{label}: no counts at {wanted!r}; the file has {', '.join(places) or 'none'}: "
            "name one of them in counts_layer"
        )
        raise InputError(msg)
    return places[wanted]


def _kind_and_shape(values: Any, label: str) -> tuple[str, tuple[int, int]]:
    """Tell CSR, CSC and dense apart, in today's encoding and that of anndata before 0.7."""
    attrs = values.attrs
    if isinstance(values, h5py.Dataset):
        kind, shape = "dense", values.shape
    else:
        kind = str(attrs.get("encoding-type", attrs.get("h5sparse_format", ""))).removesuffix(
            "_matrix"
        )
        shape = tuple(int(n) for n in attrs.get("shape", attrs.get("h5sparse_shape", ())))
    if kind not in {"csr", "csc", "dense"} or len(shape) != 2:
        msg = f"{label}: {values.name} is neither a CSR, a CSC nor a dense matrix ({kind or '?'})"
        raise InputError(msg)
    return kind, shape
