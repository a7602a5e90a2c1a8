"""Runs of Nextflow, each in a folder of its own, and what they read."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@dataclass
class Run:
    """One finished `nextflow run`."""

    code: int
    output: str
    tasks: list[dict[str, str]] = field(default_factory=list)

    def statuses(self):
        """Map step (dataset) to how its last try ended."""
        return {task["name"].removeprefix("ATLAS:"): task["status"] for task in self.tasks}

    def not_cached(self):
        """Give the tasks that really ran, PUBLISH apart, which always does."""
        return sorted(
            name
            for name, status in self.statuses().items()
            if status != "CACHED" and name != "PUBLISH"
        )


@dataclass
class Nextflow:
    """Runs Nextflow in a folder of its own, with this Python first on PATH."""

    folder: Path
    root: Path
    count: int = 0

    def environment(self, **more):
        here = str(Path(sys.executable).parent)
        path = os.pathsep.join([*more.pop("PATH_FIRST", []), here, os.environ["PATH"]])
        return {**os.environ, "PATH": path, "NXF_ANSI_LOG": "false", **more}

    def command(self, *args, timeout=600, **env):
        return subprocess.run(
            [self.root / "tools/nextflow", *args],
            cwd=self.folder,
            env=self.environment(**env),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *args, main=None, **env):
        """Start a run that is to be killed, as the leader of a process group."""
        self.count += 1
        log = self.folder / f"nextflow-{self.count}.log"
        run = ("run", main or self.root / "main.nf", "-w", self.folder / "work")
        return subprocess.Popen(
            [self.root / "tools/nextflow", "-log", log, *run, *args],
            cwd=self.folder,
            env=self.environment(**env),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run(self, *args, main=None, **env):
        """Run the pipeline; the work folder is the same for every run of this folder."""
        self.count += 1
        trace = self.folder / f"trace-{self.count}.txt"
        done = self.command(
            *("-log", self.folder / f"nextflow-{self.count}.log"),
            *("run", main or self.root / "main.nf", "-w", self.folder / "work"),
            *("-with-trace", trace),
            *args,
            **env,
        )
        tasks = []
        if trace.exists():
            with trace.open() as lines:
                tasks = list(csv.DictReader(lines, delimiter="\t"))
        return Run(done.returncode, done.stdout + done.stderr, tasks)


def contents(folder):
    """Map every Parquet file of an atlas to the checksum of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


@pytest.fixture(scope="session")
def repo(tmp_path_factory):
    """What a run reads, copied: an edit during the tests reruns nothing that should be cached."""
    root = tmp_path_factory.mktemp("repo")
    parts = ("bin", "tools", "conf", "workflows", "subworkflows", "modules", "assets")
    for part in parts:
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("main.nf", "nextflow.config", "nextflow_schema.json"):
        shutil.copy2(ROOT / part, root / part)
    return root


@pytest.fixture
def nextflow(tmp_path, repo):
    folder = tmp_path / "launch"
    folder.mkdir()
    return Nextflow(folder, repo)


@pytest.fixture
def sheet(tmp_path):
    """Write a samplesheet, in a folder that is not the launch folder, and give its path."""

    def write(*rows, name="datasets.csv"):
        columns = list(dict.fromkeys(key for row in rows for key in row))
        path = tmp_path / "the lab's study" / name
        path.parent.mkdir(exist_ok=True)
        with path.open("w", newline="") as out:
            writer = csv.DictWriter(out, columns)
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write
