"""h5ad files, read piece by piece."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import h5py

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.readers._annotation import read_genes, read_obs
from sicmir_atlas.readers.base import BLOCK_ROWS, CountMatrix
from sicmir_atlas.readers.compressed import CompressedMatrix
from sicmir_atlas.readers.dense import DenseMatrix
from sicmir_atlas.readers.hdf5 import open_hdf5, own_part, require_kind
from sicmir_atlas.readers.limits import LIMITS, Limits
from sicmir_atlas.readers.spill import Spill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scipy.sparse import csr_matrix

__all__ = ["H5adMatrix"]


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
    limits
        What is refused for its size.

    Raises
    ------
    CorruptError
        If the file is not HDF5, is cut short, or contradicts itself.
    InputError
        If it is another kind of HDF5 file, `layer` or `gene_symbols` is not in it, or cell ids
        repeat.
    """

    def __init__(
        self,
        path: Path,
        *,
        layer: str | None = None,
        gene_symbols: str | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        label = path.name
        self._file = open_hdf5(path)
        try:
            require_kind(self._file, "h5ad", label)
            where = _locate(self._file, layer, label)
            values = own_part(self._file, where, label)
            genes = read_genes(self._file, where, gene_symbols, label, limits)
            cells = read_obs(self._file, label, limits)
            super().__init__(genes=genes, cells=cells, label=label)
            self._kind, shape = _kind_and_shape(values, label)
            if shape != (self.n_cells, self.n_genes):
                msg = (
                    f"{label}: {where} is {shape[0]} × {shape[1]}, but obs has {self.n_cells} rows "
                    f"and var {self.n_genes}"
                )
                raise CorruptError(msg)
            self._matrix: DenseMatrix | CompressedMatrix
            if self._kind == "dense":
                self._matrix = DenseMatrix(values, cells=0, label=label, limits=limits)
            else:
                stored = shape if self._kind == "csr" else shape[::-1]
                self._matrix = CompressedMatrix(values, stored, label, limits)
        except BaseException:
            self._file.close()
            raise

    def blocks(self, n_rows: int = BLOCK_ROWS) -> Iterator[csr_matrix]:
        """Stream row blocks; CSC and gene-major chunks are turned on disk, once."""
        tall = isinstance(self._matrix, DenseMatrix) and self._matrix.is_tall()
        if self._kind == "csc" or tall:
            return self._turned.blocks(self.n_genes, n_rows)
        return self._matrix.blocks(n_rows)

    def close(self) -> None:
        """Close the file and remove what was turned."""
        if "_turned" in self.__dict__:
            self._turned.close()
        self._file.close()

    @cached_property
    def _turned(self) -> Spill:
        entries = self._matrix.entries()
        if self._kind == "csc":
            entries = ((cells, genes, values) for genes, cells, values in entries)
        return Spill.filled(self.n_cells, entries)


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
