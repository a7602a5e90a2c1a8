from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.atlas.cell_type_means import cell_type_means
from sicmir_atlas.names import mirnas

CONSTANT, VARIED = mirnas()[5], mirnas()[6]


def _ranks(n_groups):
    """Two pools in each group; the second miRNA falls from group to group, but in the last two."""
    labels = np.repeat([f"type {i}" for i in range(n_groups)], 2)
    pools = pd.DataFrame({"cell_type_original": labels, "tissue": "blood", "disease": "normal"})
    pools[["cell_type", "cell_type_ontology_term_id", "lineage"]] = "unknown", None, None
    predicted = np.random.default_rng(0).normal(size=(len(pools), 1298)).astype(np.float32)
    predicted[:, 5] = 0.1
    predicted[:, 6] = -np.minimum(np.repeat(np.arange(n_groups), 2), max(n_groups - 2, 0))
    table = cell_type_means(pools, predicted, None, pools)
    assert list(table.groupby("mirna").size().unique()) == [n_groups]
    return table.pivot_table(index="cell_type_original", columns="mirna", values="rank_over_types")


@pytest.mark.parametrize(
    ("n_groups", "middle", "varied"),
    [(1, 1, [1]), (2, 2, [2, 2]), (3, 2, [1, 2, 2]), (4, 3, [1, 2, 3, 3]), (5, 3, [1, 2, 3, 4, 4])],
)
def test_what_is_the_same_in_every_group_marks_none(n_groups, middle, varied):
    ranks = _ranks(n_groups)
    assert ranks[CONSTANT].tolist() == [middle] * n_groups
    assert ranks[VARIED].tolist() == varied
    others = ranks.drop(columns=[CONSTANT, VARIED])
    assert set(others.min()) == {1}
    assert set(others.max()) == {n_groups}
