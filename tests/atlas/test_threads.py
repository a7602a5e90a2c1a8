"""What DuckDB takes follows its threads, and must not follow the cores of a machine."""

from __future__ import annotations

import json
import shutil

import duckdb
import pytest

from sicmir_atlas.atlas.database import build_database
from sicmir_atlas.atlas.files import AtlasFile
from sicmir_atlas.atlas.validate import validate


@pytest.fixture
def threads(monkeypatch):
    """Threads of every connection that is opened, as DuckDB says."""
    seen, connect = [], duckdb.connect

    def spying(*args, **options):
        connection = connect(*args, **options)
        seen.extend(connection.execute("SELECT current_setting('threads')").fetchone())
        return connection

    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "64")
    monkeypatch.setattr(duckdb, "connect", spying)
    return seen


def test_two_threads_whatever_the_machine_has(threads, demo_atlas, tmp_path):
    atlas = shutil.copytree(demo_atlas, tmp_path / "atlas")
    assert validate(atlas) == []
    files = json.loads((atlas / "manifest.json").read_text())["files"]
    build_database(atlas, [AtlasFile(**file) for file in files])
    assert threads == [2, 2, 2]
