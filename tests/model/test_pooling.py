from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from sicmir_atlas.errors import ExcludedDataset, InputError
from sicmir_atlas.model.pooling import (
    PoolPlan,
    check_not_degenerate,
    draw_size,
    n_draws,
    pool,
)

SPEC_V6 = {
    20: (1, 16), 46: (1, 36), 65: (1, 52), 80: (1, 64), 394: (4, 315), 400: (4, 320),
    401: (5, 320), 660: (7, 528), 1083: (11, 866), 1149: (12, 919),
}  # fmt: skip
GBM_GROUPS = {
    "Malignant": 12, "Oligodendrocyte": 1, "Microglia": 7, "Macrophage": 11,
    "Endothelial Cell": 1, "OPC": 4, "Astrocyte": 1, "Neuron": 1,
}  # fmt: skip


@pytest.mark.parametrize(("n", "expected"), SPEC_V6.items())
def test_spec_v6(n, expected):
    assert (n_draws(n), draw_size(n)) == expected


def test_draw_size_is_the_published_rounding():
    assert all(draw_size(n) == int(0.8 * n) for n in range(2, 20_000))
    assert draw_size(1) == 1


def test_spec_v6_gbm_demo_has_38_rows():
    cells = dict(zip(GBM_GROUPS, (1149, 20, 660, 1083, 46, 394, 65, 80), strict=True))
    labels = np.repeat(list(cells), list(cells.values()))
    table = PoolPlan.from_labels(labels, dataset_id="gbm", mode="bootstrap").table()
    assert len(table) == 38
    assert table.groupby("group").size().to_dict() == GBM_GROUPS


@pytest.mark.parametrize(
    ("sizes", "rows", "kept"),
    [((401, 400, 90), [5, 1, 1], True), ((300, 90), [1, 1], False), ((900, 500), [9, 5], True)],
)
def test_atlas_spec_v2(sizes, rows, kept):
    labels = np.repeat([f"type{i}" for i in range(len(sizes))], sizes)
    plan = PoolPlan.from_labels(labels, dataset_id="toy")
    assert [group.n_pools for group in plan.groups] == rows
    if kept:
        check_not_degenerate(plan.n_pools, len(plan.groups))
    else:
        with pytest.raises(ExcludedDataset, match="degenerate_pooling: 2 pooled rows of 2"):
            check_not_degenerate(plan.n_pools, len(plan.groups))


def test_one_type_is_degenerate_however_many_pools():
    with pytest.raises(ExcludedDataset, match="9 pooled rows of 1 cell types"):
        check_not_degenerate(9, 1)


def _cells(sizes, *, n_genes=30, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.array(list(sizes), dtype=object), list(sizes.values()))
    rng.shuffle(labels)
    x = np.log1p(rng.poisson(0.4, size=(len(labels), n_genes))).astype(np.float32)
    return sparse.csr_matrix(x), labels


def _blocks(x, size):
    return (x[start : start + size] for start in range(0, x.shape[0], size))


SIZES = {"T cell": 950, "B cell": 401, "NK": 400, "rare": 1}


def test_pools_are_means_of_the_cells_drawn():
    x, labels = _cells(SIZES)
    labels[::17] = None
    plan = PoolPlan.from_labels(labels, dataset_id="d", bootstrap_above=300)
    table, means = pool(_blocks(x, 128), plan)
    dense = x.toarray().astype(np.float64)
    row = 0
    for group in plan.groups:
        cells = dense[labels == group.name]
        for draw in range(group.n_pools):
            if group.method == "average":
                expected = cells.mean(axis=0)
            else:
                chosen = np.unpackbits(group.masks, axis=1)[:, draw].astype(bool)
                assert chosen.sum() == int(0.8 * len(cells)) == table["n_cells"][row]
                expected = cells[chosen].mean(axis=0)
            np.testing.assert_allclose(means[row], expected, atol=1e-12)
            assert table["n_group"][row] == len(cells)
            row += 1
    assert row == len(table) == len(means)
    assert table["pool_id"].is_unique
    assert {"T cell_bootstrap_1", "rare_average"} <= set(table["pool_id"])


