"""Every kind of bad input in one run: each is excluded or fails with its reason, all others end."""

from __future__ import annotations

import gzip
import io
import os
import tarfile

import anndata as ad
import duckdb
import h5py
import numpy as np
import pytest

import thirty
from servers import FaultyServer

HUMAN = {
    "organism": "Homo sapiens",
    "tissue": "lung",
    "disease": "normal",
    "cell_type": "obs:cell_type",
}
FULL_DISK = "mkdir fetched; mount -t tmpfs -o size=64k none fetched"
CONFIG = f"""
process {{
    withName: FETCH {{
        ext.args     = '--tries 2 --timeout 3 --max-unpacked 20000000'
        beforeScript = {{ task.tag == 'full_disk' ? '{FULL_DISK}' : '' }}
        afterScript  = {{ task.tag == 'full_disk' ? 'umount fetched' : '' }}
    }}
}}
"""


def h5ad(seed=1, **change):
    """A dataset that would be included, but for what is changed."""
    counts, cells = thirty.counts(seed)
    adata = ad.AnnData(counts.astype(np.float32), obs=cells.copy())
    adata.var_names = thirty.symbols()
    adata.obs_names = change.get("barcodes") or thirty.barcodes(seed, adata.n_obs)
    if "values" in change:
        adata.X = change["values"](adata.X.copy())
    if "numbers" in change:
        adata.obs["cell_type"] = adata.obs["cell_type"].cat.codes
    if "genes" in change:
        adata.var_names = change["genes"]
    return adata[: change.get("n", adata.n_obs)]


def negative(values):
    values.data[7] = -1
    return values


def fractional(values):
    values.data[7] = 0.5
    return values


