"""Folders that are full or may only be read: one clear line, and the atlas that is there stays."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager

import pytest

from sicmir_atlas.atlas.query import open_atlas
from sicmir_atlas.atlas.validate import validate

pytestmark = pytest.mark.slow

MB = 1 << 20


@contextmanager
def mounted(*words):
    """Something mounted at a folder, the last of the words."""
    words = list(map(str, words))
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", words[-1]], check=True)


@pytest.fixture
def disks(nextflow, tmp_path):
    """Output and work folder of a run, each a disk of its own."""
    folders = tmp_path / "out", nextflow.folder / "work"
    for folder in folders:
        folder.mkdir()
    memory = ("-t", "tmpfs", "-o", "size=48m", "tmpfs")
    with mounted(*memory, folders[0]), mounted(*memory, folders[1]):
        yield folders


@contextmanager
def nearly_full(folder, left):
    """A disk on which so many bytes are left."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        for _ in range((shutil.disk_usage(folder).free - left) // 4096):
            file.write(bytes(4096))
    yield
    ballast.unlink()


def seen(atlas):
    """All that a reader may open in an atlas: files by their bytes, links by where they lead."""
    paths = [path for path in atlas.rglob("*") if path.is_symlink() or path.is_file()]
    return {p: p.readlink() if p.is_symlink() else p.read_bytes() for p in paths}


def holds(atlas, *names):
    assert validate(atlas) == []
    with open_atlas(atlas) as opened:
        assert opened.sql("SELECT dataset_id FROM cells GROUP BY ALL ORDER BY ALL")[
            "dataset_id"
        ].to_list() == list(names)


@pytest.fixture
def build(nextflow, sheet, small, disks):
    """Go on building an atlas of some rows."""

    sheets = {}

    def run(*rows, config=None):
        more = ("-c", config) if config else ()
        if len(rows) not in sheets:  # written once, or CHECK would do it again
            sheets[len(rows)] = sheet(*rows, name=f"{len(rows)}.csv")
        where = ("--outdir", disks[0], "--input", sheets[len(rows)])
        return nextflow.run(*where, *small, *more, "-resume", timeout=1800)

    return run


def error(run):
    """The first error of a failed run, which has to be one line."""
    assert run.code == 1
    lines = [line for line in run.output.splitlines() if line.startswith("ERROR ~ ")]
    return lines[0].removeprefix("ERROR ~ ")


def test_the_atlas_stays_whatever_the_disks_do(build, own, disks, tmp_path):
    out, work = disks
    atlas = out / "atlas"
    one, two, three = (own(name, seed) for seed, name in enumerate(("one", "two", "three")))
    first = build(one)
    assert first.code == 0, first.output
    was = seen(atlas)

    def stays():
        now = seen(atlas)
        assert was.items() <= now.items()
        added = {path.relative_to(atlas).parts[0] for path in now.keys() - was.keys()}
        assert added <= {"cells", "cell_mirna", "pool_mirna"}, "whole files, which none lists"
        assert not list(out.rglob("*.part"))
        holds(atlas, "one")

    # nothing is done for a folder that may only be read
    with mounted("-o", "bind,ro", out, out):
        run = build(one, two)
    assert run.tasks == []
    assert run.code == 1
    assert f"\nNothing can be written into {out} (" in run.output
    assert "(Read-only file system)" in run.output
    assert "make it writable, or give another --outdir" in run.output
    stays()

    # when it becomes so under way, all is done but published
    config = tmp_path / "becomes.config"
    mount = f"mount -o bind,ro '{out}' '{out}'"
    config.write_text(f'process {{ withName: PREDICT {{ beforeScript = "{mount}" }} }}\n')
    run = build(one, two, config=config)
    subprocess.run(["umount", out], check=True)
    assert error(run).startswith(f"{atlas} cannot be written: Read-only file system. ")
    assert "No atlas was written." in run.output
    stays()

    with nearly_full(out, 5 * MB // 2):  # the large files fit, and not the database
        run = build(one, two)
        stays()
    assert run.not_cached() == []
    assert error(run).startswith(f"{atlas} cannot be written: No space left on device. Make room")
    assert "The atlas that is there stays as it was." in error(run)
    run = build(one, two)
    assert run.code == 0, run.output
    assert run.not_cached() == []
    holds(atlas, "one", "two")

    was = seen(atlas)
    with nearly_full(work, MB):
        run = build(one, two, three)
    assert run.code == 1, run.output
    assert "failed three: FETCH: no space left on the device of " in run.output, run.output
    assert "No atlas was written." in run.output
    assert seen(atlas) == was
    run = build(one, two, three)
    assert run.code == 0, run.output
    holds(atlas, "one", "three", "two")