def test_every_cell_is_drawn_about_as_often():
    plan = PoolPlan.from_labels(["a"] * 1000, dataset_id="d", mode="bootstrap")
    drawn = np.unpackbits(plan.groups[0].masks, axis=1, count=10)
    assert (drawn.sum(axis=0) == 800).all()
    assert len(np.unique(drawn.T, axis=0)) == 10
    # 1000 cells × 10 draws at p = .8: binomial, SD of the count per cell 1.26
    assert drawn.sum(axis=1).std() == pytest.approx(1.26, abs=0.15)


def test_draws_do_not_depend_on_other_groups_or_their_order():
    x, labels = _cells(SIZES)
    table, means = pool(_blocks(x, 500), PoolPlan.from_labels(labels, dataset_id="d"))
    alone = np.where(labels == "T cell", labels, None)
    table_alone, means_alone = pool(_blocks(x, 500), PoolPlan.from_labels(alone, dataset_id="d"))
    of_t = (table["group"] == "T cell").to_numpy()
    np.testing.assert_array_equal(means[of_t], means_alone)
    assert table["pool_id"][of_t].tolist() == table_alone["pool_id"].tolist()

    grouped = np.argsort(labels.astype(str), kind="stable")
    _, means_grouped = pool(
        _blocks(x[grouped], 500), PoolPlan.from_labels(labels[grouped], dataset_id="d")
    )
    np.testing.assert_allclose(means_grouped, means, atol=1e-12)


def test_seed_and_dataset_change_the_draws():
    x, labels = _cells(SIZES)

    def means(**kwargs):
        return pool(_blocks(x, 500), PoolPlan.from_labels(labels, **kwargs))[1]

    first = means(dataset_id="d")
    assert first.tobytes() == means(dataset_id="d").tobytes()
    assert not np.array_equal(first, means(dataset_id="d", seed=43))
    assert not np.array_equal(first, means(dataset_id="e"))


@pytest.mark.parametrize("size", [1, 7, 999, 10_000])
def test_block_size_does_not_matter(size):
    x, labels = _cells(SIZES)
    plan = PoolPlan.from_labels(labels, dataset_id="d")
    expected = pool([x], plan)[1]
    np.testing.assert_allclose(pool(_blocks(x, size), plan)[1], expected, atol=1e-12)
    np.testing.assert_allclose(pool(_blocks(x.toarray(), size), plan)[1], expected, atol=1e-12)


def test_cap_on_draws_keeps_the_first_ones():
    x, labels = _cells(SIZES)
    free = PoolPlan.from_labels(labels, dataset_id="d", max_draws=None)
    capped = PoolPlan.from_labels(labels, dataset_id="d", max_draws=3)
    assert capped.max_draws == 3
    table, means = pool([x], capped)
    full_table, full = pool([x], free)
    assert table.groupby("group").size().max() == 3
    shared = full_table["pool_id"].isin(table["pool_id"]).to_numpy()
    np.testing.assert_array_equal(means, full[shared])


def test_a_large_group_stays_in_bounded_memory():
    n_cells = 200_000
    labels = np.full(n_cells, "big", dtype=object)
    tracemalloc.start()
    plan = PoolPlan.from_labels(labels, dataset_id="d", max_draws=40)
    block = sparse.csr_matrix(np.eye(4000, 5, dtype=np.float32))
    pool((block for _ in range(50)), plan)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(group.masks.nbytes for group in plan.groups) == n_cells * 5
    assert peak < 200e6 * n_cells / 1_000_000


def test_rows_must_match_the_plan():
    plan = PoolPlan.from_labels(["a", "b", None], dataset_id="d")
    with pytest.raises(InputError, match="only 2 rows"):
        pool([np.zeros((2, 4))], plan)
    with pytest.raises(InputError, match="more 4 rows"):
        pool([np.zeros((2, 4)), np.zeros((2, 4))], plan)
    with pytest.raises(InputError, match="5 genes, 4 expected"):
        pool([np.zeros((2, 4)), np.zeros((1, 5))], plan)


def test_no_labelled_rows_give_no_pools():
    plan = PoolPlan.from_labels([None, None], dataset_id="d")
    table, means = pool([np.zeros((2, 4))], plan)
    assert len(table) == 0
    assert means.shape == (0, 4)
