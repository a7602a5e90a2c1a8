"""loom files, versions 2 and 3."""

from __future__ import annotations

import html
from functools import cached_property
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pandas as pd

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.readers.base import BLOCK_ROWS, CountMatrix, gene_table
from sicmir_atlas.readers.dense import DenseMatrix
from sicmir_atlas.readers.hdf5 import open_hdf5, own_part, require_kind, require_small, text_values
from sicmir_atlas.readers.limits import LIMITS, Limits, require_at_most
from sicmir_atlas.readers.spill import Spill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scipy.sparse import csr_matrix

__all__ = ["LoomMatrix"]

_GENE_IDS = ("Accession", "accession", "gene_ids", "gene_id", "ensembl_id", "var_id")
_GENE_NAMES = ("Gene", "gene", "gene_names", "gene_name", "var_names", "Symbol", "symbol")
_CELL_IDS = ("CellID", "cell_id", "cellid", "obs_names", "cell_names", "barcode", "Barcode")


class LoomMatrix(CountMatrix):
    """Counts of a loom file, which keeps genes × cells in ``matrix`` and in layers.

    Every one-dimensional column attribute becomes a column of ``cells``, text as categories.

    Parameters
    ----------
    path
        The file.
    layer
        Name of a layer, such as ``spliced``; without it, ``matrix``.
    limits
        What is refused for its size.

    Raises
    ------
    CorruptError
        If the file is not HDF5, is cut short, or contradicts itself.
    InputError
        If it is another kind of HDF5 file, has no such layer or no names, or cell ids repeat.
    """

    def __init__(self, path: Path, *, layer: str | None = None, limits: Limits = LIMITS) -> None:
        label = path.name
        self._file = open_hdf5(path)
        try:
            require_kind(self._file, "loom", label)
            dataset = _locate(self._file, layer, label)
            n_genes, n_cells = dataset.shape
            require_at_most(limits.cells, n_cells, "cells", label, "split the file")
            require_at_most(limits.genes, n_genes, "genes", label, "are genes in rows?")
            self._matrix = DenseMatrix(dataset, cells=1, label=label, limits=limits)
            rows = _attributes(self._file, "row_attrs", n_genes, label, limits)
            columns = _attributes(self._file, "col_attrs", n_cells, label, limits)
            ids = next((rows[name] for name in _GENE_IDS if name in rows), None)
            names = next((rows[name] for name in _GENE_NAMES if name in rows), None)
            if ids is None and names is None:
                raise InputError(_nameless(label, "row_attrs", rows, _GENE_NAMES))
            id_column = next((name for name in _CELL_IDS if name in columns), None)
            if id_column is None:
                raise InputError(_nameless(label, "col_attrs", columns, _CELL_IDS))
            index = pd.Index(columns.pop(id_column), dtype=object)
            cells = pd.DataFrame(columns).set_axis(index) if columns else pd.DataFrame(index=index)
            text = {name: "category" for name in cells if cells[name].dtype == object}
            genes = gene_table(names) if ids is None else gene_table(ids, names)
            super().__init__(genes=genes, cells=cells.astype(text), label=label)
        except BaseException:
            self._file.close()
            raise

    def blocks(self, n_rows: int = BLOCK_ROWS) -> Iterator[csr_matrix]:
        """Stream row blocks by columns of chunks; a matrix stored by genes is turned on disk."""
        if self._matrix.is_tall():
            return self._turned.blocks(self.n_genes, n_rows)
        return self._matrix.blocks(n_rows)

    def close(self) -> None:
        """Close the file and remove what was turned."""
        if "_turned" in self.__dict__:
            self._turned.close()
        self._file.close()

    @cached_property
    def _turned(self) -> Spill:
        return Spill.filled(self.n_cells, self._matrix.entries())


def _locate(file: h5py.File, layer: str | None, label: str) -> h5py.Dataset:
    where = f"layers/{layer}" if layer not in (None, "matrix") else "matrix"
    if where not in file:
        known = ", ".join(["matrix", *file.get("layers", {})])
        msg = f"{label}: no layer {layer!r}; it has {known}: name one of them in counts_layer"
        raise InputError(msg)
    dataset = own_part(file, where, label)
    if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 2:
        msg = f"{label}: {where} is no matrix: fetch or write it again"
        raise CorruptError(msg)
    return dataset


def _attributes(
    file: h5py.File, group: str, length: int, label: str, limits: Limits
) -> dict[str, np.ndarray]:
    """Read the one-dimensional attributes of genes or cells; embeddings are left out."""
    require_small(file, group, label, rows=limits.cells, limits=limits)
    found = {}
    for name, dataset in file[group].items():
        if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 1:
            continue
        if len(dataset) != length:
            msg = f"{label}: {dataset.name} has {len(dataset)} values, the matrix {length}: "
            msg += "cut short? Fetch it again"
            raise CorruptError(msg)
        values = text_values(dataset, label)
        if dataset.dtype.kind == "S":  # loom 2 writes what is not ASCII as &#235;
            values = np.array([html.unescape(value) for value in values], dtype=object)
        found[name] = values
    return found


def _nameless(label: str, group: str, found: dict[str, np.ndarray], known: tuple[str, ...]) -> str:
    has = ", ".join(found) or "none"
    return f"{label}: {group} has none of {', '.join(known)}; it has {has}: name one of them so"
