"""Clusters of real data: against sorted labels, cell lines, and scanpy's own pipeline."""

from __future__ import annotations

import warnings

import anndata as ad
import pytest
import scanpy as sc
from sklearn.metrics import adjusted_rand_score

import simulated
from sicmir_atlas.prepare import qc
from sicmir_atlas.prepare.cluster import ClusterOptions

pytestmark = pytest.mark.real


@pytest.fixture
def cluster(shared_data, tmp_path):
    def run(name, *, profile="atlas", row=None, **options):
        prepared = simulated.prepare(
            shared_data / f"cells/{name}.h5ad",
            tmp_path,
            profile=qc.PROFILES[profile],
            cell_type=None,
            clustering=ClusterOptions(**options),
            **(row or {}),
        )
        assert prepared.facts["labels"] == "clusters"
        return prepared.cells().set_index("cell_id")["cell_type_original"]

    return run


def by_scanpy(adata):
    """The published way with scanpy's defaults: UMAP's graph, Leiden on it."""
    adata = adata.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.pp.filter_genes(adata, min_cells=3)
        sc.pp.normalize_total(adata, target_sum=1e4)
        sc.pp.log1p(adata)
        sc.pp.highly_variable_genes(adata, n_top_genes=2000)
        sc.pp.pca(adata)
        sc.pp.neighbors(adata)
        sc.tl.leiden(adata, flavor="igraph", n_iterations=2, directed=False)
    return adata.obs["leiden"]


def test_sorted_blood_cells_are_found_as_scanpy_finds_them(shared_data, cluster):
    found = cluster("pbmc_facs")
    adata = ad.read_h5ad(shared_data / "cells/pbmc_facs.h5ad")[found.index]
    truth = adata.obs["celltype"]
    ours, theirs = (adjusted_rand_score(truth, by) for by in (found, by_scanpy(adata)))
    assert ours > 0.5
    assert ours > theirs - 0.1


def test_five_cell_lines_are_five_clusters(shared_data, cluster):
    found = cluster("lung_lines", profile="case", row={"filter": "obs:demuxlet_cls=SNG"})
    lines = ad.read_h5ad(shared_data / "cells/lung_lines.h5ad").obs["cell_line_demuxlet"]
    assert found.nunique() == 5
    assert adjusted_rand_score(lines[found.index], found) > 0.95


def test_a_third_of_the_cells_tells_the_others_where_they_belong(shared_data, cluster):
    truth = ad.read_h5ad(shared_data / "cells/pbmc_facs.h5ad").obs["celltype"]
    everything = cluster("pbmc_facs")
    some = cluster("pbmc_facs", max_cells=1200)
    same = adjusted_rand_score(everything, some[everything.index])
    assert same > 0.7
    assert adjusted_rand_score(truth[some.index], some) > 0.5


def test_cell_types_of_blood_are_told_apart_by_their_markers(shared_data, cluster):
    found = cluster("pbmc3k")
    adata = ad.read_h5ad(shared_data / "cells/pbmc3k.h5ad")[found.index].copy()
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    markers = ["MS4A1", "CD14", "NKG7", "FCER1A", "PPBP"]  # B, monocyte, NK, dendritic, platelet
    means = sc.get.obs_df(adata, markers).groupby(found, observed=True).mean()
    best = means.idxmax()
    assert best.nunique() == len(markers)
    assert all(means.loc[best[m], m] > 5 * means[m].median() for m in markers)
