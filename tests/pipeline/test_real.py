"""The line on real public data over HTTP; every count is computed a second time with scanpy."""

from __future__ import annotations

import hashlib

import anndata as ad
import numpy as np
import pytest
import scanpy as sc

import sicmir_atlas as sa
from servers import FaultyServer

pytestmark = pytest.mark.real

BLOOD = {"tissue": "blood", "disease": "normal", "organism": "Homo sapiens"}
LUNG = {
    "tissue": "lung",
    "disease": "lung adenocarcinoma",
    "organism": "Homo sapiens",
    "cell_type": "obs:cell_line_demuxlet",
    "filter": "obs:demuxlet_cls=SNG",
}


def passing(adata, mt_ids, *, low, high, mt):
    """Cells that scanpy's own QC figures let through; bounds are strict."""
    names = adata.var_names.to_series()
    adata.var["mt"] = (names.str.startswith("MT-") | names.isin(mt_ids)).to_numpy()
    assert adata.var["mt"].any()
    sc.pp.calculate_qc_metrics(adata, qc_vars=["mt"], percent_top=None, inplace=True)
    obs = adata.obs
    kept = (obs["n_genes_by_counts"] > low) & (obs["n_genes_by_counts"] < high)
    return int((kept & (obs["pct_counts_mt"] < mt)).sum())


@pytest.fixture(scope="module")
def served(shared_data):
    """Real files by name, and the independent counts that `datasets` must hold."""
    cells = shared_data / "cells"
    files = {p.name: p.read_bytes() for p in cells.rglob("*") if p.is_file()}
    facs, pbmc3k = (ad.read_h5ad(cells / f"{name}.h5ad") for name in ("pbmc_facs", "pbmc3k"))
    lung = ad.read_h5ad(cells / "lung_lines.h5ad")
    lung = lung[lung.obs["demuxlet_cls"] == "SNG"].copy()
    triplet = sc.read_10x_mtx(cells / "geo_GSM6544281")
    # the cell lines name genes by Ensembl id alone: 13 of the GEO features, 2 ribosomal RNAs
    mt_ids = set(triplet.var.loc[triplet.var_names.str.startswith("MT-"), "gene_ids"])
    mt_ids |= {"ENSG00000211459", "ENSG00000210082"}
    called = int((np.asarray(triplet.X.sum(axis=1)).ravel() >= 500).sum())
    atlas = {"low": 200, "high": 2500, "mt": 5}
    case = {"low": 199, "high": np.inf, "mt": np.nextafter(10, 11)}
    # dataset: status, rule, barcodes, called cells, cells that pass QC
    expected = {
        "pbmc_facs": ("included", None, facs.n_obs, facs.n_obs, passing(facs, mt_ids, **atlas)),
        "pbmc3k": ("included", None, pbmc3k.n_obs, pbmc3k.n_obs, passing(pbmc3k, mt_ids, **atlas)),
        "gsm6544281": ("excluded", "min_cells", triplet.n_obs, called, None),
        "lung_atlas": (
            "excluded",
            "min_cells_qc",
            909,
            lung.n_obs,
            passing(lung.copy(), mt_ids, **atlas),
        ),
        "lung_case": ("included", None, 909, lung.n_obs, passing(lung, mt_ids, **case)),
    }
    return files, expected


@pytest.fixture
def server(served):
    with FaultyServer(served[0]) as running:
        yield running


def test_real_datasets_over_http(nextflow, sheet, served, server):
    files, expected = served

    def row(dataset_id, *names, fault="ok", **columns):
        return {
            "dataset_id": dataset_id,
            "source": "url",
            "url": "|".join(server.url(fault, name) for name in names),
            "sha256": "|".join(hashlib.sha256(files[name]).hexdigest() for name in names),
            **columns,
        }

    triplet = [f"{part}.gz" for part in ("barcodes.tsv", "features.tsv", "matrix.mtx")]
    samplesheet = sheet(
        row("pbmc_facs", "pbmc_facs.h5ad", fault="cut", cell_type="obs:celltype", **BLOOD),
        row("pbmc3k", "pbmc3k.h5ad", fault="flaky", **BLOOD),
        row("gsm6544281", *triplet, format="mtx", **{**BLOOD, "tissue": "lung"}),
        row("lung_atlas", "lung_lines.h5ad", **LUNG),
        row("lung_case", "lung_lines.h5ad", qc_profile="case", **LUNG),
    )
    out = nextflow.folder / "out"
    done = nextflow.run("--input", samplesheet, "--outdir", out)
    assert done.code == 0, done.output

    with sa.open_atlas(out / "atlas") as atlas:
        table = atlas.sql("FROM datasets").set_index("dataset_id")
        types = atlas.sql("FROM cells WHERE dataset_id = 'pbmc_facs'")
        clusters = atlas.sql("FROM cells WHERE dataset_id = 'pbmc3k'")
        n_predicted = atlas.sql("SELECT dataset_id, count(*) AS n FROM cell_mirna GROUP BY ALL")
    assert set(table.index) == set(expected)
    for dataset_id, (status, rule, n_barcodes, n_raw, n_qc) in expected.items():
        found = table.loc[dataset_id]
        assert found["status"] == status, found["reason"]
        assert (found["reason"] or "").partition(":")[0] == (rule or "")
        assert found["n_barcodes"] == n_barcodes
        assert found["n_cells_raw"] == n_raw
        if n_qc is not None:
            assert found["n_cells_qc"] == n_qc, dataset_id
    included = {d: e[4] for d, e in expected.items() if e[0] == "included"}
    assert dict(n_predicted.itertuples(index=False)) == included
    assert table.loc["pbmc_facs", "n_cell_types"] == types["cell_type_original"].nunique() == 10
    # no labels: pooled by clusters, which are named as such and mapped to nothing
    assert table.loc["pbmc3k", "labels"] == "clusters"
    assert table.loc["pbmc3k", "n_cells_mapped"] == 0
    assert table.loc["pbmc3k", "n_pools"] > 0
    assert clusters["cell_type_original"].str.fullmatch(r"cluster \d+").all()
    assert clusters["cell_type_original"].nunique() == table.loc["pbmc3k", "n_cell_types"] > 2

    asked = len(server.requests)  # no -resume: every task runs again
    again = nextflow.run("--input", samplesheet, "--outdir", out)
    assert again.code == 0, again.output
    assert len(server.requests) == asked, "the cache by checksum asks the server for nothing"
