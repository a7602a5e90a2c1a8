"""What Slurm's own limits end is tried again with more, and told where that does not help."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

# Slurm may warn of a job's end a minute too early
CONFIG = """
process {
    cpus   = 1
    memory = { 200.MB * task.attempt }
    time   = { 3.min * task.attempt }
    withName: SLOW { time = { task.attempt == 1 ? 1.min : 4.min } }
    withName: ENDLESS { time = { 1.min * task.attempt } }
}
executor {
    pollInterval      = '1 sec'
    queueStatInterval = '2 sec'
    exitReadTimeout   = '5 sec'
}
"""
GONE = "-"  # the exit code of whom Slurm killed before it could write one
MORE = [("200M", "00:03:00"), ("400M", "00:06:00")]


def test_tried_again_with_more(nextflow, slurm, tmp_path):
    config = tmp_path / "small.config"
    config.write_text(CONFIG)
    before = len(slurm.jobs())
    run = nextflow.run(
        *("-c", nextflow.root / "nextflow.config", "-c", config, "-profile", "slurm"),
        main=Path(__file__).parent / "faults.nf",
        **slurm.environment,
    )
    tries, given = defaultdict(list), defaultdict(list)
    for task in sorted(run.tasks, key=lambda task: int(task["attempt"])):
        tries[task["name"]].append((task["status"], task["exit"]))
    assert tries == {
        "EXITS (137)": [("FAILED", "137"), ("COMPLETED", "0")],
        "EXITS (140)": [("FAILED", "140"), ("COMPLETED", "0")],
        "HUNGRY (300 MB)": [("FAILED", GONE), ("COMPLETED", "0")],
        "SLOW (40 s)": [("FAILED", "140"), ("COMPLETED", "0")],
        "ENDLESS (600 s)": [("FAILED", "140"), ("FAILED", "140")],
    }, run.output
    for job in slurm.jobs()[before:]:
        given[job["JobName"]].append((job["MinMemoryNode"], job["TimeLimit"]))
    assert given.pop("nf-SLOW_(40_s)") == [("200M", "00:01:00"), ("400M", "00:04:00")]
    assert given.pop("nf-ENDLESS_(600_s)") == [("200M", "00:01:00"), ("400M", "00:02:00")]
    assert len(given) == 3
    assert all(asked == MORE for asked in given.values())
    logs = [log.read_text() for log in (nextflow.folder / "work").glob("*/*/.command.log")]
    assert sum("Exceeded job memory limit" in log for log in logs) == 1, "Slurm's own kill"

    assert run.code == 1
    (note,) = (nextflow.folder / "work/failures").rglob("*.txt")
    assert note.read_text() == "ENDLESS: out of time: it had 2m (try 2)\n"
