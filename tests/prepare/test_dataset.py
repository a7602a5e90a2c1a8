from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import simulated
from sicmir_atlas.errors import ExcludedDataset, InputError
from sicmir_atlas.names import landmarks
from sicmir_atlas.prepare import dataset as module
from sicmir_atlas.prepare import qc
from sicmir_atlas.readers.h5ad import H5adMatrix

CASE = qc.PROFILES["case"].with_thresholds(min_cells=0, min_cells_qc=1)


@pytest.fixture
def adata():
    data = simulated.cells({"b": 30, "a": 20, "c": 25})
    order = np.random.default_rng(1).permutation(data.n_obs)
    return data[order].copy()


def by_hand(adata):
    """Log-normalised landmarks in panel order, with nothing but numpy."""
    counts = adata.X.toarray().astype(np.float64)
    logged = np.log(counts / counts.sum(axis=1, keepdims=True) * 1e4 + 1)
    return pd.DataFrame(logged, adata.obs_names, adata.var_names)[list(landmarks())]


def test_landmarks_are_normalised_by_the_library_over_all_genes(adata, tmp_path):
    prepared = simulated.prepare(adata, tmp_path)
    expected = by_hand(adata).loc[prepared.cells()["cell_id"]]
    np.testing.assert_allclose(simulated.matrix(prepared), expected, rtol=1e-6, atol=1e-7)
    figures = prepared.cells().set_index("cell_id").loc[adata.obs_names]
    counts = adata.X.toarray()
    assert (figures["n_counts"] == counts.sum(axis=1)).all()
    assert (figures["n_genes"] == (counts > 0).sum(axis=1)).all()
    assert (figures["n_landmarks_detected"] == (counts[:, :977] > 0).sum(axis=1)).all()
    is_mt = adata.var_names.str.startswith("MT-")
    np.testing.assert_allclose(
        figures["pct_mt"], 100 * counts[:, is_mt].sum(axis=1) / counts.sum(axis=1)
    )


def test_the_landmark_file_is_an_anndata(adata, tmp_path):
    prepared = simulated.prepare(adata, tmp_path)
    stored = ad.read_h5ad(prepared.folder / "landmarks.h5ad")
    assert stored.shape == (75, 977)
    assert stored.X.dtype == np.float32
    assert list(stored.var_names) == list(landmarks())
    assert list(stored.obs_names) == list(prepared.cells()["cell_id"])
    np.testing.assert_array_equal(stored.X.toarray(), simulated.matrix(prepared))


def test_cells_lie_together_by_type(adata, tmp_path):
    cells = simulated.prepare(adata, tmp_path).cells()
    assert cells["cell_type_original"].tolist() == ["a"] * 20 + ["b"] * 30 + ["c"] * 25
    assert set(cells["cell_id"]) == set(adata.obs_names)


def test_the_order_of_cells_in_the_file_leaves_no_trace(adata, tmp_path):
    one = simulated.prepare(adata, tmp_path / "one")
    other = simulated.prepare(adata[::-1].copy(), tmp_path / "other")
    pd.testing.assert_frame_equal(one.cells(), other.cells())
    np.testing.assert_array_equal(simulated.matrix(one), simulated.matrix(other))


@pytest.mark.parametrize("rows", [1, 7, 4096])
def test_block_size_does_not_matter(adata, tmp_path, monkeypatch, rows):
    expected = simulated.prepare(adata, tmp_path / "expected")
    blocks = H5adMatrix.blocks
    monkeypatch.setattr(H5adMatrix, "blocks", lambda self: blocks(self, rows))
    got = simulated.prepare(adata, tmp_path / "got")
    pd.testing.assert_frame_equal(got.cells(), expected.cells())
    np.testing.assert_array_equal(simulated.matrix(got), simulated.matrix(expected))


def test_the_same_bytes_again(adata, tmp_path):
    files = []
    for name in ("one", "two"):
        prepared = simulated.prepare(adata, tmp_path / name)
        files.append({p.name: p.read_bytes() for p in prepared.folder.iterdir()})
    assert set(files[0]) == {
        "landmarks.h5ad",
        "cells.parquet",
        "qc_losses.parquet",
        "prepared.json",
    }
    assert files[0] == files[1]


