from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb
import pytest

import thirty
from archives import ArchiveServer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def options(server):
    return [
        *("--geo_url", server.url("geo")),
        *("--geo_files_url", server.url("geo_files")),
        *("--cellxgene_url", server.url("cellxgene")),
        *("--cellxgene_files_url", server.url("cellxgene_files")),
        *("--scbasecount_url", server.url("scbasecount")),
        *("--requests_per_second", "400", "--min_cells", "50", "--min_cells_qc", "20"),
    ]


def contents(atlas: Path) -> dict[str, bytes]:
    """Every file but the database, whose bytes never repeat."""
    files = sorted(p for p in atlas.rglob("*") if p.is_file() and p.suffix != ".duckdb")
    return {str(p.relative_to(atlas)): p.read_bytes() for p in files}


def statuses(atlas: Path) -> dict[str, tuple[str, str | None]]:
    found = duckdb.sql(f"SELECT dataset_id, status, reason FROM '{atlas}/datasets.parquet'")
    return {name: (status, reason) for name, status, reason in found.fetchall()}


def test_thirty_rows_over_all_sources_with_a_fault_on_every_third_request(
    nextflow, sheet, tmp_path
):
    folder = tmp_path / "the lab's study"
    folder.mkdir()
    with ArchiveServer(thirty.sites()) as server:
        rows = thirty.rows(server.url("web"), folder)
        assert len(rows) == 30
        path = sheet(*rows)

        calm = nextflow.run("--input", path, "--outdir", tmp_path / "calm", *options(server))
        asked = len(server.requests)
        assert calm.code == 1, calm.output  # three rows cannot be had
        got = statuses(tmp_path / "calm/atlas")
        for name, (status, said) in thirty.EXPECTED.items():
            assert got[name][0] == status, got[name]
            assert said in got[name][1]
        others = {name: status for name, status in got.items() if name not in thirty.EXPECTED}
        assert set(others.values()) == {("included", None)}, others
        assert len(got) == 32  # a collection of three is one row

        server.fault_every = 3
        elsewhere = replace(nextflow, folder=tmp_path / "elsewhere", count=0)
        elsewhere.folder.mkdir()
        rough = elsewhere.run("--input", path, "--outdir", tmp_path / "rough", *options(server))
    assert rough.code == 1, rough.output
    met = [request.fault for request in server.requests[asked:] if request.fault]
    assert len(met) == (len(server.requests) - asked) // 3
    assert set(met) == {"503", "cut", "429", "reset", "html"}
    one, other = contents(tmp_path / "calm/atlas"), contents(tmp_path / "rough/atlas")
    assert list(one) == list(other)
    assert [name for name in one if one[name] != other[name]] == []
    assert json.loads(one["manifest.json"])["datasets"]
