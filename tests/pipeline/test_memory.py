"""What a step asks for follows its data, as the docs say, and holds what the step takes."""

from __future__ import annotations

import os
import re
from pathlib import Path

import anndata as ad
import pandas as pd
import pytest

import thirty

USAGE = Path(__file__).parents[2] / "docs/usage.md"
MB = 1 << 20
GIVEN = {
    "PREPARE": ("fetched",),
    "PREDICT": ("prepared",),
    "CONSOLIDATE": ("shards", "existing"),
    "VALIDATE": ("atlas",),
    "REPORT": ("atlas", "previous"),
}
ONCE_KILLED = """\
#!/usr/bin/env bash
# In place of a step's launcher: the first preparation of one dataset is killed for its memory.
if [[ $1 == prepare ]] && grep -q '"small"' dataset.json && mkdir "$KILLED" 2> /dev/null; then
    exit 137
fi
exec "$REAL_STEP" "$@"
"""
RAW = "trace { raw = true; fields = 'process,name,status,attempt,workdir,memory,peak_rss' }\n"


def documented():
    """Read the formulas in the docs: by step, some bytes, and a share of those that it gets."""
    table = USAGE.read_text().split("<!-- memory -->")[1].split("<!-- end -->")[0]
    rows = re.findall(r"^\| ([A-Z, ]+) \| (\d+) GB(?: \+ ([\d.]+) ×)?", table, re.MULTILINE)
    return {
        step: (int(first) * 1024 * MB, float(share or 0))
        for steps, first, share in rows
        for step in steps.split(", ")
    }


def bytes_of(place):
    if place.is_file():
        return place.stat().st_size
    found = os.walk(place, followlinks=True)
    if place.name not in {"fetched", "prepared"}:
        found = ((folder, [], files) for folder, folders, files in found if "cells" in folders)
    return sum((Path(folder) / name).stat().st_size for folder, _, files in found for name in files)


@pytest.fixture
def rows(own):
    """Two datasets, of which one is 25 times the other."""
    both = [own("small", 0), own("large", 1)]
    counts, cells = thirty.counts(1, 1500)
    var = pd.DataFrame(index=thirty.symbols())
    ad.AnnData(counts, obs=cells, var=var).write_h5ad(both[1]["url"])
    return both


@pytest.mark.parametrize("parser", ["v1", "v2"])
def test_memory_follows_the_data(nextflow, rows, sheet, small, tmp_path, parser):  # noqa: PLR0917
    killer, config = tmp_path / "killer", tmp_path / "raw.config"
    killer.mkdir()
    (killer / "sicmir-step").write_text(ONCE_KILLED)
    (killer / "sicmir-step").chmod(0o755)
    config.write_text(RAW)
    options = ("-c", config, "--outdir", "out", *small, "--input", sheet(*rows))
    env = {
        "PATH_FIRST": [str(killer)],
        "KILLED": str(tmp_path / "killed"),
        "REAL_STEP": str(nextflow.root / "bin/sicmir-step"),
        "NXF_SYNTAX_PARSER": parser,
    }
    run = nextflow.run(*options, **env)
    assert run.code == 0, run.output
    formulas, seen = documented(), {}
    for task in run.tasks:
        step = task["process"].removeprefix("ATLAS:")
        if step == "PUBLISH":
            continue
        work, attempt = Path(task["workdir"]), int(task["attempt"])
        first, share = formulas[step]
        data = sum(bytes_of(work / part) for part in GIVEN.get(step, ()))
        asked = int(task["memory"])
        assert abs(asked - (first + share * data) * attempt) <= attempt, task
        taken = int(task["peak_rss"]) if task["status"] == "COMPLETED" else 0
        assert taken < asked, task
        name = task["name"].removeprefix("ATLAS:")
        seen[name, attempt] = asked
        if name in {"PREPARE (large)", "PREDICT (large)"}:  # of those in a moment little is seen
            assert taken > 60 * MB, task
    assert seen["PREPARE (small)", 2] == 2 * seen["PREPARE (small)", 1]
    assert seen["PREPARE (large)", 1] > seen["PREPARE (small)", 1] + 10 * MB
    assert seen["PREDICT (large)", 1] > seen["PREDICT (small)", 1] + 10 * MB
    assert ("PREPARE (large)", 2) not in seen

    # what is asked for is no part of a task: with another limit nothing runs again
    config.write_text(RAW + "process.resourceLimits = [memory: '900.MB']\n")
    again = nextflow.run(*options, "-resume", **env)
    assert again.not_cached() == ["REPORT"], again.output  # the build before is another now
    (report,) = [task for task in again.tasks if task["name"] == "ATLAS:REPORT"]
    assert int(report["memory"]) == 900 * MB


SBATCH = """\
#!/usr/bin/env bash
# In place of Slurm's: runs what it is given, all tasks of an array, and keeps it.
script=${!#}
cp "$script" "$(mktemp "$JOBS/XXXXXX")"
last=$(sed -n 's/^#SBATCH --array 0-\\([0-9]*\\).*/\\1/p' "$script")
cd "$(dirname "$script")"
for i in $(seq 0 "${last:-0}"); do
    SLURM_ARRAY_TASK_ID=$i bash "$script" > ".command.log.$i" 2>&1 &
done
echo "Submitted batch job $$"
"""


def test_an_array_asks_alike_for_all(nextflow, sheet, tmp_path):
    """It is submitted without the data of any of its tasks."""
    slurm, jobs = tmp_path / "slurm", tmp_path / "jobs"
    slurm.mkdir()
    jobs.mkdir()
    quiet = "#!/bin/sh\n"
    for name, script in {"sbatch": SBATCH, "squeue": quiet, "scancel": quiet}.items():
        (slurm / name).write_text(script)
        (slurm / name).chmod(0o755)
    row = {"source": "url", "url": "https://example.org/b.h5ad"}
    run = nextflow.run(
        *("--input", sheet({"dataset_id": "one", **row}, {"dataset_id": "two", **row})),
        *("-stub-run", "-profile", "slurm", "--job_array", "2"),
        *("-executor.pollInterval", "500 ms", "-executor.queueStatInterval", "1 sec"),
        PATH_FIRST=[str(slurm)],
        JOBS=str(jobs),
    )
    assert run.code == 0, run.output
    asked = {}
    for job in jobs.iterdir():
        lines = job.read_text()
        (name,) = re.findall(r"^#SBATCH -J nf-ATLAS_([A-Z]+)", lines, re.MULTILINE)
        (memory,) = re.findall(r"^#SBATCH --mem (\w+)", lines, re.MULTILINE)
        asked.setdefault(name, set()).add((memory, "#SBATCH --array 0-1" in lines))
    assert asked["PREPARE"] == asked["PREDICT"] == {("12288M", True)}
    assert asked["FETCH"] == {("2048M", False)}
