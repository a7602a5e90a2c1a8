"""The benchmark of many datasets: what it reads, and that its page shows what it measured."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/scaling.md"
TRACE = """\
process\tstatus\trealtime\t%cpu\tpeak_rss
ATLAS:PREPARE\tCOMPLETED\t1m 2.5s\t150.0%\t1.5 GB
ATLAS:PREPARE\tCOMPLETED\t500ms\t80.0%\t300 MB
ATLAS:PUBLISH\tCOMPLETED\t-\t-\t-
"""
COLLECTIONS = """\
[1.0s][info][gc] GC(0) Pause Young (Normal) (G1 Evacuation Pause) 364M->134M(468M) 10.6ms
[2.0s][info][gc] GC(1) Concurrent Mark Cycle 1798.9ms
[3.0s][info][gc] GC(2) Pause Remark 141M->140M(468M) 148.0ms
"""


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"tools/{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tables():
    return load("scaling_tables")


@pytest.fixture(scope="module")
def queue():
    return load("watched_queue")


@pytest.fixture(scope="module")
def run():
    return load("watched_run")


@pytest.fixture(scope="module")
def measured():
    return json.loads((ROOT / "docs/figures/scaling.json").read_text())


def test_the_page_shows_what_was_measured(tables, measured):
    page = PAGE.read_text(encoding="utf-8")
    assert tables.with_tables(page, measured) == page
    assert sorted(re.findall(r"<!-- scaling (\w+) -->", page)) == sorted(tables.TABLES)
    assert {name.split()[0] for name in measured} >= tables.TABLES.keys()


def test_runs_are_as_large_as_promised(measured):
    assert measured["stub 300"]["steps"]["PREDICT"]["n"] == 300
    assert measured["real 60"]["steps"]["PREDICT"]["n"] == 60
    assert measured["staged 10000"]["n"] == 10_000


def test_the_queue_kept_to_its_settings(measured):
    config = (ROOT / "conf/slurm.config").read_text()
    size = int(re.search(r"queueSize += (\d+)", config)[1])
    rate = int(re.search(r"submitRateLimit += '(\d+)/1sec'", config)[1])
    runs = [run["queue"] for name, run in measured.items() if name.startswith("slurm")]
    assert runs
    assert max(run["most"] for run in runs) <= size
    assert max(run["most_submitted_in_a_second"] for run in runs) <= rate


def test_ten_thousand_lie_on_the_line_through_what_was_measured(tables):
    slope, start = tables.straight_line([(1, 3.0), (2, 5.0), (4, 9.0)])
    assert (slope, start) == (pytest.approx(2), pytest.approx(1))


def test_a_trace_is_summed_by_step(run, tmp_path):
    (tmp_path / "trace.txt").write_text(TRACE)
    steps = run.steps_of(tmp_path / "trace.txt")
    assert steps["PREPARE"] == {"n": 2, "s": 63.0, "cpu_s": 62.5 * 1.5 + 0.4, "mb": 1536.0}
    assert steps["PUBLISH"] == {"n": 1, "s": 0.0, "cpu_s": 0.0, "mb": 0.0}
    (tmp_path / "trace.txt").write_text(TRACE.replace("COMPLETED", "FAILED", 1))
    with pytest.raises(AssertionError, match="FAILED"):
        run.steps_of(tmp_path / "trace.txt")


def test_the_heap_is_what_a_pause_left(run):
    assert run.collected(COLLECTIONS) == 140.0


def test_gaps_and_bursts(queue):
    seen = [(0, 0, 0), (1, 2, 0), (2, 0, 0), (3, 0, 0), (4, 0, 1), (5, 1, 1), (6, 0, 0)]
    assert queue.longest_gap(seen) == 3
    assert queue.most_within([5.0, 1.0, 1.5, 1.9, 2.1], 1.0) == 3
    assert queue.most_within([], 1.0) == 0
