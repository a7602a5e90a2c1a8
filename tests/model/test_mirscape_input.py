from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.mirscape_input import (
    common_genes,
    natural_log,
    pool_clusters,
    standardise_samples,
)

V1 = np.array([[0.0, 1, 3, 7], [9, 0, 99, 0]])
V1_STANDARDISED = [
    [-1.161895, -0.387298, 0.387298, 1.161895],
    [0.261116, -0.783349, 1.305582, -0.783349],
]


def test_spec_v1():
    logs = [[0, 0.693147, 1.386294, 2.079442], [2.302585, 0, 4.605170, 0]]
    np.testing.assert_allclose(natural_log(V1, "linear"), logs, atol=1e-6)
    np.testing.assert_allclose(standardise_samples(V1, "linear"), V1_STANDARDISED, atol=1e-6)


def test_log2_is_undone_first():
    v = np.array([[0, 1.5, 11.25], [3, 0.2, 7]])
    np.testing.assert_allclose(natural_log(v, "log2"), np.log1p(2**v - 1), rtol=1e-12)
    np.testing.assert_allclose(
        standardise_samples(np.log2(V1 + 1), "log2"), V1_STANDARDISED, atol=1e-6
    )
    np.testing.assert_allclose(standardise_samples(np.log1p(V1), "ln"), V1_STANDARDISED, atol=1e-6)


def test_a_sample_whose_genes_are_alike_gives_zeros():
    assert standardise_samples([[0.1, 0.1, 0.1], [1, 2, 3]], "ln").tolist() == [
        [0, 0, 0],
        [-1, 0, 1],
    ]


def test_what_cannot_be_prepared_is_refused():
    with pytest.raises(InputError, match=r"row 1, column 0: -2 has no ln.*take scale log2"):
        standardise_samples([[1, 2], [-2, 3]], "linear")
    with pytest.raises(InputError, match="row 0, gene column 1 holds NaN"):
        standardise_samples([[1, np.nan], [2, 3]], "log2")
    with pytest.raises(InputError, match="1 gene cannot be standardised"):
        standardise_samples([[1], [2]], "log2")


def test_genes_of_both_tables_in_the_order_of_the_bulk():
    bulk = pd.DataFrame([[1, 2, 3]], columns=["C", "A", "B"])
    cells = pd.DataFrame([[4, 5, 6]], columns=["B", "X", "C"])
    left, right = common_genes(bulk, cells)
    assert (left.to_dict("records"), right.to_dict("records")) == (
        [{"C": 1, "B": 3}],
        [{"C": 6, "B": 4}],
    )
    with pytest.raises(InputError, match="share no gene"):
        common_genes(bulk, cells[["X"]])


def test_clusters_are_summed_once():
    cells = np.array([[1.0, 2], [3, 4], [5, 6], [7, 8]])
    groups, pools = pool_clusters(sparse.csr_matrix(cells), ["b", "a", None, "b"])
    assert groups.tolist() == ["a", "b"]
    assert pools.tolist() == [[3, 4], [8, 10]]


def test_bootstrap_means_are_of_four_fifths_of_the_cells():
    """Cells with one gene each: a mean of 80 of 100 names the cells that were drawn."""
    groups, pools = pool_clusters(np.eye(120), ["a"] * 110 + ["b"] * 10, method="bootstrap80_mean")
    assert groups.tolist() == ["a", "a", "b"]
    assert [(row > 0).sum() for row in pools] == [88, 88, 8]
    np.testing.assert_allclose(pools.sum(axis=1), 1)
    again = pool_clusters(np.eye(120), ["a"] * 110 + ["b"] * 10, method="bootstrap80_mean")[1]
    assert np.array_equal(pools, again)
    assert not np.array_equal(pools[0], pools[1])
