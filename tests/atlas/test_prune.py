from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from sicmir_atlas.atlas.prune import prune
from sicmir_atlas.atlas.validate import validate
from sicmir_atlas.errors import CorruptError, GoneError, InputError, UnavailableError

SMALL = ("datasets", "harmonisation", "mirnas", "qc_losses")
HOLD = """
import fcntl, pathlib, sys
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
print("held", flush=True)
sys.stdin.read()
"""
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from sicmir_atlas.atlas.prune import prune

left = int(sys.argv[2])

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def told(path):
    global left
    left -= 1
    if left == 0:
        die()

if left == 0:
    shutil.rmtree = die
prune(Path(sys.argv[1]), told=told)
"""


def names(atlas):
    return sorted(p.relative_to(atlas).as_posix() for p in atlas.rglob("*") if not p.is_dir())


def listed(atlas):
    return {entry["path"] for entry in json.loads((atlas / "manifest.json").read_text())["files"]}


def published(source, target, *, age=0):
    """Add a build to a published atlas by hand, and show it."""
    digest = hashlib.sha256((source / "manifest.json").read_bytes()).hexdigest()[:12]
    folder = target / "builds" / digest
    folder.mkdir(parents=True)
    for path in source.rglob("*"):
        name = path.relative_to(source)
        if path.is_file() and len(name.parts) > 1:
            (target / name).parent.mkdir(exist_ok=True)
            if not (target / name).exists():
                shutil.copyfile(path, target / name)
        elif path.is_file():
            shutil.copyfile(path, folder / name)
            (target / name).unlink(missing_ok=True)
            (target / name).symlink_to(f"current/{name}")
    (target / "current").unlink(missing_ok=True)
    (target / "current").symlink_to(f"builds/{digest}")
    os.utime(folder, (1_700_000_000 - age, 1_700_000_000 - age))
    return folder


@pytest.fixture
def plain(atlas, tmp_path):
    """Copy of the atlas as CONSOLIDATE makes it."""
    return shutil.copytree(atlas, tmp_path / "out/atlas")


@pytest.fixture
def three_builds(atlas, build, tmp_path, shards):
    """A published atlas that has shown three builds; the first two held fewer datasets."""
    target = tmp_path / "out/atlas"
    empty = build(tmp_path / "empty", shards=[])
    one = build(tmp_path / "one", shards=shards[1:])
    folders = [
        published(source, target, age=age)
        for age, source in ((300, empty), (200, one), (100, atlas))
    ]
    return target, folders


def test_a_clean_atlas_is_left_as_it_is(plain):
    before = names(plain)
    assert prune(plain).paths == ()
    assert names(plain) == before


def test_what_the_manifest_does_not_list_goes(plain, atlas):
    old = plain / "cells/labelled-0123456789ab.parquet"
    unwanted = {
        old: 100,
        plain / "cells/labelled-0123456789ab.parquet.part": 10,
        plain / "pool_mirna/.link-x1/file": 5,
        plain / "datasets.parquet.part": 3,
        plain / ".part-atlas.duckdb": 2,
    }
    for path, size in unwanted.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * size)
    (plain / ".link-current").symlink_to("builds/none")
    pruned = prune(plain)
    assert sorted(pruned.paths) == [
        ".link-current",
        ".part-atlas.duckdb",
        "cells/labelled-0123456789ab.parquet",
        "cells/labelled-0123456789ab.parquet.part",
        "datasets.parquet.part",
        "pool_mirna/.link-x1",
    ]
    assert pruned.bytes >= 120
    assert pruned.bytes - 120 == len("builds/none")
    assert names(plain) == names(atlas)
    assert validate(plain) == []


def test_files_of_others_stay(plain):
    theirs = [plain / name for name in ("notes.md", "my_cells.parquet", "cells/mine.parquet")]
    for path in [*theirs, plain / "figures/plot-0123456789ab.parquet"]:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    assert prune(plain).paths == ()
    assert all(path.exists() for path in theirs)


def test_a_table_that_the_manifest_no_longer_lists_goes(plain):
    manifest = json.loads((plain / "manifest.json").read_text())
    manifest["files"] = [f for f in manifest["files"] if f["table"] != "harmonisation"]
    (plain / "manifest.json").write_text(json.dumps(manifest))
    assert prune(plain).paths == ("harmonisation.parquet",)


def test_a_file_with_another_name_frees_nothing(plain, tmp_path):
    kept = tmp_path / "kept.parquet"
    kept.write_bytes(b"x" * 1000)
    os.link(kept, plain / "cells/labelled-0123456789ab.parquet")
    pruned = prune(plain)
    assert (len(pruned.paths), pruned.bytes) == (1, 0)
    assert kept.stat().st_size == 1000


def test_nothing_is_removed_on_trial(plain):
    (plain / "cells/labelled-0123456789ab.parquet").write_bytes(b"x" * 7)
    before = names(plain)
    pruned = prune(plain, dry_run=True)
    assert (pruned.paths, pruned.bytes) == (("cells/labelled-0123456789ab.parquet",), 7)
    assert names(plain) == before
    assert not (plain.parent / ".lock").exists()


def test_links_are_not_followed(plain, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    theirs = elsewhere / "labelled-0123456789ab.parquet"
    theirs.write_text("theirs")
    (plain / "cells/labelled-ba9876543210.parquet").symlink_to(theirs)
    shutil.move(plain / "pool_mirna", elsewhere / "pool_mirna")
    (elsewhere / "pool_mirna/labelled-0123456789ab.parquet").write_text("theirs")
    (plain / "pool_mirna").symlink_to(elsewhere / "pool_mirna")
    (plain / "builds").symlink_to(elsewhere)
    (elsewhere / "0123456789ab").mkdir()
    assert prune(plain).paths == ("cells/labelled-ba9876543210.parquet",)
    assert theirs.read_text() == "theirs"
    assert (elsewhere / "0123456789ab").is_dir()
    assert (elsewhere / "pool_mirna/labelled-0123456789ab.parquet").exists()


def test_former_builds_and_their_files_go(three_builds, atlas, build, tmp_path, shards):
    target, (empty, one, shown) = three_builds
    stray = target / "cells/labelled-0123456789ab.parquet"
    stray.write_text("listed by nobody")
    (target / "builds/0123456789ab.part").mkdir()
    wanted = listed(target)
    pruned = prune(target)
    assert {path for path in pruned.paths if path.startswith("builds/")} == {
        f"builds/{empty.name}",
        f"builds/{one.name}",
        "builds/0123456789ab.part",
    }
    assert [p.name for p in (target / "builds").iterdir()] == [shown.name]
    large = {p.relative_to(target).as_posix() for p in target.glob("*/*.parquet")}
    assert {name for name in large if not name.startswith("current")} == {
        name for name in wanted if "/" in name
    }
    assert all((target / name).is_file() for name in wanted)


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_newest_former_builds_are_kept_with_their_files(build, tmp_path, shards, keep):
    target = tmp_path / "out/atlas"
    sources = {
        "labelled": build(tmp_path / "a", shards=shards[:1]),
        "unlabelled": build(tmp_path / "b", shards=shards[1:]),
        "none": build(tmp_path / "c", shards=[]),
    }
    folders = [published(source, target, age=300 - i) for i, source in enumerate(sources.values())]
    prune(target, keep_builds=keep)
    left = {p.name for p in (target / "builds").iterdir()}
    assert left == {folder.name for folder in folders[2 - keep :]}
    found = {p.name.rpartition("-")[0] for p in (target / "cells").iterdir()}
    assert found == set(list(sources)[2 - keep : 2])
    for folder in folders[2 - keep :]:
        for entry in json.loads((folder / "manifest.json").read_text())["files"]:
            where = target if "/" in entry["path"] else folder
            assert (where / entry["path"]).stat().st_size == entry["bytes"]


@pytest.mark.parametrize("leads_to", ["builds/gone", "../elsewhere", "builds"])
def test_a_link_that_leads_to_no_build_is_refused(three_builds, leads_to):
    target, _ = three_builds
    (target.parent / "elsewhere").mkdir()
    text = (target / "manifest.json").read_text()
    (target / "manifest.json").unlink()
    (target / "manifest.json").write_text(text)
    (target / "current").unlink()
    (target / "current").symlink_to(leads_to)
    before = names(target)
    with pytest.raises(CorruptError, match="current: leads to no build"):
        prune(target)
    assert names(target) == before


def test_a_kept_build_that_cannot_be_read_is_refused(three_builds):
    target, (_, one, _) = three_builds
    (one / "manifest.json").write_text("{")
    before = names(target)
    with pytest.raises(CorruptError, match=rf"{one.name}: manifest.json cannot be read"):
        prune(target, keep_builds=1)
    assert names(target) == before
    prune(target, keep_builds=0)
    assert not one.exists()


def test_what_is_no_atlas_is_refused(tmp_path, plain):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/cells.parquet").write_text("mine")
    with pytest.raises(GoneError, match="photos: no atlas here"):
        prune(tmp_path / "photos")
    assert not (tmp_path / ".lock").exists()
    with pytest.raises(InputError, match="keep -1 builds"):
        prune(plain, keep_builds=-1)


@pytest.mark.parametrize("by_link", [False, True])
def test_a_folder_that_a_run_writes_into_is_refused(plain, tmp_path, by_link):
    """A run locks the folder that it was given; the atlas in it may be a link elsewhere."""
    outdir = plain.parent
    if by_link:
        outdir = tmp_path / "results"
        outdir.mkdir()
        (outdir / "atlas").symlink_to(plain)
    (plain / "cells/labelled-0123456789ab.parquet").write_text("being written")
    run = subprocess.Popen(
        [sys.executable, "-c", HOLD, outdir / ".lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert run.stdout.readline() == "held\n"
        with pytest.raises(UnavailableError, match="a run is writing into this folder"):
            prune(outdir / "atlas")
        assert (plain / "cells/labelled-0123456789ab.parquet").exists()
    finally:
        run.communicate()
    assert len(prune(outdir / "atlas").paths) == 1, "the lock goes with the run"


def test_no_run_can_start_while_files_go(plain):
    """The lock is held until the last file went."""
    (plain / "cells/labelled-0123456789ab.parquet").write_text("x")
    tried = []

    def told(_):
        run = [sys.executable, "-c", HOLD, plain.parent / ".lock"]
        tried.append(subprocess.run(run, input="", capture_output=True, text=True, check=False))

    prune(plain, told=told)
    (run,) = tried
    assert "held" not in run.stdout
    assert "BlockingIOError" in run.stderr


def test_killed_at_any_moment_the_atlas_is_sound_and_the_rest_goes_later(three_builds, root):
    """Kill the command in its first removal, then after its first, then after its third."""
    target, (_, _, shown) = three_builds
    for i in range(5):
        (target / f"cells/labelled-{i:012x}.parquet").write_text("x")
    n_unwanted = 2 + 5
    assert len(prune(target, dry_run=True).paths) == n_unwanted
    for moment, n_left in ((0, n_unwanted), (1, n_unwanted - 1), (3, n_unwanted - 4)):
        run = subprocess.run(
            [sys.executable, "-c", KILLED, str(target), str(moment)],
            env={**os.environ, "PYTHONPATH": str(root / "bin")},
            check=False,
        )
        assert run.returncode == -signal.SIGKILL
        assert validate(target) == []
        assert len(prune(target, dry_run=True).paths) == n_left
    prune(target)
    assert validate(target) == []
    assert [p.name for p in (target / "builds").iterdir()] == [shown.name]
