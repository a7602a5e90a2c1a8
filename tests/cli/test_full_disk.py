"""Commands on a file system that is full, or lets no file grow."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import os
import resource
import subprocess
import sys
import tarfile

import pytest

from servers import FaultyServer

MB = 1 << 20
BODY = b"\x89HDF\r\n\x1a\n" + bytes(3 * MB)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """File system of 1 MB."""
    folder = tmp_path_factory.mktemp("tiny")
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with FaultyServer({"a.h5ad": BODY, "a.tar.gz": folded()}) as running:
        yield running


def folded():
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as file:
        for n in range(3):
            member = tarfile.TarInfo(f"{n}.csv")
            member.size = MB // 2
            file.addfile(member, io.BytesIO(bytes(MB // 2)))
    return gzip.compress(made.getvalue())


@pytest.fixture
def sicmir(root):
    def run(*words, **options):
        return subprocess.run(
            [sys.executable, root / "bin/sicmir-step", *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            **options,
        )

    return run


def told(done, place):
    """What a full disk must look like to a person."""
    assert done.returncode == 74, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"sicmir-atlas: error: no space left on the device of {place}")
    assert "free some, or write to another" in last


def files_json(folder, *entries):
    path = folder / "files.json"
    path.write_text(json.dumps(list(entries)))
    return path


def left(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_download_onto_a_full_disk_leaves_it_free(sicmir, server, tiny, tmp_path):
    entry = {"url": server.url("ok", "a.h5ad"), "name": "a.h5ad"}
    files = files_json(tmp_path, entry)
    done = sicmir("fetch", "--files", files, "-o", tiny / "out", "--tries", 2)
    told(done, tiny / "out" / "a.h5ad")
    assert left(tiny) == []
    assert len(server.requests) == 1  # another try would fill it again


def test_an_archive_that_unfolds_onto_a_full_disk(sicmir, server, tiny, tmp_path):
    entry = {"url": server.url("ok", "a.tar.gz"), "name": "a.tar.gz", "unpack": ["*"]}
    done = sicmir("fetch", "--files", files_json(tmp_path, entry), "-o", tiny / "out")
    told(done, tiny / "out" / "a.tar.gz")
    assert left(tiny) == []


def test_a_full_cache_does_no_harm(sicmir, server, tiny, tmp_path):
    digest = hashlib.sha256(BODY).hexdigest()
    entry = {"url": server.url("ok", "a.h5ad"), "name": "a.h5ad", "sha256": digest}
    files = files_json(tmp_path, entry)
    done = sicmir("fetch", "--files", files, "-o", tmp_path / "out", "--cache", tiny)
    assert done.returncode == 0, done.stderr
    assert "cache: a.h5ad cannot be kept" in done.stderr
    assert left(tiny) == []


@pytest.mark.parametrize("name", ["x.h5ad", "x.csv", "x.csv.gz", "x.parquet"])
def test_predictions_onto_a_full_disk(sicmir, demo_data, tiny, name):
    done = sicmir("predict", demo_data / "demo_blood.h5ad", "-o", tiny / name)
    told(done, tiny)
    assert left(tiny) == []


def test_steps_onto_a_full_disk(sicmir, demo_data, tiny, tmp_path):
    row = {"dataset_id": "blood", "source": "file", "organism": "human"}
    row |= {"tissue": "blood", "disease": "normal"}
    (tmp_path / "row.json").write_text(json.dumps(row))
    url = str(demo_data / "demo_blood.h5ad")
    files = files_json(tmp_path, {"url": url, "name": "demo_blood.h5ad"})
    for words, made in (
        (("fetch", "--files", files), "fetched"),
        (("prepare", "--dataset", tmp_path / "row.json", "--fetched"), "prepared"),
        (("predict-dataset", "--prepared"), "shard"),
    ):
        before = {"prepared": [tmp_path / "fetched"], "shard": [tmp_path / "prepared"]}
        command = [*words, *before.get(made, [])]
        if made != "fetched":
            told(sicmir(*command, "-o", tiny / "out"), tiny)
            assert left(tiny) == []
        if made != "shard":
            done = sicmir(*command, "-o", tmp_path / made)
            assert done.returncode == 0, done.stderr


def test_a_full_disk_for_temporary_files(sicmir, demo_data, tiny, tmp_path):
    triplet = tmp_path / "triplet"
    triplet.mkdir()
    for path in demo_data.glob("demo_lung_*.gz"):
        (triplet / path.name).symlink_to(path)
    environment = os.environ | {"TMPDIR": str(tiny)}
    told(sicmir("predict", triplet, "-o", tmp_path / "x.csv", env=environment), tiny)
    assert left(tiny) == []
    assert not (tmp_path / "x.csv").exists()


def test_simulated_datasets_onto_a_full_disk(sicmir, tiny):
    told(sicmir("demo", tiny / "demo"), tiny)


def test_a_limit_on_the_size_of_files(sicmir, server, tmp_path):
    """Needs no right to mount: the kernel refuses to let a file grow beyond 1 MB."""
    files = files_json(tmp_path, {"url": server.url("ok", "a.h5ad"), "name": "a.h5ad"})

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (MB, MB))

    done = sicmir("fetch", "--files", files, "-o", tmp_path / "out", preexec_fn=limited)
    assert done.returncode == 74
    last = done.stderr.strip().splitlines()[-1]
    said = "files may not become as large on the device of"
    assert last.startswith(f"sicmir-atlas: error: {said} {tmp_path / 'out' / 'a.h5ad'}")
    assert "Traceback" not in done.stderr
    assert left(tmp_path / "out") == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_however_deep_the_cause(monkeypatch, capsys, number):
    from sicmir_atlas.cli.app import main

    def broken(*_):
        try:
            raise OSError(number, os.strerror(number), "/some/file")
        except OSError as error:
            msg = "the writer gave up"
            raise RuntimeError(msg) from error

    monkeypatch.setattr("sicmir_atlas.demo.write_demo", broken)
    with pytest.raises(SystemExit) as stopped:
        main(["demo", "x"])
    assert stopped.value.code == 74
    assert " on the device of /some/file: " in capsys.readouterr().err
