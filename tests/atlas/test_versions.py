"""Both versions have a history that readers can follow: docs/schema-changelog.md."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from sicmir_atlas.atlas.schema import PROCESSING_VERSION, SCHEMA_VERSION, TABLES


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs/schema-changelog.md").read_text()


def test_every_version_of_the_schema_has_its_entry_newest_first(page):
    found = re.findall(r"^### (\d+)\.(\d+)\.(\d+)$", page, re.MULTILINE)
    versions = [tuple(map(int, parts)) for parts in found]
    assert ".".join(map(str, versions[0])) == SCHEMA_VERSION
    assert versions == sorted(set(versions), reverse=True)
    assert versions[-1] == (1, 0, 0)
    for newer, older in pairwise(versions):
        steps = [(older[0] + 1, 0, 0), (older[0], older[1] + 1, 0), (*older[:2], older[2] + 1)]
        assert newer in steps, f"a version between {older} and {newer} has no entry"


def test_every_version_of_the_processing_has_its_entry_newest_first(page):
    found = re.findall(r"^### Processing (\d+)$", page, re.MULTILINE)
    assert found == [str(n) for n in range(PROCESSING_VERSION, 0, -1)]


def test_the_newest_entry_says_which_processing_writes_it(page):
    entry = page.split(f"### {SCHEMA_VERSION}\n")[1].split("\n### ")[0]
    assert f"Written with processing {PROCESSING_VERSION}." in entry


def test_tables_and_columns_that_are_named_are_there(page):
    """No entry has been removed from the schema since: a minor version only adds."""
    history = page.split("## Schema versions")[1].split("## Processing versions")[0]
    columns = {column.name for spec in TABLES.values() for column in spec.columns}
    values = {v for spec in TABLES.values() for column in spec.columns for v in column.values}
    for line in re.findall(r"^- `(\w+)`: (.*(?:\n  .*)*)", history, re.MULTILINE):
        assert line[0] in TABLES
        assert set(re.findall(r"`(\w+)`", line[1])) <= columns | values | set(TABLES)