def test_qc_counts_each_cell_lost_once(adata, tmp_path):
    adata.X[:12] = adata.X[:12].multiply(np.arange(adata.n_vars) < 150).tocsr()
    counts = adata.X.toarray()
    counts[12:20, adata.var_names == "MT-CO1"] = 500
    adata.X = sparse.csr_matrix(counts)
    prepared = simulated.prepare(adata, tmp_path, profile=CASE)
    facts, lost = prepared.facts, prepared.qc_losses()
    assert (facts["n_barcodes"], facts["n_cells_raw"], facts["n_cells_qc"]) == (75, 75, 55)
    assert lost["n_lost"].sum() == 20
    per_type = lost.groupby("cell_type_original")["n_lost"].sum()
    kept = prepared.cells()["cell_type_original"].value_counts()
    assert (per_type + kept).to_dict() == {"a": 20, "b": 30, "c": 25}
    assert set(lost["rule"]) == {"min_genes", "max_pct_mt"}
    kept_by_hand = by_hand(adata).loc[prepared.cells()["cell_id"]]
    np.testing.assert_allclose(simulated.matrix(prepared), kept_by_hand, rtol=1e-6, atol=1e-7)


def test_without_mitochondrial_genes_the_share_is_null(adata, tmp_path):
    without = adata[:, ~adata.var_names.str.startswith("MT-")].copy()
    prepared = simulated.prepare(without, tmp_path, profile=CASE)
    assert prepared.cells()["pct_mt"].isna().all()
    assert set(prepared.qc_losses()["rule"]) == {"min_genes"}


def test_missing_landmarks_are_zero_and_listed(adata, tmp_path):
    gone = list(landmarks()[5:8])
    without = adata[:, ~adata.var_names.isin(gone)].copy()
    prepared = simulated.prepare(without, tmp_path)
    assert prepared.facts["missing_landmarks"] == dict.fromkeys(gone, "absent")
    assert prepared.facts["n_landmarks"] == 974
    assert not simulated.matrix(prepared)[:, 5:8].any()


def test_too_many_missing_landmarks_exclude(adata, tmp_path):
    few = adata[:, 488:].copy()
    simulated.prepare(few, tmp_path / "half")
    with pytest.raises(ExcludedDataset) as excluded:
        simulated.prepare(adata[:, 489:].copy(), tmp_path / "more")
    assert excluded.value.rule == "landmarks"
    assert "489 of 977 landmark genes are missing; at most 50% may be" in excluded.value.figure
    assert excluded.value.facts["n_landmarks"] == 488


def test_filter_comes_before_cell_calling_and_qc(adata, tmp_path):
    adata.obs["q"] = np.where(np.arange(75) < 40, "SNG", "DBL")
    prepared = simulated.prepare(adata, tmp_path, filter="obs:q=SNG", profile=CASE)
    assert set(prepared.cells()["cell_id"]) == set(adata.obs_names[:40])
    assert (prepared.facts["n_barcodes"], prepared.facts["n_cells_raw"]) == (75, 40)
    assert prepared.qc_losses().drop_duplicates("cell_type_original")["n_cells"].sum() == 40


def test_called_cells_are_the_raw_cells(adata, tmp_path):
    empty = ad.AnnData(
        sparse.csr_matrix(np.eye(100, adata.n_vars, dtype=np.float32)),
        obs=pd.DataFrame({"label": ["a"] * 100}, index=[f"empty{i}" for i in range(100)]),
        var=adata.var,
    )
    both = ad.concat([empty, adata])
    prepared = simulated.prepare(both, tmp_path, cell_calling="auto", min_umi=500, profile=CASE)
    assert set(prepared.cells()["cell_id"]) == set(adata.obs_names)
    assert (prepared.facts["n_barcodes"], prepared.facts["n_cells_raw"]) == (175, 75)
    assert prepared.qc_losses()["n_lost"].sum() == 0


