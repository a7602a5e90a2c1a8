"""Choose the most variable genes of a matrix that is only streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sicmir_atlas.prepare.folder import TARGET_SUM

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["highly_variable_genes", "normalised_dispersions"]

_BINS = 20
_MIN_CELLS = 3  # genes seen in fewer cells tell nothing of groups
_NOTHING = 1e-9  # relative variance below which a gene does not vary: what summing leaves
_DECIMALS = 9  # on log scale; sums differ in later digits with the order of the cells


def highly_variable_genes(
    blocks: Iterable[tuple[sparse.csr_matrix, NDArray[np.float64]]],
    among: NDArray[np.bool_],
    *,
    n_top: int,
) -> NDArray[np.intp]:
    """Choose the genes that vary most for their mean, as scanpy's flavour ``seurat`` does.

    Parameters
    ----------
    blocks
        Raw counts, cells × genes, with the library size of each cell; every cell once.
    among
        Which columns of the blocks may be chosen.
    n_top
        How many to choose; of genes that vary alike the first ones.

    Returns
    -------
    Positions of at most `n_top` genes, ascending. Genes of fewer than 3 cells, and genes that do
    not vary, are never chosen.
    """
    n_cells, n_genes = 0, len(among)
    sums, squares, seen = np.zeros(n_genes), np.zeros(n_genes), np.zeros(n_genes, np.int64)
    for counts, sizes in blocks:
        n_cells += counts.shape[0]
        values = counts.data * np.repeat(TARGET_SUM / np.maximum(sizes, 1), np.diff(counts.indptr))
        sums += np.bincount(counts.indices, values, n_genes)
        squares += np.bincount(counts.indices, values**2, n_genes)
        seen += np.bincount(counts.indices[counts.data != 0], minlength=n_genes)
    if n_cells < 2:
        return np.empty(0, np.intp)
    means = sums / n_cells
    variances = (squares - n_cells * means**2) / (n_cells - 1)
    variances[variances < _NOTHING * means**2] = 0
    usable = np.flatnonzero(among & (seen >= _MIN_CELLS) & (variances > 0))
    scores = normalised_dispersions(means[usable], variances[usable])
    chosen = np.argsort(-np.round(scores, _DECIMALS), kind="stable")[:n_top]
    return np.sort(usable[chosen])


def normalised_dispersions(
    means: NDArray[np.float64], variances: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Variance over mean, as z-scores among the genes of like mean.

    Means fall into 20 bins of equal width on log scale; a gene that is alone in its bin gets 1.

    Parameters
    ----------
    means, variances
        Per gene, of counts scaled to one library size and not logged; all above 0.
    """
    if not len(means):
        return np.empty(0)
    logs = pd.DataFrame({"mean": np.log1p(means), "dispersion": np.log(variances / means)})
    logs = logs.round(_DECIMALS)
    of_bin = logs.groupby(pd.cut(logs["mean"], _BINS), observed=True)["dispersion"]
    spread = of_bin.transform("std")
    scores = (logs["dispersion"] - of_bin.transform("mean")) / spread
    scores = scores.where(spread.notna(), 1.0).fillna(0.0)
    return np.asarray(scores, np.float64)
