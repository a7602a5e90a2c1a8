"""What every reader offers: gene names, cells, and row blocks that can be streamed again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

__all__ = ["BLOCK_ENTRIES", "BLOCK_ROWS", "CountMatrix", "gene_table", "row_spans", "value_type"]

BLOCK_ROWS = 4096
# 16.8 million entries are 134 MB as float32 with int32 indices: what one block may hold at most
BLOCK_ENTRIES = 1 << 24


class CountMatrix(ABC):
    """A cells × genes matrix that is read as a stream of CSR row blocks, whatever its format.

    Nothing here proves that values are raw counts: fractions pass unchanged.

    Parameters
    ----------
    genes
        One row per column of the matrix, in its order: ``name`` as written in the file and
        ``symbol`` (null where the file gives none).
    cells
        One row per row of the matrix, in its order, indexed by cell id; columns are whatever the
        file, or the metadata table beside it, says about a cell.
    label
        What messages call this matrix: a file name.

    Raises
    ------
    InputError
        If cell ids repeat.
    """

    def __init__(self, *, genes: pd.DataFrame, cells: pd.DataFrame, label: str) -> None:
        self.genes = genes
        self.cells = cells
        self.label = label
        cells.index = cells.index.astype(str).rename("cell_id")
        repeated = cells.index[cells.index.duplicated()].unique()
        if len(repeated):
            examples = ", ".join(repeated[:3])
            msg = (
                f"{label}: {len(repeated)} cell ids occur more than once (such as {examples}): "
                "give every cell an id of its own, for example by a suffix per sample"
            )
            raise InputError(msg)

    @property
    def libraries(self) -> dict[str, NDArray[np.int32]]:
        """By library, the positions of its genes; empty where the matrix is one library."""
        return {}

    @property
    def n_cells(self) -> int:
        """Number of rows, barcodes without counts included."""
        return len(self.cells)

    @property
    def n_genes(self) -> int:
        """Number of columns."""
        return len(self.genes)

    @abstractmethod
    def blocks(self, n_rows: int = BLOCK_ROWS) -> Iterator[csr_matrix]:
        """Stream the matrix from its first row; every call starts anew.

        Blocks hold `n_rows` rows, fewer at the end or where rows are so full that a block would
        pass ``BLOCK_ENTRIES`` entries. Values are float32 where that loses nothing, else float64;
        one matrix keeps to one of them. Indices are int32 and need not be sorted.
        """

    @abstractmethod
    def close(self) -> None:
        """Release files; the matrix cannot be read afterwards."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.label}: {self.n_cells} cells × {self.n_genes} genes)"


def gene_table(names: pd.Index | np.ndarray, symbols: object = None) -> pd.DataFrame:
    """Build ``CountMatrix.genes``; `symbols` is one value per gene, or None.

    Empty symbols become null.
    """
    name = pd.Series(np.asarray(names, dtype=object)).astype("string")
    if symbols is None:
        symbol = pd.Series(pd.NA, index=name.index, dtype="string")
    else:
        symbol = pd.Series(np.asarray(symbols, dtype=object)).astype("string")
        symbol = symbol.mask(symbol.str.strip() == "")
    return pd.DataFrame({"name": name, "symbol": symbol})


def row_spans(indptr: np.ndarray, n_rows: int) -> Iterator[tuple[int, int]]:
    """Cut rows into spans of `n_rows` at most, and of ``BLOCK_ENTRIES`` entries at most."""
    start, total = 0, len(indptr) - 1
    while start < total:
        fits = int(np.searchsorted(indptr, indptr[start] + BLOCK_ENTRIES, side="right")) - 1
        stop = min(start + n_rows, total, max(fits, start + 1))
        yield start, stop
        start = stop


def value_type(stored: np.dtype) -> type[np.float32 | np.float64]:
    """Smallest of float32 and float64 that holds every value of a stored type."""
    return np.float32 if np.can_cast(stored, np.float32, "safe") else np.float64
