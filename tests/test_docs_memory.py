"""What the docs say of memory is what conf/base.config asks for, and enough for all measured."""

from __future__ import annotations

import csv
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
USAGE = (ROOT / "docs/usage.md").read_text()
GB = 1 << 30
ROOM = 1.5  # of what a first try asks for, over what was measured


@pytest.fixture(scope="module")
def made():
    return runpy.run_path(str(ROOT / "tools/memory_docs.py"))


@pytest.fixture(scope="module")
def measured():
    with (ROOT / "docs/figures/memory.tsv").open() as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def formulas():
    """Read conf/base.config line by line, with no pattern for a whole block."""
    found, step = {}, None
    for line in (ROOT / "conf/base.config").read_text().splitlines():
        words = line.split()
        if words[:1] == ["withName:"]:
            step = words[1].strip("'")
        elif step and words[:2] == ["memory", "="]:
            first = re.findall(r"(\d+)\.GB", line)[-1]
            share = re.findall(r"([\d.]+) \* task.ext.bytes", line)
            found |= {one: [float(n) for n in (first, *share)] for one in step.split("|")}
            step = None
    return found


def test_tables_are_made_anew(made):
    assert made["with_tables"](USAGE) == USAGE


def test_formulas_are_those_of_the_configuration():
    table = USAGE.split("<!-- memory -->")[1].split("<!-- end -->")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[3:]]
    shown = {}
    for steps, formula in rows:
        values = [float(n) for n in re.findall(r"([\d.]+) (?:GB|×)", formula)]
        shown |= dict.fromkeys(steps.split(", "), values)
    assert shown == formulas()
    assert len(shown) == 9


def test_there_is_room_above_all_that_was_measured(measured):
    """Of what follows the data; those that hardly take anything have far more."""
    for row in measured:
        first, *share = formulas()[row["step"]]
        asked = first * GB + sum(share) * int(row["bytes"])
        assert asked >= ROOM * int(row["peak"]), row
    assert {row["step"] for row in measured} == formulas().keys() - {"CHECK", "CHECKSUM", "RESOLVE"}
    assert len({row["series"] for row in measured}) >= 8


def test_the_figure_shows_what_was_measured(measured):
    figure = (ROOT / "docs/figures/memory.svg").read_text()
    assert "figures/memory.svg" in USAGE
    for name in {row["step"] for row in measured} - {"FETCH"} | {row["series"] for row in measured}:
        assert f">{name}<" in figure
