"""What the docs say is what happens: SQL, answers, commands, flags, tables, samplesheets.

Blocks fenced as ``sql``, ``python`` and ``bash`` are run on the demo; those fenced as ``sh``
(set-up, Nextflow, a cluster) are read for their flags only.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import sicmir_atlas as sa
from sicmir_atlas.check import check_samplesheet
from sicmir_atlas.cli._table import as_text
from sicmir_atlas.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ELSEWHERE = {"-profile", "-resume", "-c", "-params-file", "--gres"}  # of other programs


def blocks(kind, pages=PAGES):
    found = [
        pytest.param(code, id=f"{page.name}-{page.read_text()[: match.start()].count(chr(10)) + 1}")
        for page in pages
        for match in BLOCK.finditer(page.read_text())
        for code in [match[2]]
        if match[1] == kind
    ]
    assert found
    return found


@pytest.fixture(scope="module")
def made():
    return runpy.run_path(str(ROOT / "tools/docs_tables.py"))


@pytest.fixture(scope="module")
def atlas(demo_atlas):
    with sa.open_atlas(demo_atlas) as opened:
        yield opened


@pytest.fixture(scope="module")
def desk(tmp_path_factory, demo_data, demo_atlas):
    """A folder as it is after `make demo`, with the command on PATH."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "results").mkdir()
    (folder / "results/atlas").symlink_to(demo_atlas)
    (folder / "demo").mkdir()
    for path in demo_data.iterdir():
        (folder / "demo" / path.name).symlink_to(path)
    for name in ("assets", "nextflow_schema.json"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "path").mkdir()
    for name, target in (("sicmir-atlas", ROOT / "bin/sicmir-step"), ("python3", "")):
        command = folder / "path" / name
        command.write_text(f'#!/bin/sh\nexec {sys.executable} {target} "$@"\n')
        command.chmod(0o755)
    return folder


@pytest.mark.parametrize("query", blocks("sql"))
def test_sql_gives_rows(atlas, query):
    answer = atlas.sql(query)
    rest = next(p.read_text().split(query)[1] for p in PAGES if query in p.read_text())
    no_rows = rest.removeprefix("```").lstrip().startswith("No rows in the demo")
    assert (len(answer) == 0) == no_rows


def test_there_are_enough_questions():
    assert len(blocks("sql", [ROOT / "docs/sql.md"])) >= 14


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs/sql.md"], ids=lambda p: p.name)
def test_shown_answers_are_given(atlas, made, page):
    shown = made["SHOWN"].findall(page.read_text())
    assert shown
    for query, answer in shown:
        assert alike(answer, as_text(atlas.sql(query))), query


def alike(shown, given):
    """Compare two tables cell by cell, numbers to the digits that another machine would give."""

    def cells(text):
        lines = [line for line in text.splitlines() if line.strip(" ─")]
        return [re.split(r"\s{2,}", line.strip()) for line in lines]

    def same(a, b):
        try:
            return abs(float(a) - float(b)) <= max(0.02, 0.01 * abs(float(b)))
        except ValueError:
            return a == b

    left, right = cells(shown), cells(given)
    return [len(row) for row in left] == [len(row) for row in right] and all(
        same(a, b) for x, y in zip(left, right, strict=True) for a, b in zip(x, y, strict=True)
    )


@pytest.mark.parametrize(
    ("shown", "given", "same"),
    [
        (" a   n\n ────\n T cell   1.31\n", " a  n\n ───\n T cell  1.3\n", True),
        (" a   n\n ────\n T cell   1.31\n", " a  n\n ───\n B cell  1.3\n", False),
        (" a   n\n ────\n T cell   1.31\n", " a  n\n ───\n T cell  1.4\n", False),
        (" a\n ─\n T cell\n", " a\n ─\n T cell\n T cell\n", False),
    ],
)
def test_answers_that_differ_are_seen(shown, given, same):
    assert alike(shown, given) is same


@pytest.mark.parametrize("code", blocks("python"))
def test_python_runs(desk, code):
    ran(desk, sys.executable, "-c", code)


@pytest.mark.parametrize("code", blocks("bash"))
def test_commands_run(desk, code):
    ran(desk, "bash", "-euo", "pipefail", "-c", code)


def ran(desk, *command):
    path = f"{desk / 'path'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=desk,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "bin")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


SPOKEN = r"sicmir-atlas ((?:(?:catalogue|model|study) (?=[a-z]))?[a-z][a-z-]*)"


def options(parent=app, prefix=""):
    """Every subcommand, also those of a group, with its options."""
    known = {}
    for name in parent:
        if not name.startswith("-"):
            one = parent[name]
            own = one.assemble_argument_collection() if one.default_command else ()
            flags = {flag for argument in own for flag in argument.names}
            known |= {prefix + name: flags | {"--help"}, **options(one, f"{prefix}{name} ")}
    return known


def parameter_flags():
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    return {f"--{name}" for group in schema["$defs"].values() for name in group["properties"]}


