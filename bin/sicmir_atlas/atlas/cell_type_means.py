"""Table ``cell_type_mirna``: means of pools by group, and ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from sicmir_atlas.names import mirnas

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GROUP", "cell_type_means"]

GROUP = ["cell_type_original", "tissue", "disease"]
"""Columns of cells that make a group."""


def cell_type_means(
    pools: pd.DataFrame,
    predicted: NDArray[np.float32],
    member_sd: NDArray[np.float32] | None,
    cells: pd.DataFrame,
) -> pd.DataFrame:
    """Average the pools of each group, and rank miRNAs in groups and groups for miRNAs.

    Parameters
    ----------
    pools, cells
        What each pool and each cell is.
    predicted, member_sd
        Pools × miRNAs: predictions, and the SD over the model's members; None for one member.

    Returns
    -------
    Rows of table ``cell_type_mirna``.
    """
    parts, means = [], []
    n_cells = cells.groupby(GROUP, observed=True).size()
    for key, rows in pools.groupby(GROUP, observed=True, sort=True).indices.items():
        values = predicted[rows].astype(np.float64)
        means.append(values.mean(axis=0))
        first = pools.iloc[rows[0]]
        nothing = np.full(values.shape[1], np.nan)
        parts.append(
            pd.DataFrame(
                {
                    "mirna": mirnas(),
                    "mean": means[-1],
                    "sd": values.std(axis=0, ddof=1) if len(rows) > 1 else nothing,
                    "model_sd": nothing
                    if member_sd is None
                    else member_sd[rows].mean(axis=0, dtype=np.float64),
                }
            ).assign(
                **dict(zip(GROUP, key, strict=True)),
                cell_type=first["cell_type"],
                cell_type_ontology_term_id=first["cell_type_ontology_term_id"],
                lineage=first["lineage"],
                n_pools=len(rows),
                n_cells=n_cells[key],
            )
        )
    every = np.array(means)
    in_type = rankdata(-every, method="min", axis=1)
    over_types = rankdata(-every, method="min", axis=0)
    # the same prediction in every group, as of an untrained miRNA, marks none of them
    over_types[:, np.ptp(every, axis=0) == 0] = len(every) // 2 + 1
    table = pd.concat(parts, ignore_index=True)
    return table.assign(rank_in_type=in_type.ravel(), rank_over_types=over_types.ravel())
