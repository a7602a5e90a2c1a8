"""Charts are sound SVG and draw what they are given."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from sicmir_atlas.report.charts import Part, bar, histogram, stack

TICKS = [(0, "0"), (10, "10")]


def rects(svg):
    return list(ET.fromstring(str(svg)).iter("rect"))


def test_a_stacked_bar_is_divided_in_proportion():
    parts = rects(stack([Part("kept", "kept", 60), Part("none", "x", 0), Part("lost", "l", 20)]))
    assert [(r.get("class"), float(r.get("x")), float(r.get("width"))) for r in parts] == [
        ("kept", 0, 75),
        ("lost", 75, 25),
    ]
    assert [r.find("title").text for r in parts] == ["kept: 60 (75.0 %)", "l: 20 (25.0 %)"]


def test_nothing_is_drawn_of_nothing():
    assert stack([]) == stack([Part("kept", "kept", 0)]) == ""
    assert histogram([("main", "", [])], low=0, high=1, title="t", ticks=TICKS) == ""
    assert rects(bar(0)) == []


def test_a_small_part_can_still_be_seen():
    (part,) = rects(bar(1e-9))
    assert float(part.get("width")) > 0.1


@pytest.mark.parametrize("values", [[3], [0, 10], [10, 10, 10], [0.1 * i for i in range(101)]])
def test_a_histogram_counts_every_dataset_once(values):
    svg = histogram([("main", "n", values)], low=0, high=10, title="t", ticks=TICKS)
    said = [r.find("title").text for r in rects(svg)]
    assert sum(int(re.search(r": (\d+) dataset", text)[1]) for text in said) == len(values)
    inside = ET.fromstring(str(svg)).get("viewBox").split()
    for element in rects(svg):
        right = float(element.get("x")) + float(element.get("width"))
        assert 0 <= float(element.get("x")) < right <= float(inside[2])
        assert 0 <= float(element.get("y")) < float(inside[3])


def test_panels_share_their_axes():
    svg = histogram(
        [("main", "cells", [9, 9]), ("kept", "pools", [1])], low=0, high=10, title="t", ticks=TICKS
    )
    tall = {r.get("class"): float(r.get("height")) for r in rects(svg)}
    assert tall["main"] == pytest.approx(2 * tall["kept"], rel=0.01)
    assert ET.fromstring(str(svg)).find("title").text == "t"


def test_labels_cannot_become_markup():
    evil = '"><script>'
    for svg in (
        stack([Part("kept", evil, 1)], title=evil),
        bar(1, title=evil),
        histogram([("main", evil, [1])], low=0, high=10, title=evil, ticks=[(0, evil)]),
    ):
        assert "<script" not in svg
        assert evil in "".join(ET.fromstring(str(svg)).itertext())
