"""The demo through a real Slurm: undisturbed, then with its head killed, and gone on with.

The two GPUs are stand-ins, which schedule and cannot compute, so predictions fall back to the CPU.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from nextflow_runs import Nextflow, Run, contents
from sicmir_atlas.atlas.validate import validate

USAGE = Path(__file__).parents[2] / "docs/usage.md"
PREDICTED = ("demo_blood", "demo_lung", "demo_kidney", "demo_colon", "demo_two_types")
OPTIONS = (
    *("-profile", "test,gpu,slurm", "--cpu_fallback", "--account", "lab"),
    *("--gpu_queue", "gpu", "--gpu_gres", "gpu:a100"),
    *("-executor.pollInterval", "1 sec", "-executor.queueStatInterval", "2 sec"),
)
WATCH = """\
#!/usr/bin/env bash
# In place of a step's launcher: notes where and when a step ran; predictions may be held up.
step=$1
note() { echo "$1 $step ${CUDA_VISIBLE_DEVICES-none} $(date +%s.%N)" >> "$NOTES"; }
note start
if [[ $step == predict-dataset && -e $HOLD ]]; then sleep 900; fi
"$REAL_STEP" "$@" && note end
"""


@dataclass
class Story:
    """What was seen of the two atlases."""

    whole: Run
    whole_jobs: list[dict[str, str]]
    whole_atlas: Path
    held: list[dict[str, str]]
    living: list[str]
    cancelled: list[str]
    resumed: Run
    ended: list[tuple[str, str]]
    atlas: Path
    notes: list[list[str]]


@pytest.fixture(scope="module")
def story(slurm, repo, demo_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("slurm")
    notes, hold = folder / "notes", folder / "hold"
    (folder / "sicmir-step").write_text(WATCH)
    (folder / "sicmir-step").chmod(0o755)
    whole, killed = (folder / name for name in ("whole", "killed"))
    for place in (whole, killed):
        place.mkdir()
    options = (*OPTIONS, "--input", demo_data / "datasets.csv", "--outdir", "results")

    undisturbed = Nextflow(whole, repo)
    others = {job["JobId"] for job in slurm.jobs()}
    first = undisturbed.run(*options, "--job_array", "2", **slurm.environment)
    assert first.code == 0, first.output
    jobs = [job for job in slurm.jobs() if job["JobId"] not in others]
    ended = len(slurm.ended())

    nextflow = Nextflow(killed, repo)
    env = {
        **slurm.environment,
        "NOTES": str(notes),
        "HOLD": str(hold),
        "REAL_STEP": str(repo / "bin/sicmir-step"),
    }
    hold.touch()
    head = nextflow.start(*options, PATH_FIRST=[str(folder)], **env)
    try:
        held = wait_until_held(slurm, head)
    finally:
        os.killpg(head.pid, signal.SIGKILL)
        head.wait(timeout=60)
    hold.unlink()
    time.sleep(2)
    living = slurm("squeue", "-h", "-o", "%j").split()
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", documented("scancel")],
        cwd=killed,
        env=nextflow.environment(**slurm.environment),
        check=True,
    )
    wait_until(lambda: not slurm("squeue", "-h"))
    cancelled = [name for name, state in slurm.ended()[ended:] if state == "CANCELLED"]
    resumed = nextflow.run(*options, "-resume", PATH_FIRST=[str(folder)], **env)
    assert resumed.code == 0, resumed.output
    return Story(
        *(first, jobs, whole / "results/atlas", held, living, cancelled, resumed),
        *(slurm.ended()[ended:], killed / "results/atlas"),
        notes=[line.split() for line in notes.read_text().splitlines()],
    )


def wait_until(ready, seconds=400):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.5)


def wait_until_held(slurm, head):
    """Wait until predictions alone are left, all of them submitted; give their jobs."""
    held = []

    def ready():
        assert head.poll() is None
        held[:] = [j for j in slurm.jobs() if j["JobState"] in ("RUNNING", "PENDING", "COMPLETING")]
        predicting = [j for j in held if j["JobName"].startswith("nf-ATLAS_PREDICT")]
        return len(predicting) == len(held) == len(PREDICTED) and not any(
            job["Reason"] == "None" and job["JobState"] == "PENDING" for job in held
        )

    wait_until(ready)
    time.sleep(5)  # the head has seen what ended before
    return held


def documented(command):
    """Give the block of shell in the docs that runs a command."""
    blocks = re.findall(r"^```sh\n(.*?)^```", USAGE.read_text(), re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if command in block]
    return found


def test_the_whole_demo(story):
    assert "Datasets: 4 included, 2 excluded, 0 failed" in story.whole.output
    assert validate(story.whole_atlas) == []
    steps = {task["name"].removeprefix("ATLAS:").split(" ")[0] for task in story.whole.tasks}
    assert {"CHECK", "RESOLVE", "FETCH", "PREPARE", "PREDICT", "CONSOLIDATE"} <= steps
    submitted = [task for task in story.whole.tasks if task["name"] != "ATLAS:PUBLISH"]
    assert all(re.fullmatch(r"\d+(_\d+)?", task["native_id"]) for task in submitted)
    assert {job["Account"] for job in story.whole_jobs} == {"lab"}


def job_id(job):
    in_array = "ArrayJobId" in job
    return f"{job['ArrayJobId']}_{job['ArrayTaskId']}" if in_array else job["JobId"]


def test_gpu_tasks_alone_hold_gres(story):
    gpu = [job for job in story.whole_jobs if "TresPerNode" in job]
    assert {job["TresPerNode"] for job in gpu} == {"gres:gpu:a100:1"}
    assert {job["Partition"] for job in gpu} == {"gpu"}
    predicted = {t["native_id"] for t in story.whole.tasks if "PREDICT" in t["name"]}
    assert {job_id(job) for job in gpu} == predicted
    assert len(predicted) == len(PREDICTED)
    assert {j["Partition"] for j in story.whole_jobs if j not in gpu} == {"cpu"}


def test_job_arrays(story):
    """Of two each, where asked; and of nothing but the steps for which it makes sense."""
    arrays = defaultdict(set)
    for task in story.whole.tasks:
        if "_" in task["native_id"]:
            arrays[task["name"].split(":")[1].split(" ")[0]].add(task["native_id"].split("_")[0])
    assert set(arrays) == {"PREPARE", "PREDICT"}
    assert len(arrays["PREDICT"]) == 2, "and the fifth is a job of its own"


def test_two_gpus_are_never_exceeded(story):
    states = Counter((job["JobState"], job["Reason"]) for job in story.held)
    assert states["RUNNING", "None"] == 2
    assert sum(n for (state, _), n in states.items() if state == "PENDING") == 3
    assert states["PENDING", "Resources"] >= 1, "which waits for a GPU: cores and memory are left"
    holding, most = Counter(), Counter()
    for moment, step, devices, _ in sorted(story.notes, key=lambda note: float(note[3])):
        if step == "--version":  # after any step, in the same job
            continue
        if step != "predict-dataset":
            assert devices == "none", step
            continue
        assert devices in {"0", "1"}
        holding[devices] += 1 if moment == "start" else -1
        most[devices] = max(most[devices], holding[devices])
    # two were cancelled in the middle, one on each
    assert most == {"0": 2, "1": 2}


def test_a_killed_head_is_gone_on_with(story):
    predictions = {f"nf-ATLAS_PREDICT_({name})" for name in PREDICTED}
    assert set(story.living) == predictions, "jobs of a killed head live on"
    assert set(story.cancelled) == predictions
    assert story.resumed.not_cached() == sorted(
        [f"PREDICT ({name})" for name in PREDICTED] + ["CONSOLIDATE", "REPORT", "VALIDATE"]
    )
    completed = Counter(name for name, state in story.ended if state == "COMPLETED")
    assert set(completed.values()) == {1}, "nothing runs twice to the end"
    assert predictions < set(completed)
    assert contents(story.atlas) == contents(story.whole_atlas)
    assert validate(story.atlas) == []
