from __future__ import annotations

import shutil

import pytest

from sicmir_atlas.cli.app import main


@pytest.fixture
def said(capsys):
    def run(*arguments, code=0):
        with pytest.raises(SystemExit) as stopped:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        assert stopped.value.code == code, captured.err
        return captured.out + captured.err

    return run


def test_each_file_that_goes_is_a_line(said, demo_atlas, tmp_path):
    atlas = shutil.copytree(demo_atlas, tmp_path / "atlas")
    stray = atlas / "cells/demo_blood-0123456789ab.parquet"
    stray.write_bytes(b"x" * 2_000_000)
    assert said("prune", atlas, "--dry-run").splitlines() == [
        "would remove cells/demo_blood-0123456789ab.parquet",
        f"{atlas}: 2.0 MB could be freed",
    ]
    assert said("prune", atlas).splitlines() == [
        "removed cells/demo_blood-0123456789ab.parquet",
        f"{atlas}: 2.0 MB freed",
    ]
    assert said("prune", atlas) == f"{atlas}: nothing to remove\n"
    assert said("validate", atlas) == f"{atlas}: sound\n"


def test_refused(said, tmp_path):
    assert "no atlas here" in said("prune", tmp_path, code=66)
    assert "keep -1 builds: give 0 or more" in said("prune", tmp_path, "--keep-builds=-1", code=64)
