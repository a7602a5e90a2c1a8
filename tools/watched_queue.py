"""The queue of a one-node Slurm while a run goes on: what waits, what runs, who asks how often."""

from __future__ import annotations

import os
import shutil
import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

from debian import install
from one_node_slurm import COMMANDS, PACKAGES, OneNodeSlurm

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["WatchedQueue", "longest_gap", "most_within", "one_node"]

COUNTED = ("sbatch", "squeue")
COUNTER = """\
#!/bin/sh
date +%s.%N >> '{log}'
exec '{command}' "$@"
"""


def one_node() -> OneNodeSlurm:
    """Give a Slurm that believes in more cores and memory than this machine has."""
    install(COMMANDS, PACKAGES)
    return OneNodeSlurm(cpus=64, memory_mb=1 << 20)


class WatchedQueue:
    """Looks at the queue once a second, and counts what a run calls."""

    def __init__(self, slurm: OneNodeSlurm, folder: Path) -> None:
        self.slurm, self.folder = slurm, folder
        self.seen: list[tuple[float, int, int]] = []
        """Moment, jobs that wait, jobs that run; the tasks of a job array are jobs of their own."""
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._look)

    @property
    def environment(self) -> dict[str, str]:
        """What a run needs to be watched."""
        return {**self.slurm.environment, "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}"}

    def __enter__(self) -> Self:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name in COUNTED:
            script, log = self.folder / name, self.folder / f"{name}.log"
            script.write_text(COUNTER.format(log=log, command=shutil.which(name)))
            script.chmod(0o755)
            log.touch()
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    def _look(self) -> None:
        while not self.ended.wait(1):
            states = self.slurm("squeue", "-h", "-r", "-o", "%T").split()
            waiting = states.count("PENDING")
            self.seen.append((time.time(), waiting, states.count("RUNNING")))

    def calls(self, name: str) -> list[float]:
        """Moments at which a command of Slurm was called."""
        return [float(line) for line in (self.folder / f"{name}.log").read_text().split()]

    def figures(self) -> dict[str, Any]:
        """What was seen, and what it comes to."""
        begin = self.seen[0][0]
        return {
            "seen": [(round(moment - begin, 1), *jobs) for moment, *jobs in self.seen],
            "most_waiting": max(waiting for _, waiting, _ in self.seen),
            "most_running": max(running for _, _, running in self.seen),
            "most": max(waiting + running for _, waiting, running in self.seen),
            "gap_s": longest_gap(self.seen),
            "most_submitted_in_a_second": most_within(self.calls("sbatch"), 1.0),
            **{name: len(self.calls(name)) for name in COUNTED},
        }


def longest_gap(seen: list[tuple[float, int, int]]) -> float:
    """Longest time, in seconds, with nothing in the queue between the first job and the last."""
    busy = [moment for moment, waiting, running in seen if waiting + running]
    looks = [moment for moment, _, _ in seen if busy[0] <= moment <= busy[-1]]
    empty = [b - a for a, b in pairwise(busy) if any(a < moment < b for moment in looks)]
    return max(empty, default=0.0)


def most_within(moments: list[float], seconds: float) -> int:
    """Most of some moments that lie within so many seconds."""
    ordered = sorted(moments)
    return max(
        (
            sum(1 for other in ordered[i:] if other < moment + seconds)
            for i, moment in enumerate(ordered)
        ),
        default=0,
    )
