"""Real data behind a server with a fault on every third request, from a row to prepared cells."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import anndata as ad
import pandas as pd
import pytest

import count_files
import geo_site
from archives import ArchiveServer, Reply

pytestmark = pytest.mark.real
STEP = Path(__file__).parents[2] / "bin/sicmir-step"
LUNG = {"organism": "Homo sapiens", "tissue": "lung", "disease": "normal"}
LOOSE = ("--qc-profile", "case", "--min-cells", "400", "--min-cells-qc", "1")


@pytest.fixture
def walk(tmp_path):
    """Serve sites, walk a row through RESOLVE, FETCH and PREPARE, and give what comes out."""

    def run(sites, row, *options):
        with ArchiveServer(sites, fault_every=3, seen=2) as server:
            row = {"dataset_id": "d", **row}
            if "url" in row:
                row["url"] = f"{server.url('web')}/{row['url']}"
            (tmp_path / "row.json").write_text(json.dumps(row))
            geo = ("--geo-url", server.url("geo"), "--geo-files-url", server.url("geo_files"))
            for words in (
                ("resolve", "--dataset", "row.json", "-o", "resolved", *geo),
                ("fetch", "--files", "resolved/d/files.json", "-o", "fetched"),
                ("prepare", "--dataset", "row.json", "--facts", "resolved/d/facts.json",
                 "--fetched", "fetched", "-o", "prepared", *options),
            ):  # fmt: skip
                done = subprocess.run(
                    [sys.executable, STEP, *words],
                    cwd=tmp_path,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, done.stderr
            assert any(request.fault for request in server.requests)
        facts = json.loads((tmp_path / "prepared/prepared.json").read_text())
        return facts, pd.read_parquet(tmp_path / "prepared/cells.parquet")

    return run


def web(files):
    return {"web": lambda path: Reply(files[path]) if path in files else None}


def test_an_unfiltered_sample_of_geo(shared_data, walk):
    folder = shared_data / "cells/geo_GSM6544281"
    files = {f"GSM6544281_{path.name}": path.read_bytes() for path in folder.iterdir()}
    about = ("tissue: lung", "donor: 7")
    sample = geo_site.Sample("GSM6544281", files=files, characteristics=about)
    sites = {
        "geo": geo_site.geo_site(samples=[sample]),
        "geo_files": geo_site.geo_files_site(samples=[sample]),
    }
    row = {"source": "geo", "accession": "gsm6544281", "disease": "normal"}
    facts, cells = walk(sites, row, *LOOSE)
    assert (facts["n_barcodes"], facts["n_cells_raw"]) == (83_683, 437)
    assert set(cells["sample_id"]) == {"GSM6544281"}
    assert set(cells["tissue_ontology_term_id"]) == {"UBERON:0002048"}


def test_an_h5ad_in_gzip(shared_data, walk):
    body = gzip.compress((shared_data / "cells/pbmc_facs.h5ad").read_bytes(), 1)
    row = {"source": "url", "url": "pbmc.h5ad.gz", **LUNG, "cell_type": "obs:celltype"}
    facts, cells = walk(web({"pbmc.h5ad.gz": body}), row, *LOOSE)
    assert facts["n_cells_raw"] == 3774
    assert cells["cell_type_original"].nunique() == 10


def test_a_cell_ranger_h5_in_an_archive(shared_data, walk):
    adata = ad.read_h5ad(shared_data / "cells/pbmc3k.h5ad")
    h5 = count_files.tenx_h5(adata.X, list(adata.var_names), list(adata.obs_names))
    members = {"run1/outs/filtered_feature_bc_matrix.h5": h5, "run1/outs/web_summary.html": b"<p>"}
    body = count_files.tar(members, gz=True)
    row = {"source": "url", "url": "run.tar.gz", **LUNG}
    facts, cells = walk(web({"run.tar.gz": body}), row, *LOOSE)
    assert facts["n_barcodes"] == 2700
    assert set(cells["cell_id"]) <= set(adata.obs_names)


def test_a_table_on_its_side(shared_data, walk):
    adata = ad.read_h5ad(shared_data / "cells/lung_lines.h5ad")
    table = pd.DataFrame(adata.X.toarray().astype(int), adata.obs_names, adata.var_names)
    body = gzip.compress(table.to_csv(sep=";").encode(), 1)
    facts, cells = walk(
        web({"lung.csv.gz": body}), {"source": "url", "url": "lung.csv.gz", **LUNG}, *LOOSE
    )
    assert facts["n_barcodes"] == 909
    expected = pd.Series(adata.X.sum(axis=1).A1, adata.obs_names)
    got = cells.set_index("cell_id")["n_counts"]
    pd.testing.assert_series_equal(
        got, expected[got.index], check_names=False, check_dtype=False, check_index_type=False
    )
