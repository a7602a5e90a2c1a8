from __future__ import annotations

import hashlib
import subprocess

from sicmir_atlas.sources import RemoteFile, source_record


def test_combined_digest_is_what_sha256sum_gives(tmp_path):
    folder = tmp_path / "triplet"
    folder.mkdir()
    for name, text in (("b.tsv", "1"), ("a.mtx", "22")):
        (folder / name).write_text(text)
    (tmp_path / "meta.csv").write_text("x")
    got = source_record(
        [
            (RemoteFile("/data/triplet", "triplet"), folder),
            (RemoteFile("https://u:p@x.org/meta.csv?t=1", "meta.csv"), tmp_path / "meta.csv"),
        ]
    )
    names = ["meta.csv", "triplet/a.mtx", "triplet/b.tsv"]
    printed = subprocess.run(
        ["sha256sum", *names], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    assert got["sha256"] == hashlib.sha256(printed).hexdigest()
    assert [file["name"] for file in got["files"]] == names
    assert [file["size"] for file in got["files"]] == [1, 2, 1]
    assert got["files"][0]["url"] == "https://***@x.org/meta.csv?***"
    # an atlas built elsewhere from the same local files is the same
    assert got["files"][1]["url"] == "triplet/a.mtx"


def test_one_file_is_its_own_digest(tmp_path):
    (tmp_path / "a.h5ad").write_bytes(b"abc")
    got = source_record([(RemoteFile("/x/a.h5ad", "a.h5ad"), tmp_path / "a.h5ad")])
    assert got["sha256"] == got["files"][0]["sha256"] == hashlib.sha256(b"abc").hexdigest()