def spoken(page):
    """Lines of commands on a page, continued ones joined, remarks left out."""
    code = [m[2] for m in BLOCK.finditer(page.read_text()) if m[1] in ("sh", "bash")]
    inline = re.findall(r"`((?:sicmir-atlas|nextflow|make) [^`]+)`", page.read_text())
    lines = "\n".join([*code, *inline]).replace("\\\n", " ").splitlines()
    return [re.sub(r"\s#.*", "", re.sub(r'"[^"]*"', "TEXT", line)) for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_and_flags_exist(page):
    known, targets = options(), (ROOT / "Makefile").read_text()
    for line in spoken(page):
        flags = set(re.findall(r"(?<=\s)--?[a-z][\w-]*", line)) - ELSEWHERE
        if found := re.search(SPOKEN, line):
            assert found[1] in known, line
            assert flags <= known[found[1]], line
        elif "nextflow run" in line:
            assert flags <= parameter_flags(), line
        elif found := re.match(r"make (\w[\w-]*)", line):
            assert re.search(rf"^{found[1]}:", targets, re.MULTILINE), line
    everything = parameter_flags().union(ELSEWHERE, *known.values())
    assert set(re.findall(r"(?<=`)--[a-z][\w-]*", page.read_text())) <= everything


def test_every_profile_is_named():
    config = (ROOT / "nextflow.config").read_text().split("profiles {")[1].split("\n}")[0]
    table = (ROOT / "docs/usage.md").read_text().split("| profile |")[1].split("\n\n")[0]
    named = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row[:40])}
    assert named == set(re.findall(r"^    (\w+) +{", config, re.MULTILINE))


def test_tables_are_made_from_the_schemas(made):
    usage = (ROOT / "docs/usage.md").read_text()
    assert made["with_tables"](usage) == usage
    columns = json.loads((ROOT / "assets/schema_input.json").read_text())["items"]["properties"]
    for name in columns:
        assert f"| `{name}` |" in usage


def test_parameters_are_made_from_the_schema(made):
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    page = (ROOT / "docs/parameters.md").read_text()
    assert made["parameters"](schema) == page
    for group in schema["$defs"].values():
        for name, entry in group["properties"].items():
            assert f"| `--{name}` |" in page
            assert entry.get("help_text", "").replace("|", "\\|") in page


def test_output_is_made_from_the_schema():
    from sicmir_atlas.atlas.data_dictionary import as_markdown

    assert (ROOT / "docs/output.md").read_text() == as_markdown()


def test_rules_are_named():
    """Every rule that the code can give as a reason is in the docs, and no other."""
    code = "\n".join(path.read_text() for path in (ROOT / "bin/sicmir_atlas").rglob("*.py"))
    rules = set(re.findall(r'ExcludedDataset\(\s*"(\w+)"', code))
    rules |= set(re.findall(r'^\s+rule = "(\w+)"', code, re.MULTILINE))
    table = (ROOT / "docs/usage.md").read_text().split("| rule |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == rules


def test_exit_codes_are_named():
    from sicmir_atlas.errors import SicmirError

    table = (ROOT / "docs/usage.md").read_text().split("| code |")[1].split("\n\n")[0]
    named = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert named == {0, 2, 70, 74} | {kind.exit_code for kind in SicmirError.__subclasses__()}


@pytest.mark.parametrize("kind", ["csv", "yaml"])
def test_samplesheets_pass(kind, tmp_path):
    for number, block in enumerate(blocks(kind)):
        sheet = tmp_path / f"{number}.{kind}"
        sheet.write_text(block.values[0])
        assert check_samplesheet(sheet, base="study")


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CITATIONS.md"], ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)", linked.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles}
            assert anchor in anchors, target


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 150


def test_models_are_what_the_page_says():
    """The page's figures of shipped models, and of their data, are those of their cards."""
    text = " ".join((ROOT / "docs/models.md").read_text().split())
    for folder in sorted((ROOT / "bin/sicmir_atlas/data/models").iterdir()):
        card = json.loads((folder / "model.json").read_text())
        folds = card["metrics"].get("cross_validation", card["metrics"])
        said = (
            f"{card['architecture']['n_parameters']:,} | {folds['pcc_within_cohort']:.3f} | "
            f"{folds['pcc_left_out_cohort']:.3f} | {folds['pcc_pooled']:.3f}"
        )
        assert said in text, folder.name
        data = card["training_data"]
        assert f"{data['n_samples']} TCGA samples" in text
        assert f"were measured in {data['n_samples_measured']} of them" in text
        assert f"In the other {data['n_samples_estimated']} their stem-loops" in text
        assert f"{data['n_mirnas_measured_only']} miRNAs have no stem-loop" in text
        assert f"{data['n_mirnas_estimated_only']} from estimates alone" in text
        assert all(name in text for name in card["mirnas_untrained"])
    split = card["training"]
    assert f"{split['n_train']} training, {split['n_validation']} validation, " in text
    assert f"{split['n_test']} test samples" in text
