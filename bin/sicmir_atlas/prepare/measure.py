"""One pass over a matrix: QC figures of every barcode, and its landmark counts set aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from sicmir_atlas.names import landmarks
from sicmir_atlas.prepare.counts import prove_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from sicmir_atlas.prepare.genes import GeneMap

__all__ = ["LandmarkCounter", "measure", "prove_and_sum"]


@dataclass(frozen=True)
class LandmarkCounter:
    """Take the landmark columns and the QC figures out of blocks of counts."""

    genes: GeneMap

    def landmarks(self, block: sparse.csr_matrix) -> sparse.csr_matrix:
        """Landmark counts of a block, cells × 977; genes of one landmark add up."""
        position = self.genes.landmark[block.indices]
        kept = position >= 0
        starts = np.concatenate([[0], np.cumsum(kept)])[block.indptr]
        shape = (block.shape[0], len(landmarks()))
        picked = sparse.csr_matrix((block.data[kept], position[kept], starts), shape=shape)
        picked.sum_duplicates()
        return picked

    def figures(self, block: sparse.csr_matrix) -> dict[str, NDArray[np.float64 | np.int64]]:
        """Counts, genes with a count, and mitochondrial counts per cell of a block."""
        return {
            "n_counts": _row_sums(block.data, block.indptr),
            "n_genes": _row_sums(block.data != 0, block.indptr).astype(np.int64),
            "mt_counts": _row_sums(
                np.where(self.genes.mitochondrial[block.indices], block.data, 0), block.indptr
            ),
        }


def measure(
    blocks: Iterable[sparse.csr_matrix],
    genes: GeneMap,
    *,
    keep: Callable[[sparse.csr_matrix], None],
) -> pd.DataFrame:
    """Measure every barcode of a matrix in one pass.

    Parameters
    ----------
    blocks
        Raw counts, cells × genes.
    genes
        Where the matrix's genes go.
    keep
        Called with the landmark counts of each block, in order.

    Returns
    -------
    One row per barcode: ``n_counts`` (UMI), ``n_genes``, ``pct_mt`` (%, null where the matrix has
    no mitochondrial gene), ``n_landmarks_detected``.

    Raises
    ------
    ExcludedDataset
        Rule ``raw_counts``, see :func:`~sicmir_atlas.prepare.counts.prove_counts`.
    """
    counter = LandmarkCounter(genes)
    parts = []
    for block in blocks:
        prove_counts(block)
        picked = counter.landmarks(block)
        keep(picked)
        detected = _row_sums(picked.data != 0, picked.indptr).astype(np.int64)
        parts.append(pd.DataFrame({**counter.figures(block), "n_landmarks_detected": detected}))
    columns = ["n_counts", "n_genes", "mt_counts", "n_landmarks_detected"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    mt_counts = table.pop("mt_counts")
    if genes.mitochondrial.any():
        table["pct_mt"] = 100 * mt_counts / table["n_counts"].where(table["n_counts"] > 0)
    else:
        table["pct_mt"] = np.nan
    return table


def prove_and_sum(block: sparse.csr_matrix) -> NDArray[np.float64]:
    """Library size of each cell, after proving that the block holds raw counts."""
    prove_counts(block)
    return _row_sums(block.data, block.indptr)


def _row_sums(values: NDArray[np.generic], indptr: NDArray[np.integer]) -> NDArray[np.float64]:
    totals = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    sums: NDArray[np.float64] = totals[indptr[1:]] - totals[indptr[:-1]]
    return sums
