from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.metrics import adjusted_rand_score

import simulated
from sicmir_atlas.prepare.cluster import ClusterOptions
from sicmir_atlas.prepare.dataset import prepare_dataset
from sicmir_atlas.readers.h5ad import H5adMatrix


@pytest.fixture(scope="module")
def adata():
    data = simulated.cells({"b": 90, "a": 140, "d": 40, "c": 60})
    order = np.random.default_rng(1).permutation(data.n_obs)
    return data[order].copy()


def cluster(adata, folder, **options):
    """Prepare with the labels hidden."""
    clustering = ClusterOptions(**options)
    return simulated.prepare(adata, folder, cell_type=None, clustering=clustering)


def groups(prepared):
    return prepared.cells().set_index("cell_id")["cell_type_original"].astype(object)


def files(prepared):
    return {path.name: path.read_bytes() for path in prepared.folder.iterdir()}


def test_groups_are_found_and_numbered_by_falling_size(adata, tmp_path):
    prepared = cluster(adata, tmp_path)
    assert prepared.facts["labels"] == "clusters"
    names = {"a": "cluster 1", "b": "cluster 2", "c": "cluster 3", "d": "cluster 4"}
    hidden = adata.obs["label"].astype(object)
    pd.testing.assert_series_equal(
        groups(prepared).sort_index(), hidden.map(names).sort_index(), check_names=False
    )
    cells = prepared.cells()
    assert set(cells["cell_type"]) == {"unknown"}
    assert set(cells["mapping_method"]) == {"unmapped"}
    assert cells["lineage"].isna().all()
    assert cells["cell_type_ontology_term_id"].isna().all()
    assert cells["cell_id"].is_monotonic_increasing


def test_landmarks_stay_with_their_cells(adata, tmp_path):
    prepared = cluster(adata, tmp_path / "clustered")
    labelled = simulated.prepare(adata, tmp_path / "labelled")
    one, other = (
        pd.DataFrame(simulated.matrix(p), p.cells()["cell_id"]) for p in (prepared, labelled)
    )
    pd.testing.assert_frame_equal(one, other.loc[one.index])


def test_the_order_of_cells_in_the_file_leaves_no_trace(adata, tmp_path):
    one = cluster(adata, tmp_path / "one", max_cells=200)
    shuffled = adata[np.random.default_rng(2).permutation(adata.n_obs)].copy()
    assert files(cluster(shuffled, tmp_path / "other", max_cells=200)) == files(one)


@pytest.mark.parametrize("rows", [1, 50])
def test_block_size_does_not_matter(adata, tmp_path, monkeypatch, rows):
    expected = files(cluster(adata, tmp_path / "expected"))
    blocks = H5adMatrix.blocks
    with monkeypatch.context() as patched:
        patched.setattr(H5adMatrix, "blocks", lambda self, _=None: blocks(self, rows))
        got = files(cluster(adata, tmp_path / "got"))
    assert got == expected


def test_cells_beyond_the_sample_join_the_group_of_their_neighbours(adata, tmp_path):
    everything = groups(cluster(adata, tmp_path / "all"))
    sampled = groups(cluster(adata, tmp_path / "some", max_cells=120))
    assert adjusted_rand_score(everything, sampled[everything.index]) > 0.95
    assert sampled.notna().all()


def test_resolution_makes_more_or_fewer(adata, tmp_path):
    n = [groups(cluster(adata, tmp_path / str(r), resolution=r)).nunique() for r in (0.5, 1.0, 8.0)]
    assert n[0] <= n[1] < n[2]


def test_the_studys_labels_come_first(adata, tmp_path):
    adata = adata.copy()
    adata.obs["some"] = adata.obs["label"].where(adata.obs["label"] == "a")
    prepared = simulated.prepare(adata, tmp_path, cell_type="obs:some")
    assert prepared.facts["labels"] == "study"
    assert prepared.cells()["cell_type_original"].value_counts().to_dict() == {"a": 140}
    assert set(prepared.cells()["mapping_method"]) == {"unmapped", "unlabelled"}


def test_terms_are_labels_too(adata, tmp_path):
    adata = adata.copy()
    adata.obs["word"] = pd.Categorical([None] * adata.n_obs, categories=["x"])
    adata.obs["word_ontology_term_id"] = "CL:0000084"
    prepared = simulated.prepare(adata, tmp_path, cell_type="obs:word")
    assert prepared.facts["labels"] == "study"
    assert set(prepared.cells()["mapping_method"]) == {"given_id"}


