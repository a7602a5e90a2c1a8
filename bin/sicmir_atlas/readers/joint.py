"""Several libraries of one dataset as one matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from sicmir_atlas.readers.base import BLOCK_ROWS, CountMatrix
from sicmir_atlas.readers.spill import reblock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["JointMatrix", "by_barcode_suffix"]


class JointMatrix(CountMatrix):
    """Libraries below one another: all genes that any has, cell ids prefixed by the library.

    Genes are the same where name and symbol are; ``libraries`` tells which library has which.

    Parameters
    ----------
    matrices
        One for each library; they are closed with this one.
    names
        Prefixes of cell ids, all different.
    columns
        For each library, columns that all of its cells share; its own columns come first.
    """

    def __init__(
        self,
        matrices: Sequence[CountMatrix],
        *,
        names: Sequence[str],
        columns: Sequence[Mapping[str, str]],
    ) -> None:
        self._matrices = matrices
        genes, self._columns = _union([matrix.genes for matrix in matrices])
        self._names = names
        super().__init__(
            genes=genes, cells=_cells(matrices, names, columns), label=f"{len(names)} libraries"
        )

    @property
    def libraries(self) -> dict[str, NDArray[np.int32]]:
        """By library, the positions of its genes; empty where all have the same."""
        places = zip(self._names, self._columns, strict=True)
        return {name: place for name, place in places if place is not None}

    def blocks(self, n_rows: int = BLOCK_ROWS) -> Iterator[csr_matrix]:
        """Stream row blocks, library by library."""
        return reblock(self._pieces(n_rows), n_rows)

    def close(self) -> None:
        """Close every library."""
        for matrix in self._matrices:
            matrix.close()

    def _pieces(self, n_rows: int) -> Iterator[csr_matrix]:
        for matrix, column in zip(self._matrices, self._columns, strict=True):
            for block in matrix.blocks(n_rows):
                shape = (block.shape[0], self.n_genes)
                indices = block.indices if column is None else column[block.indices]
                yield csr_matrix((block.data, indices, block.indptr), shape=shape)


def by_barcode_suffix(
    cells: pd.DataFrame, samples: Mapping[str, Mapping[str, str]]
) -> pd.DataFrame:
    """Give each cell of a pooled matrix its sample by the barcode's suffix ``-1`` to ``-N``.

    Suffixes follow the order of the samples (sources spec, section 1.5); that is believed only
    where there are as many suffixes as samples. Else cells get what all samples have in common,
    null where they differ, and the suffix, where there is one, as ``sample_id``.
    """
    table = pd.DataFrame([{"sample_id": name, **about} for name, about in samples.items()])
    suffix = cells.index.str.extract(r"-(\d+)$", expand=False)
    numbers = pd.to_numeric(suffix).to_numpy(float)
    if set(numbers) == set(range(1, len(table) + 1)):
        rows = table.iloc[numbers.astype(int) - 1]
    else:
        alike = table.iloc[0].where(table.nunique(dropna=False) == 1, None)
        rows = pd.DataFrame(dict(alike), index=cells.index).assign(sample_id=suffix)
    rows = rows.astype("category")
    return cells.assign(**{name: rows[name].array for name in rows if name not in cells})


def _union(
    tables: Sequence[pd.DataFrame],
) -> tuple[pd.DataFrame, list[NDArray[np.int32] | None]]:
    """Join gene tables; give, for each, where its genes went (None: where they were)."""
    first = tables[0]
    if all(_same(first, table) for table in tables[1:]):
        return first, [None] * len(tables)
    keys = [_keys(table) for table in tables]
    union = pd.Index(np.concatenate(keys)).unique()
    places = [union.get_indexer(key).astype(np.int32) for key in keys]
    everything = pd.concat(tables, ignore_index=True)
    genes = everything[~np.array(pd.Index(np.concatenate(keys)).duplicated())]
    return genes.reset_index(drop=True), list(places)


def _same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return len(one) == len(other) and one[["name", "symbol"]].equals(other[["name", "symbol"]])


def _keys(genes: pd.DataFrame) -> NDArray[np.object_]:
    """Name and symbol; a repeated gene keeps a place of its own."""
    key = genes["name"].astype(str) + "\t" + genes["symbol"].fillna("").astype(str)
    count = key.groupby(key).cumcount()
    keys: NDArray[np.object_] = (key + np.where(count > 0, "\t" + count.astype(str), "")).to_numpy(
        object
    )
    return keys


def _cells(
    matrices: Sequence[CountMatrix], names: Sequence[str], columns: Sequence[Mapping[str, str]]
) -> pd.DataFrame:
    parts: list[pd.DataFrame] = []
    for matrix, name, shared in zip(matrices, names, columns, strict=True):
        own = matrix.cells.astype(object)
        part = own.assign(**{key: value for key, value in shared.items() if key not in own})
        parts.append(part.set_axis(name + "_" + own.index.astype(str)))
    cells = pd.concat(parts)
    text: dict[str, Any] = {c: "category" for c in cells if cells[c].dtype == object}
    return cells.astype(text)
