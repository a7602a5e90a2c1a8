"""Measure what memory the steps take at most: FOLDER, which needs 5 GB.

Simulated datasets of growing size go through the steps, one process at a time. Writes
docs/figures/memory.tsv, from which tools/memory_docs.py makes a figure and tables.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs/figures/memory.tsv"
STEP = ROOT / "bin/sicmir-step"
SERIES = {
    "h5ad": (2_000, 20_000, 100_000),
    "h5ad gzip": (2_000, 20_000, 100_000),
    "h5ad gzip, no labels": (2_000, 20_000, 60_000),
    "h5ad gzip, deep": (2_000, 10_000),
    "10x h5": (2_000, 20_000),
    "10x h5, unfiltered": (2_000, 8_000),
    "mtx.gz": (2_000, 20_000),
    "csv.gz": (2_000, 6_000),
}
N_DATASETS = (10, 50, 150)


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    peaks = Peaks(folder)
    for series, sizes in SERIES.items():
        for n_cells in sizes:
            one(peaks, series, n_cells)
    for n in N_DATASETS:
        run(ROOT / "tools/memory_shards.py", folder / "prepared", n, folder / "many")
        gather(peaks, "datasets", n, folder / "many")
        shutil.rmtree(folder / "many")


@dataclass
class Peaks:
    """What was measured so far."""

    folder: Path
    rows: list[dict[str, object]] = field(default_factory=list)

    def note(self, step: str, series: str, n: int, size: int, *command: object) -> None:
        """Run a command of a step, and write down what it took."""
        peak = peak_of(*command)
        row = {"step": step, "series": series, "n": n, "bytes": size, "peak": peak}
        print(*row.values(), sep="\t", flush=True)
        self.rows.append(row)
        with TABLE.open("w", newline="") as out:
            writer = csv.DictWriter(out, list(row), delimiter="\t", lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)


def one(peaks: Peaks, series: str, n: int) -> None:
    """Take one dataset through its steps."""
    folder = peaks.folder / "one"
    run(ROOT / "tools/memory_data.py", series, n, folder)
    row, facts = folder / "dataset.json", folder / "facts/simulated"
    fetched, prepared = folder / "fetched", folder / "prepared"
    run(STEP, "resolve", "--dataset", row, "-o", folder / "facts")
    about = ("--files", facts / "files.json")
    data = folder / "data"
    peaks.note("FETCH", series, n, bytes_in(data), "fetch", *about, "-o", fetched)
    about = ("--dataset", row, "--facts", facts / "facts.json", "--fetched", fetched)
    peaks.note("PREPARE", series, n, bytes_in(fetched), "prepare", *about, "-o", prepared)
    about = ("--prepared", prepared, "-o", folder / "shards/simulated")
    peaks.note("PREDICT", series, n, bytes_in(prepared), "predict-dataset", *about)
    if series == "h5ad":
        (folder / "checked.json").write_text(f"[{row.read_text()}]")
        gather(peaks, "one dataset", n, folder)
    if not (peaks.folder / "prepared").exists():
        prepared.rename(peaks.folder / "prepared")
    shutil.rmtree(folder)


def gather(peaks: Peaks, series: str, n: int, folder: Path) -> None:
    """Make an atlas of shards."""
    atlas, shards = folder / "atlas", folder / "shards"
    about = ("--datasets", folder / "checked.json", "--facts", folder / "facts", "--shards", shards)
    size = sum(map(bytes_of_tables, shards.iterdir()))
    peaks.note("CONSOLIDATE", series, n, size, "consolidate", *about, "-o", atlas)
    size = bytes_of_tables(atlas)
    peaks.note("VALIDATE", series, n, size, "validate", atlas)
    peaks.note("REPORT", series, n, size, "report", atlas, "-o", folder / "report.html")


def run(*command: object) -> None:
    subprocess.run([sys.executable, *map(str, command)], check=True, env=environment())


def peak_of(*command: object) -> int:
    """Bytes of memory that a step took at most; this process is smaller, or it would count."""
    step = subprocess.Popen([sys.executable, STEP, *map(str, command)], env=environment())
    _, status, usage = os.wait4(step.pid, 0)
    step.returncode = os.waitstatus_to_exitcode(status)
    if step.returncode:
        raise subprocess.CalledProcessError(step.returncode, str(command))
    return usage.ru_maxrss * 1024


def environment() -> dict[str, str]:
    """What conf/base.config gives tasks."""
    block = (ROOT / "conf/base.config").read_text().partition("\nenv {")[2].partition("\n}")[0]
    given = dict(re.findall(r"(\w+)\s+= '(.*)'", block))
    return {**os.environ, "PYTHONPATH": str(ROOT / "bin"), **given}


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def bytes_of_tables(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


if __name__ == "__main__":
    main()
