from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
import scanpy as sc

import simulated
from sicmir_atlas.prepare.variable import highly_variable_genes


def in_blocks(adata, rows=64):
    sizes = np.asarray(adata.X.sum(axis=1), np.float64).ravel()
    for start in range(0, adata.n_obs, rows):
        part = slice(start, start + rows)
        yield adata.X[part], sizes[part]


def ours(adata, n_top, *, among=None):
    among = np.ones(adata.n_vars, bool) if among is None else among
    return list(adata.var_names[highly_variable_genes(in_blocks(adata), among, n_top=n_top)])


def scanpys(adata, n_top):
    adata = adata.copy()
    sc.pp.normalize_total(adata, target_sum=1e4)
    seen = np.asarray((adata.X > 0).sum(axis=0)).ravel()
    adata = adata[:, seen >= 3].copy()
    sc.pp.log1p(adata)
    sc.pp.highly_variable_genes(adata, flavor="seurat", n_top_genes=n_top)
    return list(adata.var_names[adata.var["highly_variable"]])


@pytest.mark.parametrize("n_top", [50, 300])
def test_simulated_genes_are_those_of_scanpy(n_top):
    adata = simulated.cells({"a": 120, "b": 80, "c": 40}, n_other=400)
    assert ours(adata, n_top) == scanpys(adata, n_top)


@pytest.mark.real
@pytest.mark.parametrize("name", ["pbmc3k", "pbmc_facs", "lung_lines"])
@pytest.mark.parametrize("n_top", [500, 2000])
def test_real_genes_are_those_of_scanpy(shared_data, name, n_top):
    adata = ad.read_h5ad(shared_data / f"cells/{name}.h5ad")
    assert ours(adata, n_top) == scanpys(adata, n_top)


def test_the_order_of_cells_and_blocks_leaves_no_trace():
    adata = simulated.cells({"a": 150, "b": 150}, n_other=2000)
    shuffled = adata[np.random.default_rng(0).permutation(adata.n_obs)].copy()
    among = np.ones(adata.n_vars, bool)
    expected = highly_variable_genes(in_blocks(adata), among, n_top=200)
    for rows in (1, 7, 300):
        got = highly_variable_genes(in_blocks(shuffled, rows), among, n_top=200)
        np.testing.assert_array_equal(got, expected)


def test_of_genes_that_vary_alike_the_first_are_chosen():
    adata = simulated.cells({"a": 60, "b": 60})
    copy = adata.copy()
    copy.var_names = "copy of " + copy.var_names
    twice = ad.concat([adata, copy], axis="var")
    (first,) = ours(twice, 1)
    assert first in adata.var_names
    assert ours(twice, 2) == [first, f"copy of {first}"]
    assert len(ours(twice, 7)) == 7


def test_only_genes_that_may_be_chosen_are():
    adata = simulated.cells({"a": 60, "b": 60})
    among = np.arange(adata.n_vars) % 2 == 0
    chosen = ours(adata, 100, among=among)
    assert len(chosen) == 100
    assert set(chosen) <= set(adata.var_names[among])


def test_genes_that_do_not_vary_are_not_chosen():
    adata = simulated.cells({"a": 60, "b": 60})
    counts = adata.X.toarray()
    counts[:, 0] = 0
    counts[:, 1] = np.eye(120)[0] * 50 + np.eye(120)[1] * 50  # seen in two cells only
    counts[:, 2] = 0
    counts[:, 2] = counts.sum(axis=1)  # half of every library
    adata.X = type(adata.X)(counts)
    everything = ours(adata, adata.n_vars)
    assert not {*adata.var_names[:3]} & {*everything}
    assert len(everything) > 900


@pytest.mark.parametrize("n_cells", [0, 1, 2])
def test_of_hardly_any_cell_no_gene_varies(n_cells):
    assert ours(simulated.cells({"a": 5})[:n_cells].copy(), 10) == []
