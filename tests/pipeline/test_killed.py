"""A run that dies, at whatever moment, leaves the previous atlas whole, and can be gone on with."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time

import pytest

from sicmir_atlas.atlas.query import open_atlas
from sicmir_atlas.atlas.validate import validate

pytestmark = pytest.mark.slow

STEPS = (
    *("check", "checksum", "resolve", "fetch", "prepare"),
    *("predict-dataset", "consolidate", "validate"),
)
KILLER = """\
#!/usr/bin/env bash
# In place of a step's launcher: one step ends the run's whole process group, as a reboot does.
if [ "$1" = "$KILL_AT" ]; then
    kill -KILL -- "-$(cat "$RUN_PID")"
fi
exec "$REAL_STEP" "$@"
"""


def content(atlas):
    """What a reader of the atlas sees: every file that the manifest lists, and the status."""
    manifest = json.loads((atlas / "manifest.json").read_text())
    with open_atlas(atlas) as opened:
        rows = opened.sql("SELECT dataset_id, status FROM datasets ORDER BY ALL").to_dict("list")
    return rows, {e["path"]: (atlas / e["path"]).read_bytes() for e in manifest["files"]}


def exchanged(atlas):
    """When the build was exchanged last."""
    link = atlas / "current"
    return link.lstat().st_mtime_ns if link.is_symlink() else None


def test_killed_at_every_step(nextflow, sheet, own, small, tmp_path):
    out, killer = tmp_path / "out", tmp_path / "killer"
    options = ("--outdir", out, *small, "--input")
    assert nextflow.run(*options, sheet(own("one", 0), own("two", 1))).code == 0
    before = content(out / "atlas")
    killer.mkdir()
    (killer / "sicmir-step").write_text(KILLER)
    (killer / "sicmir-step").chmod(0o755)
    after = sheet(own("one", 0), own("two", 2), own("three", 3), name="after.csv")
    extend = ("--atlas", out / "atlas", *options)

    def kill(step, samplesheet):
        pid = tmp_path / "pid"
        pid.unlink(missing_ok=True)
        run = nextflow.start(
            *(*extend, samplesheet, "-resume"),
            PATH_FIRST=[str(killer)],
            KILL_AT=step,
            RUN_PID=str(pid),
            REAL_STEP=str(nextflow.root / "bin/sicmir-step"),
        )
        pid.write_text(str(run.pid))
        assert run.wait(timeout=300) == -signal.SIGKILL, step
        assert validate(out / "atlas") == [], step

    for step in STEPS:
        kill(step, after)
        assert content(out / "atlas") == before, step

    finished = nextflow.run(*extend, after, "-resume")
    assert finished.code == 0, finished.output
    assert finished.statuses()["PREPARE (three)"] == "CACHED", "what was done is not done again"
    anew = nextflow.run("--outdir", tmp_path / "anew", *small, "--input", after)
    assert anew.code == 0, anew.output
    whole = content(out / "atlas")
    assert whole == content(tmp_path / "anew/atlas")

    kill("report", sheet(own("one", 0)))  # while the page is made the atlas may be published
    last = content(out / "atlas")
    assert last == whole or last[0]["dataset_id"] == ["one"]


def read(atlas):
    """What a reader finds who opens an atlas once; it has to be of one build."""
    with open_atlas(atlas) as opened:
        told = opened.sql("SELECT dataset_id FROM datasets ORDER BY ALL")["dataset_id"]
        cells = opened.sql("SELECT DISTINCT dataset_id FROM cells ORDER BY ALL")["dataset_id"]
    assert told.to_list() == cells.to_list()
    return " ".join(told)


def test_read_and_killed_while_it_is_published(nextflow, sheet, own, small, tmp_path):
    """Two atlases are published in turn, over and over, until the process is killed."""
    built = []
    for name, rows in (("a", [own("one", 0)]), ("b", [own("one", 0), own("two", 1)])):
        out = tmp_path / name
        run = nextflow.run("--outdir", out, *small, "--input", sheet(*rows))
        assert run.code == 0, run.output
        built.append(out / "atlas")
    whole = [content(atlas) for atlas in built]
    main, out = tmp_path / "main.nf", tmp_path / "out"
    main.write_text(
        f"""
        include {{ publishAtlas }} from '{nextflow.root}/subworkflows/local/utils/folders'
        workflow {{
            def plain = [file('{built[0]}/current'), file('{built[1]}/current')]
            (0..<100000).each {{ i ->
                publishAtlas(plain[i % 2], file('{out}'))
                file('{out}/builds').eachFile {{ f ->
                    def shown = file('{out}/current').toRealPath()
                    if (!params.keep && f.toRealPath() != shown) {{ f.deleteDir() }}
                }}
            }}
        }}
        """
    )
    links = shutil.ignore_patterns("builds", "current")
    shutil.copytree(built[1], out, ignore=links)  # holds the large files of both
    run = nextflow.start("--keep", main=main)
    times, found = set(), set()
    while len(times) < 20:
        assert run.poll() is None
        if not exchanged(out):
            time.sleep(0.1)
            continue
        assert validate(out) == []
        found.add(read(out))
        times.add(exchanged(out))
    os.killpg(run.pid, signal.SIGKILL)
    run.wait(timeout=60)
    assert found == {"one", "one two"}

    moments = random.Random(0)
    seen = []
    for _ in range(12):
        run = nextflow.start(main=main)
        before = exchanged(out)
        while exchanged(out) == before:
            assert run.poll() is None
            time.sleep(0.01)
        time.sleep(moments.random() / 2)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait(timeout=60)
        assert validate(out) == []
        seen.append(whole.index(content(out)))
    assert set(seen) == {0, 1}
