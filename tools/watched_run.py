"""One run of the pipeline, with its head watched: what it cost, and what it left."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Watched", "collected", "seconds", "steps_of", "watched"]

ROOT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
MB = 1 << 20
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
BYTES = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


@dataclass
class Watched:
    """What one run cost; the head is the Java process alone, the tasks are its children."""

    wall_s: float
    head_cpu_s: float
    tasks_cpu_s: float
    head_peak_mb: float
    heap_mb: float
    cores: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    steps: dict[str, dict[str, float]] = field(default_factory=dict)
    kb: dict[str, float] = field(default_factory=dict)
    output: str = field(default="", repr=False)


def watched(
    folder: Path, *options: str | Path, main: Path = ROOT / "main.nf", **environment: str
) -> Watched:
    """Run the pipeline in a folder, which gets its `results` and `work`."""
    log = folder / "gc.txt"
    opts = f"{os.environ.get('NXF_OPTS', '')} -Xlog:gc:file={log}"
    path = {"PATH": f"{os.environ['PATH']}{os.pathsep}{ROOT / 'bin'}"}
    start = time.monotonic()
    with (folder / "out.txt").open("w") as out:
        head = subprocess.Popen(
            [ROOT / "tools/nextflow", "run", main, "--outdir", "results", "-w", "work", *options],
            cwd=folder,
            env={**os.environ, **path, **environment, "NXF_OPTS": opts, "NXF_ANSI_LOG": "false"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    cpu, peak, usage = 0.0, 0.0, None
    while usage is None:
        time.sleep(0.1)
        with suppress(OSError, ValueError):  # it may have just ended
            cpu, peak = max(cpu, cpu_of(head.pid)), max(peak, peak_of(head.pid))
        ended, status, used = os.wait4(head.pid, os.WNOHANG)
        usage = used if ended else None
    head.returncode = os.waitstatus_to_exitcode(status)
    done = Watched(
        wall_s=time.monotonic() - start,
        head_cpu_s=cpu,
        tasks_cpu_s=usage.ru_utime + usage.ru_stime - cpu,
        head_peak_mb=peak,
        heap_mb=collected(log.read_text()),
        output=(folder / "out.txt").read_text(),
    )
    if head.returncode:
        raise subprocess.CalledProcessError(head.returncode, "nextflow run", done.output)
    left = folder / "results/pipeline_info"
    done.steps = steps_of(left / "trace.txt")
    done.kb = {name: (left / name).stat().st_size / 1024 for name in FILES}
    done.kb["cache"] = size(folder / ".nextflow/cache") / 1024
    return done


FILES = ("trace.txt", "report.html", "timeline.html")


def cpu_of(pid: int) -> float:
    """Seconds of one process and its threads, without children."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / TICKS


def peak_of(pid: int) -> float:
    """Most resident memory that one process ever had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def collected(log: str) -> float:
    """Give the most that a collection of garbage left on the heap, in MB."""
    return max((float(left) for left in re.findall(r"Pause .*?\d+M->(\d+)M\(", log)), default=0.0)


def steps_of(trace: Path) -> dict[str, dict[str, float]]:
    """By step: tasks, seconds and CPU seconds of all of them, and the most memory of one, in MB."""
    with trace.open() as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    assert {row["status"] for row in rows} == {"COMPLETED"}, Counter(r["status"] for r in rows)
    steps: dict[str, dict[str, float]] = {}
    for row in rows:
        step = steps.setdefault(
            row["process"].split(":")[-1], {"n": 0, "s": 0.0, "cpu_s": 0.0, "mb": 0.0}
        )
        step["n"] += 1
        step["s"] += seconds(row["realtime"])
        step["cpu_s"] += seconds(row["realtime"]) * share(row["%cpu"])
        step["mb"] = max(step["mb"], megabytes(row["peak_rss"]))
    return steps


def seconds(text: str) -> float:
    """Give the seconds of Nextflow's `1h 2m 3.4s`; none of `-`."""
    return sum(float(n) * UNITS[unit] for n, unit in re.findall(r"([\d.]+)(ms|[smhd])", text))


def share(text: str) -> float:
    """Cores that were busy, of Nextflow's `150.2%`; none of `-`."""
    return float(text.rstrip("%")) / 100 if text.endswith("%") else 0.0


def megabytes(text: str) -> float:
    number, _, unit = text.partition(" ")
    return float(number) * BYTES[unit] / MB if unit else 0.0


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