@pytest.mark.parametrize(
    ("profile", "rule"),
    [({"min_cells": 75}, "min_cells"), ({"min_cells_qc": 76, "min_cells": 0}, "min_cells_qc")],
)
def test_too_few_cells(adata, tmp_path, profile, rule):
    with pytest.raises(ExcludedDataset) as excluded:
        simulated.prepare(adata, tmp_path, profile=qc.PROFILES["case"].with_thresholds(**profile))
    assert excluded.value.rule == rule
    facts = excluded.value.facts
    assert (facts["n_barcodes"], facts["n_cells_raw"]) == (75, 75)
    assert facts["sha256"] == "0" * 64
    assert not (tmp_path / "prepared").exists()


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"organism": "Mus musculus"}, "organism"),
        ({"organism": None}, "organism"),
        ({"tissue": None}, "metadata"),
        ({"disease": "obs:nothing"}, "metadata"),
        ({"assay": "Smart-seq2"}, "umi"),
        ({"assay": "obs:assay"}, "umi"),
    ],
)
def test_rules_of_inclusion(adata, tmp_path, row, rule):
    adata.obs["nothing"] = pd.Categorical([None] * 75, categories=["x"])
    adata.obs["assay"] = "Smart-seq2"
    with pytest.raises(ExcludedDataset) as excluded:
        simulated.prepare(adata, tmp_path, **row)
    assert excluded.value.rule == rule


def test_log_normalised_counts_exclude(adata, tmp_path):
    adata.X = np.log1p(adata.X).tocsr() / 3
    with pytest.raises(ExcludedDataset, match="raw_counts: the matrix looks log-normalised"):
        simulated.prepare(adata, tmp_path)


def test_the_layer_named_is_read(adata, tmp_path):
    expected = simulated.matrix(simulated.prepare(adata, tmp_path / "x"))
    adata.layers["umi"] = adata.X.tocsc()
    adata.X = np.log1p(adata.X).tocsr()
    got = simulated.matrix(simulated.prepare(adata, tmp_path / "layer", counts_layer="umi"))
    np.testing.assert_array_equal(got, expected)


def test_a_column_that_is_not_there(adata, tmp_path):
    with pytest.raises(InputError, match=r"d1: column donor names obs:who.*label"):
        simulated.prepare(adata, tmp_path, donor="obs:who")


def test_an_earlier_output_is_replaced_and_a_failure_leaves_it(adata, tmp_path, monkeypatch):
    prepared = simulated.prepare(adata, tmp_path)
    (prepared.folder / "stale").touch()
    before = {p.name: p.read_bytes() for p in prepared.folder.iterdir()}

    def broken(*_):
        yield sparse.csr_matrix((3, 977), dtype=np.float32)
        msg = "disk full"
        raise OSError(msg)

    with monkeypatch.context() as patched:
        patched.setattr(module, "_kept_rows", broken)
        with pytest.raises(OSError, match="disk full"):
            simulated.prepare(adata, tmp_path)
        assert {p.name: p.read_bytes() for p in prepared.folder.iterdir()} == before
        with pytest.raises(OSError, match="disk full"):
            simulated.prepare(adata, tmp_path / "new")
        assert not (tmp_path / "new" / "prepared").exists()
    again = simulated.prepare(adata, tmp_path)
    assert "stale" not in {p.name for p in again.folder.iterdir()}
    assert not list(tmp_path.glob("*.part"))


def test_dense_and_integer_input_give_the_same(adata, tmp_path):
    expected = simulated.matrix(simulated.prepare(adata, tmp_path / "csr"))
    for name, values in {
        "dense": adata.X.toarray(),
        "uint16": adata.X.astype(np.uint16),
        "int64": adata.X.astype(np.int64),
        "float64": adata.X.astype(np.float64).tocsc(),
    }.items():
        adata.X = values
        got = simulated.matrix(simulated.prepare(adata, tmp_path / name))
        np.testing.assert_array_equal(got, expected)
