"""Real data against scanpy: QC figures, kept cells, log-normalised landmarks."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc

import simulated
from sicmir_atlas.errors import ExcludedDataset
from sicmir_atlas.names import landmarks, read_data_table
from sicmir_atlas.prepare import qc
from sicmir_atlas.prepare.dataset import prepare_dataset

pytestmark = pytest.mark.real

PROFILES = qc.PROFILES


def by_scanpy(adata):
    """QC figures and log-normalised landmarks of all cells; absent landmarks are zero."""
    adata = adata.copy()
    names = adata.var.get("symbol", adata.var_names.to_series()).astype(str)
    mt_ids = set(read_data_table("mitochondrial.tsv")["ensembl_gene_id"])
    adata.var["mt"] = names.str.startswith("MT-").to_numpy() | adata.var_names.isin(mt_ids)
    sc.pp.calculate_qc_metrics(adata, qc_vars=["mt"], percent_top=None, log1p=False, inplace=True)
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    values = pd.DataFrame(adata.X.toarray(), adata.obs_names, names.to_numpy())
    return adata.obs, values


@pytest.mark.parametrize(
    ("name", "profile", "row"),
    [
        ("pbmc3k", "atlas", {"cell_type": None}),
        ("pbmc_facs", "atlas", {"cell_type": "obs:celltype", "donor": "obs:subpop"}),
        (
            "lung_lines",
            "case",
            {"cell_type": "obs:cell_line_demuxlet", "filter": "obs:demuxlet_cls=SNG"},
        ),
    ],
)
def test_cells_and_landmarks_are_scanpys(shared_data, tmp_path, name, profile, row):
    path = shared_data / f"cells/{name}.h5ad"
    adata = ad.read_h5ad(path)
    if "filter" in row:
        adata = adata[adata.obs["demuxlet_cls"] == "SNG"].copy()
    obs, values = by_scanpy(adata)
    n_genes, pct_mt = obs["n_genes_by_counts"], obs["pct_counts_mt"]
    kept = (n_genes > 200) & (n_genes < 2500) & (pct_mt < 5)
    if profile == "case":
        kept = (n_genes >= 200) & (pct_mt <= 10)
    assert 0 < kept.sum() < len(kept) or profile == "case"

    prepared = simulated.prepare(
        path, tmp_path, profile=PROFILES[profile], cell_calling="auto", **row
    )
    cells = prepared.cells().set_index("cell_id")
    assert set(cells.index) == set(obs.index[kept])
    assert prepared.facts["n_cells_raw"] == len(obs)
    assert prepared.facts["n_cells_qc"] == kept.sum()
    same = obs.loc[cells.index]
    np.testing.assert_array_equal(cells["n_genes"], same["n_genes_by_counts"])
    np.testing.assert_array_equal(cells["n_counts"], same["total_counts"])
    np.testing.assert_allclose(cells["pct_mt"], same["pct_counts_mt"], rtol=1e-6)
    lost = prepared.qc_losses()
    assert lost["n_lost"].sum() == (~kept).sum()

    got = simulated.matrix(prepared)
    missing = prepared.facts["missing_landmarks"]
    by_symbol = [s for s in landmarks() if s in values.columns and s not in missing]
    assert len(by_symbol) > 700
    columns = [landmarks().index(s) for s in by_symbol]
    expected = values.loc[cells.index, by_symbol]
    np.testing.assert_allclose(got[:, columns], expected, rtol=2e-6, atol=1e-7)
    assert not got[:, [landmarks().index(s) for s in missing]].any()


def test_lung_lines_are_excluded_under_the_atlas_profile(shared_data, tmp_path):
    path = shared_data / "cells/lung_lines.h5ad"
    with pytest.raises(ExcludedDataset, match="min_cells_qc"):
        simulated.prepare(
            path, tmp_path, profile=PROFILES["atlas"], cell_type="obs:cell_line_demuxlet"
        )


@pytest.fixture(scope="module")
def unfiltered(shared_data, tmp_path_factory):
    """Verdict, or prepared dataset, of the unfiltered triplet under a way of calling cells."""
    folder = shared_data / "cells/geo_GSM6544281"

    def prepare(how, profile):
        row = {**simulated.ROW, "cell_type": None, "format": "mtx"}
        return prepare_dataset(
            row,
            sorted(folder.iterdir()),
            tmp_path_factory.mktemp("geo") / "prepared",
            source={"sha256": "0" * 64, "files": []},
            profile=profile,
            profile_name="atlas",
            cell_calling=how,
        )

    return prepare


def test_cells_are_called_on_unfiltered_input(unfiltered, shared_data):
    with pytest.raises(ExcludedDataset, match="min_cells: 437 called cells; more than 500"):
        unfiltered("auto", PROFILES["atlas"])
    prepared = unfiltered("auto", PROFILES["case"].with_thresholds(min_cells=436, min_cells_qc=1))
    facts = prepared.facts
    assert (facts["n_barcodes"], facts["n_cells_raw"]) == (83_683, 437)
    triplet = sc.read_10x_mtx(shared_data / "cells/geo_GSM6544281")
    counts = np.asarray(triplet.X.sum(axis=1)).ravel()
    n_genes = np.asarray((triplet.X > 0).sum(axis=1)).ravel()
    is_mt = triplet.var_names.str.startswith("MT-")
    pct_mt = 100 * np.asarray(triplet.X[:, is_mt].sum(axis=1)).ravel() / np.maximum(counts, 1)
    kept = triplet.obs_names[(counts >= 500) & (n_genes >= 200) & (pct_mt <= 10)]
    assert set(prepared.cells()["cell_id"]) == set(kept)


def test_every_barcode_is_a_cell_where_none_is_called(unfiltered):
    with pytest.raises(ExcludedDataset) as excluded:
        unfiltered("never", PROFILES["atlas"].with_thresholds(min_cells_qc=10**6))
    assert excluded.value.facts["n_cells_raw"] == 83_683


def test_always_calls_on_filtered_input_too(shared_data, tmp_path):
    path = shared_data / "cells/pbmc3k.h5ad"
    counts = np.asarray(ad.read_h5ad(path).X.sum(axis=1)).ravel()
    n_called = {}
    for how in ("auto", "always", "never"):
        prepared = simulated.prepare(
            path, tmp_path / how, cell_type=None, cell_calling=how, min_umi=2000
        )
        n_called[how] = prepared.facts["n_cells_raw"]
    assert n_called == {"auto": 2700, "always": (counts >= 2000).sum(), "never": 2700}
