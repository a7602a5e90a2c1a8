"""Measure how runs of many datasets scale: their head, their seconds, their queue.

    tools/scaling_benchmark.py FOLDER --stub 30 100 300 --real 60 --slurm 100 --staged 10000

All datasets are simulated. Figures go into docs/figures/scaling.json, where a run replaces those of
the same run before, and from there into the tables of docs/scaling.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from shutil import rmtree
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from gathered import gathered
from scaling_tables import with_tables
from simulated_datasets import described, write, write_sheet
from watched_queue import WatchedQueue, one_node
from watched_run import ROOT, Watched, watched

KEPT, PAGE = ROOT / "docs/figures/scaling.json", ROOT / "docs/scaling.md"
OF_DATASETS = ("RESOLVE", "FETCH", "PREPARE", "PREDICT")
OF_THE_ATLAS = ("CHECK", "CONSOLIDATE", "VALIDATE", "REPORT", "PUBLISH")
OVERLAPPING = ("-executor.cpus", "16", "-executor.memory", "1 TB")
"""Stub tasks wait more than they work, so that many of them may run at a time."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    for kind, measure in KINDS.items():
        about = measure.__doc__.splitlines()[0]
        parser.add_argument(f"--{kind}", type=int, nargs="+", default=[], metavar="N", help=about)
    parser.add_argument("--job-array", type=int, default=0, help="tasks in one job array of Slurm")
    parser.add_argument("--lookups", type=int, default=2, help="RESOLVE tasks at a time in Slurm")
    chosen = parser.parse_args()
    folder = chosen.folder.resolve()
    figures = json.loads(KEPT.read_text())
    for kind, measure in KINDS.items():
        for n in getattr(chosen, kind):
            place = folder / f"{kind}-{n}"
            rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            how = f" {chosen.lookups} {chosen.job_array}" if kind == "slurm" else ""
            figures[f"{kind} {n}{how}"] = {"n": n, **measure(place, n, chosen)}
            KEPT.write_text(as_json(figures))
            print(f"{kind} {n}{how}: measured")
    PAGE.write_text(with_tables(PAGE.read_text(), figures))


def as_json(figures: dict[str, Any]) -> str:
    """A line for each run."""
    lines = (f"{json.dumps(name)}: {json.dumps(run)}" for name, run in figures.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def stub(place: Path, n: int, _chosen: argparse.Namespace) -> dict[str, Any]:
    """Walk the line with stubs, on this machine."""
    sheet = write_sheet(place / "datasets.csv", [described(place, i) for i in range(n)])
    return checked(watched(place, "--input", sheet, "-stub-run", *OVERLAPPING), n)


def real(place: Path, n: int, _chosen: argparse.Namespace) -> dict[str, Any]:
    """Build an atlas of small datasets, on this machine."""
    data = place.parent / "data"
    sheet = write_sheet(place / "datasets.csv", [write(data, i) for i in range(n)])
    return checked(watched(place, "--input", sheet, "-profile", "test"), n)


def slurm(place: Path, n: int, chosen: argparse.Namespace) -> dict[str, Any]:
    """Walk the line with stubs, through a Slurm of one node."""
    sheet = write_sheet(place / "datasets.csv", [described(place, i) for i in range(n)])
    how = {"max_lookups": chosen.lookups, "job_array": chosen.job_array}
    options = [word for name, value in how.items() for word in (f"--{name}", str(value))]
    options += ["--input", str(sheet), "-stub-run", "-profile", "test,slurm"]
    with one_node() as node, WatchedQueue(node, place / "calls") as queue:
        done = checked(watched(place, *options, **queue.environment), n)
    return {**done, **how, "queue": queue.figures()}


def gather(place: Path, n: int, _chosen: argparse.Namespace) -> dict[str, Any]:
    """Put copies of one dataset of a real run together, under new names."""
    made = sorted(place.parent.glob("real-*/work/*/*/shard/simulated_000"))
    return {"steps": gathered(place, made[0], n)}


def staged(place: Path, n: int, _chosen: argparse.Namespace) -> dict[str, Any]:
    """Hand the results of many datasets to one stub of CONSOLIDATE."""
    for i in range(n):
        for kind, file in (("facts", "facts.json"), ("shards", "shard.json")):
            folder = place / "given" / kind / f"simulated_{i:05d}"
            folder.mkdir(parents=True)
            (folder / file).write_text("{}")
    (place / "checked.json").write_text("[]")
    options = ("--input", place / "checked.json", "--results", place / "given", "-stub-run")
    settings = ("-c", ROOT / "nextflow.config")
    done = watched(place, *options, *settings, main=ROOT / "tools/staged.nf")
    assert done.steps["CONSOLIDATE"]["n"] == 1
    files = {path.name: path.stat().st_size / 1024 for path in place.glob("work/*/*/.command.*")}
    return {**figures_of(done), "files": files}


KINDS = {"stub": stub, "real": real, "slurm": slurm, "gather": gather, "staged": staged}


def checked(done: Watched, n: int) -> dict[str, Any]:
    """Refuse figures of a run that did not do all of its work."""
    assert f"Datasets: {n} included, 0 excluded, 0 failed" in done.output, done.output
    expected = dict.fromkeys(OF_DATASETS, n) | dict.fromkeys(OF_THE_ATLAS, 1)
    assert {step: figures["n"] for step, figures in done.steps.items()} == expected
    return figures_of(done)


def figures_of(done: Watched) -> dict[str, Any]:
    return {name: value for name, value in asdict(done).items() if name != "output"}


if __name__ == "__main__":
    main()