def tar(name, kind=tarfile.REGTYPE, body=b"x"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd" if kind == tarfile.SYMTYPE else ""
        member.size = len(body) if kind == tarfile.REGTYPE else 0
        archive.addfile(member, io.BytesIO(body))
    return out.getvalue()


@pytest.fixture
def own_files(tmp_path):
    """Files of the source `file`, by dataset."""
    folder = tmp_path / "the lab's study"
    folder.mkdir()
    mouse = [f"ENSMUSG{i:011}" for i in range(50)]
    made = {
        "negative": h5ad(values=negative),
        "fractional": h5ad(values=fractional),
        "numbers": h5ad(numbers=True),
        "empty": h5ad(n=0),
        "mixed_species": h5ad(genes=[*thirty.symbols()[:-50], *mouse]),
        "no_such_column": h5ad(),
        "two_words": h5ad(),
    }  # fmt: skip
    for name, adata in made.items():
        adata.write_h5ad(folder / f"{name}.h5ad")
    with h5py.File(folder / "two_words.h5ad", "a") as file:
        index = file["obs"][file["obs"].attrs["_index"]]
        index[1] = index[0]
    (folder / "corrupt.h5ad").write_bytes((folder / "two_words.h5ad").read_bytes()[:9000])
    matrix, features, barcodes = (thirty.triplet(3)[f"{n}.gz"] for n in
                                  ("matrix.mtx", "features.tsv", "barcodes.tsv"))  # fmt: skip
    for name, body in (("matrix.mtx.gz", matrix[: len(matrix) // 2]),
                       ("features.tsv.gz", features), ("barcodes.tsv.gz", barcodes)):  # fmt: skip
        (folder / name).write_bytes(body)
    bodies = {
        "../../evil.csv": tar("../../evil.csv"),
        "a link": tar("counts.csv", tarfile.SYMTYPE),
        "a bomb": tar("counts.csv", body=bytes(30_000_000)),
    }
    for name, body in zip(("outside", "link", "bomb"), bodies.values(), strict=True):
        (folder / f"{name}.tar.gz").write_bytes(gzip.compress(body))
    (folder / "object.rds").write_bytes(b"\x1f\x8b")
    return folder


EXPECTED = {
    "negative": ("excluded", "raw_counts: "),
    "fractional": ("excluded", "raw_counts: "),
    "mixed_species": ("excluded", "organism: 50 of "),
    "empty": ("excluded", "min_cells: 0 called cells"),
    "numbers": ("failed", "holds numbers (0, 1, 2): clusters are no cell types"),
    "no_such_column": ("failed", "names obs:louvain, which the cells lack; they have: "),
    "two_words": ("failed", "two_words.h5ad: 1 cell ids occur more than once"),
    "corrupt": ("failed", "corrupt.h5ad: cut short: 9000 bytes of "),
    "cut_short": ("failed", "matrix.mtx.gz: cut short or damaged"),
    "outside": ("failed", "../../evil.csv"),
    "link": ("failed", "counts.csv"),
    "bomb": ("failed", "20"),
    "object": ("failed", "readRDS"),
    "page": ("failed", "got a web page (HTML) instead of lung.h5ad"),
    "wrong_bytes": ("failed", "sha256 of lung.h5ad is"),
    "circles": ("failed", "it leads in circles"),
    "too_many": ("failed", "unavailable after 2 tries; the last said: HTTP 429"),
    "gone": ("failed", "HTTP 404"),
    "full_disk": ("failed", "no space left"),
    "good": ("included", None),
    "stalled_once": ("included", None),
    "busy_once": ("included", None),
    "outside_name": ("included", None),
}


@pytest.mark.skipif(os.geteuid() != 0, reason="a full disk is mounted, which root may")
def test_each_ends_with_its_reason_while_the_others_finish(nextflow, sheet, tmp_path, own_files):
    body = tmp_path / "lung.h5ad"
    h5ad(5).write_h5ad(body)
    names = ("negative", "fractional", "mixed_species", "empty", "numbers", "two_words", "corrupt")
    own = {name: f"{name}.h5ad" for name in names}
    own |= {name: f"{name}.tar.gz" for name in ("outside", "link", "bomb")}
    own |= {
        "no_such_column": "no_such_column.h5ad",
        "cut_short": "matrix.mtx.gz|features.tsv.gz|barcodes.tsv.gz",
        "object": "object.rds",
    }
    files = {"lung.h5ad": body.read_bytes(), "..%2F..%2Foutside.h5ad": body.read_bytes()}
    with FaultyServer(files) as server:
        faults = {
            "page": "html",
            "wrong_bytes": "bad",
            "circles": "loop",
            "too_many": "status429",
            "gone": "status404",
            "full_disk": "ok",
            "good": "ok",
            "stalled_once": "stall",
            "busy_once": "busy",
        }
        web = {name: server.url(fault, "lung.h5ad") for name, fault in faults.items()}
        web["outside_name"] = server.url("ok", "..%2F..%2Foutside.h5ad")
        rows = [{"dataset_id": name, "source": "file", "url": url} for name, url in own.items()]
        rows += [{"dataset_id": name, "source": "url", "url": url} for name, url in web.items()]
        rows = [row | HUMAN for row in rows]
        for row in rows:
            row["sha256"] = thirty.digest(body) if row["dataset_id"] == "wrong_bytes" else ""
            row["cell_type"] = {"no_such_column": "obs:louvain", "cut_short": ""}.get(
                row["dataset_id"], row["cell_type"]
            )
        config = tmp_path / "bad.config"
        config.write_text(CONFIG)
        done = nextflow.run(
            *("--input", sheet(*rows), "--outdir", tmp_path / "out", "-c", config),
            *("--min_cells", "50", "--min_cells_qc", "20"),
        )
    assert done.code == 1
    table = f"{tmp_path}/out/atlas/datasets.parquet"
    found = duckdb.sql(f"SELECT dataset_id, status, reason FROM '{table}'").fetchall()
    got = {name: (status, reason) for name, status, reason in found}
    assert set(got) == set(EXPECTED)
    for name, (status, said) in EXPECTED.items():
        assert got[name][0] == status, (name, got[name])
        assert said is None or said in got[name][1], (name, got[name])
        assert "\n" not in (got[name][1] or ""), name
    assert not list(tmp_path.rglob("evil.csv"))