def test_labels_of_cells_that_are_not_kept_do_not_count(adata, tmp_path):
    adata = adata.copy()
    adata.obs["some"] = adata.obs["label"].where(adata.obs["label"] == "d")
    adata.obs["q"] = np.where(adata.obs["label"] == "d", "no", "yes")
    prepared = simulated.prepare(adata, tmp_path, cell_type="obs:some", filter="obs:q=yes")
    assert prepared.facts["labels"] == "clusters"
    assert groups(prepared).value_counts().to_dict() == {
        "cluster 1": 140,
        "cluster 2": 90,
        "cluster 3": 60,
    }


def test_never_leaves_cells_unlabelled(adata, tmp_path):
    prepared = cluster(adata, tmp_path, when="never")
    assert prepared.facts["labels"] == "none"
    assert prepared.cells()["cell_type_original"].isna().all()
    assert set(prepared.cells()["mapping_method"]) == {"unlabelled"}


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (simulated.cells({"a": 200, "b": 200}), {"resolution": 0.1}),
        (simulated.cells({"a": 3}), {}),
        (simulated.cells({"a": 1}), {}),
        (simulated.cells({"a": 60, "b": 60, "c": 60}), {"n_top_genes": 1}),
        (simulated.cells({"a": 60, "b": 60, "c": 60}), {"max_cells": 1}),
    ],
    ids=["two groups", "three cells", "one cell", "one gene", "a sample of one"],
)
def test_fewer_than_three_groups_are_none(data, options, tmp_path):
    prepared = cluster(data, tmp_path, **options)
    assert prepared.facts["labels"] == "none"
    assert prepared.cells()["cell_type_original"].isna().all()


def test_cells_that_are_all_alike_are_no_groups(adata, tmp_path):
    alike = adata.copy()
    alike.X = sparse.csr_matrix(np.repeat(adata.X[:1].toarray(), adata.n_obs, axis=0))
    assert cluster(alike, tmp_path).facts["labels"] == "none"


def test_copies_of_a_cell_are_grouped_with_no_others(adata, tmp_path):
    firsts = adata.obs_names.to_series().groupby(adata.obs["label"], observed=True).first()
    copies = adata.copy()
    copies.X = adata[firsts[adata.obs["label"]].tolist()].X.copy()  # four kinds of cell, all alike
    found = groups(cluster(copies, tmp_path))
    assert (adata.obs["label"].groupby(found[adata.obs_names]).nunique() == 1).all()


def test_random_numbers_of_the_caller_are_left_alone(adata, tmp_path):
    random.seed(7)
    expected = random.random()
    random.seed(7)
    cluster(adata, tmp_path, max_cells=100)
    assert random.random() == expected


def test_genes_that_a_library_lacks_do_not_part_libraries(adata, tmp_path):
    half = np.arange(adata.n_obs) % 2 == 0
    for name, rows, genes in (
        ("one", half, np.full(adata.n_vars, fill_value=True)),
        ("two", ~half, ~adata.var_names.str.startswith("OTHER")),
    ):
        adata[rows, genes].copy().write_h5ad(tmp_path / f"{name}.h5ad")
    prepared = prepare_dataset(
        {**simulated.ROW, "cell_type": None},
        [tmp_path / "one.h5ad", tmp_path / "two.h5ad"],
        tmp_path / "prepared",
        source={"sha256": "0" * 64, "files": []},
        profile=simulated.EVERYTHING,
        profile_name="atlas",
        cell_calling="never",
    )
    found = groups(prepared)
    found.index = found.index.str.replace(r"^\w+?_", "", regex=True)
    assert adjusted_rand_score(adata.obs["label"], found[adata.obs_names]) == 1


def test_clusters_are_pooled(adata, tmp_path, model, predictor):
    shard = simulated.predict(
        cluster(adata, tmp_path), tmp_path / "shard", model, predictor, bootstrap_above=100
    )
    assert shard.dataset["labels"] == "clusters"
    assert (shard.dataset["n_cell_types"], shard.dataset["n_pools"]) == (4, 2 + 3)
    assert shard.dataset["n_cells_mapped"] == 0
