"""Matrices that are in memory already, behind the interface of the readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix, issparse

from sicmir_atlas.errors import InputError
from sicmir_atlas.readers._annotation import SYMBOL_COLUMNS
from sicmir_atlas.readers.base import BLOCK_ROWS, CountMatrix, gene_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from anndata import AnnData

__all__ = ["AnnDataMatrix", "FrameMatrix"]


class _InMemory(CountMatrix):
    """Rows of a sparse or dense array."""

    _values: Any

    def blocks(self, n_rows: int = BLOCK_ROWS) -> Iterator[csr_matrix]:
        """Stream row blocks."""
        for start in range(0, self.n_cells, n_rows):
            part = self._values[start : start + n_rows]
            yield csr_matrix(part) if issparse(part) else csr_matrix(np.asarray(part))

    def close(self) -> None:
        """There is nothing to release."""


class AnnDataMatrix(_InMemory):
    """An AnnData: its ``layer``, else ``raw.X`` where there is one, else ``X``.

    Raises
    ------
    InputError
        If there is no such layer or column of var, or cell ids repeat.
    """

    def __init__(
        self, adata: AnnData, *, layer: str | None = None, gene_symbols: str | None = None
    ) -> None:
        var = adata.var
        if layer is None and adata.raw is not None:
            layer = "raw.X"
        if layer == "raw.X" and adata.raw is not None:
            values, var = adata.raw.X, adata.raw.var
        elif layer in (None, "X"):
            values = adata.X
        elif layer in adata.layers:
            values = adata.layers[layer]
        else:
            known = ", ".join(["X", *(["raw.X"] if adata.raw is not None else []), *adata.layers])
            msg = f"AnnData: no layer {layer!r}; it has: {known}"
            raise InputError(msg)
        columns = (gene_symbols,) if gene_symbols else SYMBOL_COLUMNS
        found = next((name for name in columns if name in var), None)
        if gene_symbols and not found:
            known = ", ".join(map(str, var.columns)) or "none"
            msg = f"AnnData: var has no column {gene_symbols!r}; it has: {known}"
            raise InputError(msg)
        symbols = var[found].astype(object) if found else None
        self._values = values
        super().__init__(
            genes=gene_table(var.index, symbols), cells=adata.obs.copy(), label="AnnData"
        )


class FrameMatrix(_InMemory):
    """A data frame, rows × genes."""

    def __init__(self, frame: pd.DataFrame, *, label: str) -> None:
        self._values = frame.to_numpy()
        super().__init__(
            genes=gene_table(frame.columns), cells=frame.iloc[:, :0].copy(), label=label
        )
