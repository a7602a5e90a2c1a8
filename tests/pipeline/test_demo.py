"""The whole line on the simulated demo datasets, broken and mended."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pyarrow.parquet as pq
import pytest

from nextflow_runs import contents

HUMAN = ("demo_blood", "demo_lung", "demo_kidney", "demo_colon")


@pytest.fixture(scope="module")
def made(repo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run([sys.executable, repo / "bin/sicmir-step", "demo", folder], check=True)
    return folder


def status(out):
    table = pq.read_table(
        out / "atlas/datasets.parquet", columns=["dataset_id", "status", "reason"]
    )
    return {row["dataset_id"]: (row["status"], row["reason"]) for row in table.to_pylist()}


def test_one_broken_dataset_never_stops_the_others(nextflow, made, tmp_path):
    demo = tmp_path / "demo"
    shutil.copytree(made, demo)
    samplesheet = demo / "datasets.csv"
    good = samplesheet.read_text()
    colon = hashlib.sha256((demo / "demo_colon.h5ad").read_bytes()).hexdigest()
    samplesheet.write_text(good.replace(colon, "0" * 64))
    (demo / "demo_kidney_metadata.csv").rename(demo / "elsewhere.csv")
    out = nextflow.folder / "out"
    options = ("-profile", "test", "--input", samplesheet, "--outdir", out, "-resume")

    broken = nextflow.run(*options)
    assert broken.code == 1
    assert "Datasets: 2 included, 2 excluded, 2 failed" in broken.output
    rows = status(out)
    assert {name for name, (how, _) in rows.items() if how == "included"} == {
        "demo_blood",
        "demo_lung",
    }
    how, reason = rows["demo_colon"]
    assert how == "failed"
    assert reason.startswith("FETCH: ")
    assert colon in reason
    assert str(nextflow.folder) not in reason
    how, reason = rows["demo_kidney"]
    assert how == "failed"
    assert "demo_kidney_metadata.csv: no such file" in reason
    for name, rule in (("demo_mouse", "organism"), ("demo_two_types", "degenerate_pooling")):
        assert rows[name][0] == "excluded"
        assert rows[name][1].startswith(f"{rule}: ")
    before = contents(out / "atlas")

    samplesheet.write_text(good)
    (demo / "elsewhere.csv").rename(demo / "demo_kidney_metadata.csv")
    mended = nextflow.run(*options)
    assert mended.code == 0, mended.output
    assert "Datasets: 4 included, 2 excluded, 0 failed" in mended.output
    again = {f"{step} ({name})" for step in ("FETCH", "PREPARE", "PREDICT") for name in HUMAN[2:]}
    again |= {"RESOLVE (demo_colon)", "CHECK (datasets.csv)", "CONSOLIDATE", "VALIDATE", "REPORT"}
    assert set(mended.not_cached()) == again
    assert {name: how for name, (how, _) in status(out).items()} == {
        **dict.fromkeys(HUMAN, "included"),
        "demo_mouse": "excluded",
        "demo_two_types": "excluded",
    }
    after = contents(out / "atlas")
    kept = {name: digest for name, digest in before.items() if "/" in name}
    assert kept.items() <= after.items(), "what was there has to stay as it was"

    cached = nextflow.run(*options)
    assert cached.code == 0, cached.output
    assert cached.not_cached() == ["REPORT"]  # the build before this one is another now
    assert contents(out / "atlas") == after


def test_an_atlas_of_none(nextflow, made, sheet):
    """All excluded is a success, all failed is not; and a download is made once."""
    digest = hashlib.sha256((made / "demo_two_types.h5ad").read_bytes()).hexdigest()
    handler = partial(SimpleHTTPRequestHandler, directory=made)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    two_types = {
        "dataset_id": "two",
        "source": "url",
        "url": f"http://127.0.0.1:{server.server_port}/demo_two_types.h5ad",
        "sha256": digest,
        "organism": "Homo sapiens",
        "tissue": "skin of body",
        "disease": "normal",
        "cell_type": "obs:cell_type",
    }
    mouse = {**two_types, "dataset_id": "mouse", "organism": "Mus musculus"}
    options = ("-profile", "test", "--outdir", "results", "--input")
    run = nextflow.run(*options, sheet(mouse, two_types))
    server.shutdown()
    server.server_close()
    assert run.code == 0, run.output
    assert {name: how for name, (how, _) in status(nextflow.folder / "results").items()} == {
        "mouse": "excluded",
        "two": "excluded",
    }
    assert "FETCH (mouse)" not in run.statuses()

    gone = {"dataset_id": "gone", "source": "file", "url": "gone.h5ad", "organism": "Homo sapiens"}
    run = nextflow.run(*options, sheet(two_types, gone), NXF_SYNTAX_PARSER="v2")
    assert run.code == 1
    rows = status(nextflow.folder / "results")
    assert rows["two"][0] == "excluded", "the server is down: it has to come from the cache"
    assert rows["gone"][0] == "failed"
    assert rows["gone"][1] == (  # and no path of this machine, which an atlas never holds
        "FETCH: gone.h5ad: no such file; check column url, relative to the samplesheet"
    )
