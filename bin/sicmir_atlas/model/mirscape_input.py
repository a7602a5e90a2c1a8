"""What miRSCAPE's trees are fed: every sample standardised across its genes (its spec, section 2).

SiCmiR does the other thing, and standardises every gene across samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.pooling import PoolPlan, pool

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Float64: TypeAlias = NDArray[np.float64]

__all__ = [
    "ClusterPools",
    "Scale",
    "common_genes",
    "natural_log",
    "pool_clusters",
    "standardise_samples",
]

Scale: TypeAlias = Literal["linear", "log2", "ln"]
"""Of values: as measured, log2(1 + x), or ln(1 + x)."""

ClusterPools: TypeAlias = Literal["sum_once", "bootstrap80_mean"]
"""One sum over a cluster's cells, or means of draws of 80 % of them without replacement."""


def natural_log(values: ArrayLike, scale: Scale) -> Float64:
    """Bring values to ln(1 + x); a log2 is undone first, in one step.

    Raises
    ------
    InputError
        When a linear value is -1 or less.
    """
    v = np.asarray(values, dtype=np.float64)
    if scale == "ln":
        return v
    if scale == "log2":
        return np.asarray(v * np.log(2))
    if (v <= -1).any():
        row, column = np.argwhere(v <= -1)[0]
        msg = f"row {row}, column {column}: {v[row, column]:g} has no ln(x + 1); "
        msg += "linear values are not negative, so take scale log2 if these are logarithms"
        raise InputError(msg)
    return np.log1p(v)


def standardise_samples(values: ArrayLike, scale: Scale) -> Float64:
    """Standardise ln(1 + x) of every sample across its genes, by the sample SD (ddof 1).

    Parameters
    ----------
    values
        Samples × genes, two genes or more.

    Returns
    -------
    Samples × genes; 0 for a sample whose genes are all alike.

    Raises
    ------
    InputError
        When a value is NaN or infinite, or there is only one gene.
    """
    v = natural_log(values, scale)
    if v.shape[1] < 2:
        msg = f"{v.shape[1]} gene cannot be standardised within a sample; give two or more"
        raise InputError(msg)
    if not np.isfinite(v).all():
        row, column = np.argwhere(~np.isfinite(v))[0]
        msg = f"row {row}, gene column {column} holds NaN or infinity; replace these values first"
        raise InputError(msg)
    sd = v.std(axis=1, ddof=1, keepdims=True)
    sd[np.ptp(v, axis=1) == 0] = np.inf
    return np.asarray((v - v.mean(axis=1, keepdims=True)) / sd)


def common_genes(bulk: pd.DataFrame, cells: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the genes (columns) that both tables have, in the order of the first.

    Raises
    ------
    InputError
        When they share none.
    """
    shared = bulk.columns[bulk.columns.isin(cells.columns)]
    if len(shared) == 0:
        msg = "bulk and single-cell tables share no gene; both need gene symbols as columns"
        raise InputError(msg)
    return bulk[shared], cells[shared]


def pool_clusters(
    cells: Any, clusters: Sequence[str], *, method: ClusterPools = "sum_once", seed: int = 0
) -> tuple[pd.Series[str], Float64]:
    """Pool log-normalised cells by cluster.

    Parameters
    ----------
    cells
        Cells × genes, dense or sparse.
    clusters
        Cluster of every cell; cells without one (None) are left out.

    Returns
    -------
    Cluster of every pool, and pools × genes. ``sum_once`` has one pool a cluster,
    ``bootstrap80_mean`` one for every started hundred of its cells.
    """
    mode: Literal["average", "bootstrap"] = "average" if method == "sum_once" else "bootstrap"
    plan = PoolPlan.from_labels(
        clusters, dataset_id="mirscape", seed=seed, mode=mode, max_draws=None
    )
    table, means = pool([cells], plan)
    if method == "sum_once":
        means *= table["n_cells"].to_numpy(dtype=np.float64)[:, None]
    return table["group"], means
