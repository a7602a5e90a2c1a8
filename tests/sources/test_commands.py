"""`resolve` and `fetch` as the pipeline calls them: processes, files and exit codes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

STEP = Path(__file__).parents[2] / "bin" / "sicmir-step"


def step(*words, folder):
    return subprocess.run(
        [sys.executable, STEP, *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def write(path, value):
    path.write_text(json.dumps(value))
    return path


def row(**cells):
    return {"dataset_id": "lung", "source": "url", "organism": "obs:organism"} | cells


def walk(folder, row, *options):
    write(folder / "row.json", row)
    first = step("resolve", "--dataset", "row.json", "-o", "resolved", folder=folder)
    assert first.returncode == 0, first.stderr
    return step(
        "fetch", "--files", "resolved/lung/files.json", "-o", "out", *options, folder=folder
    )


def test_from_a_row_to_files_and_their_record(server, body, tmp_path):
    url = server.url("cut", "a.h5ad", user="me:geheim") + "|" + server.url("flaky", "b.csv.gz")
    done = walk(tmp_path, row(url=url))
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "out" / "source.json").read_text())
    assert [(f["name"], f["size"], f["sha256"]) for f in record["files"]] == [
        ("a.h5ad", len(body), hashlib.sha256(body).hexdigest()),
        ("b.csv.gz", 1000, hashlib.sha256(body[:1000]).hexdigest()),
    ]
    assert "geheim" not in json.dumps(record) + done.stderr + done.stdout
    assert done.stdout == ""


def test_staged_files_are_found_by_name(tmp_path):
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "my counts.csv").write_text("g,c\nA,1\n")
    url = "s3://bucket/deep/my counts.csv"
    done = walk(tmp_path, row(source="file", url=url), "--local", "local")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "out" / "source.json").read_text())
    assert [(f["name"], f["url"]) for f in record["files"]] == [("my_counts.csv", url)]


@pytest.mark.parametrize(
    ("fault", "code"), [("status404", 66), ("bad", 65), ("html", 65), ("status503", 75)]
)
def test_exit_codes_tell_faults_apart(server, body, tmp_path, fault, code):
    url, digest = server.url(fault, "a.h5ad"), hashlib.sha256(body).hexdigest()
    done = walk(tmp_path, row(url=url, sha256=digest), "--tries", "1")
    assert done.returncode == code
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("sicmir-atlas: error: ")
    assert url in last
    assert not (tmp_path / "out" / "source.json").exists()


@pytest.mark.parametrize("organism", ["Mus musculus", "NCBITaxon:10090"])
def test_another_organism_is_excluded_before_a_byte_is_fetched(server, tmp_path, organism):
    write(tmp_path / "row.json", row(url=server.url("ok", "a.h5ad"), organism=organism))
    words = ("--dataset", "row.json", "-o", "resolved", "--verdicts", "verdicts")
    done = step("resolve", *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    verdict = json.loads((tmp_path / "verdicts/lung.json").read_text())
    assert verdict["status"] == "excluded"
    assert verdict["reason"] == f"organism: {organism}; only Homo sapiens is included"
    assert not (tmp_path / "resolved").exists()
    assert server.requests == []


@pytest.mark.parametrize("organism", ["Homo sapiens", "HUMAN", "NCBITaxon:9606", "obs:x", None])
def test_human_goes_on(tmp_path, organism):
    write(tmp_path / "row.json", row(url="https://example.org/a.h5ad", organism=organism))
    words = ("--dataset", "row.json", "-o", "resolved", "--verdicts", "verdicts")
    assert step("resolve", *words, folder=tmp_path).returncode == 0
    files = json.loads((tmp_path / "resolved/lung/files.json").read_text())
    assert [f["name"] for f in files] == ["a.h5ad"]
    assert not (tmp_path / "verdicts/lung.json").exists()
