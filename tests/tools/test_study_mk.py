"""The makefile of the study: what it runs, and what makes a result stale."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from sicmir_atlas.cli._study_commands import STUDY

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "bin/sicmir_atlas"
MAKEFILE = ROOT / "tools/study.mk"
WITHOUT_DATA = {
    "enrichment": "sets of genes (GMT)",
    "survival": "a clinical table",
    "transfer": "a cohort that the models have not met",
}
"""Commands that need what is not in the shared data."""

# stands for Python and the command: leaves the files that an experiment leaves, if its inputs are
RUNNER = """#!/bin/sh
echo "$@" >> {log}
case "$1" in
  tools/*) shift; for input; do case $input in *.json|*.csv) test -e $input || exit 1;; esac; done
    exit ;;
esac
shift
name=$1; test $1 = study && name=$(echo $2 | tr - _)
test "$name" = train && name=model
while test $# -gt 1; do
  case $1:$2 in
    -o:*) folder=$2 ;;
    --model:*) test -e $2/model.json || exit 1 ;;
    *:{out}/*) test -e $2 || exit 1 ;;
  esac
  shift
done
mkdir -p $folder
for file in $name.json $name.csv mirscape.zip shap_abs_mean.parquet; do echo > $folder/$file; done
test "$name" != "$FAILS"
"""


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Run the makefile on empty tables, with a stand-in for what it calls."""
    monkeypatch.delenv("MAKEFLAGS", raising=False)  # of `make test`
    text = MAKEFILE.read_text()
    bulk, targets, out = (tmp_path / name for name in ("data/bulk", "targets", "out"))
    for folder in (bulk, targets, bulk / "../cells", bulk / "../parity"):
        folder.mkdir(parents=True)
    places = {"BULK": bulk, "TARGETS": targets}
    for folder, name in re.findall(r"\$\((BULK|TARGETS)\)(/[\w./-]+\.[a-z]\w+)", text):
        Path(f"{places[folder]}{name}").touch()
    log = tmp_path / "log"
    runner = tmp_path / "python"
    runner.write_text(RUNNER.format(log=log, out=out))
    runner.chmod(0o755)

    def run(*arguments):
        log.write_text("")
        chosen = places | {"OUT": out, "PYTHON": runner}
        settings = [f"{name}={value}" for name, value in chosen.items()]
        command = ["make", "-f", str(MAKEFILE), *settings, *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        done.calls = log.read_text().splitlines()
        return done

    run.bulk, run.out = bulk, out
    return run


def test_every_command_is_run_that_has_data():
    run = set(re.findall(r"call run,study ([\w-]+)", MAKEFILE.read_text()))
    known = {command.name.removeprefix("study ") for command in STUDY}
    assert run == known - set(WITHOUT_DATA)


def test_nothing_is_done_twice(make):
    first = make("-j4")
    assert first.returncode == 0, first.stderr
    assert first.calls[-1].startswith("tools/study_tables.py")
    assert len(first.calls) > 30
    second = make()
    assert (second.returncode, second.calls) == (0, [])


@pytest.mark.parametrize(
    ("changed", "expected"),
    {
        "study/cancer_specific.py": {"cancers"},
        "cli/study/cancers.py": {"cancers"},
        "study/attributions.py": {"attributions", "modules", "stress"},
        "data/marker_directions.tsv": {"markers"},
        "prepare/counts.py": {"percell", "markers"},
        "data/models/atlas-tcga661-v1/model.json": {"percell", "markers", "agreement"},
    }.items(),
)
def test_what_depends_on_a_change_is_done_again(make, changed, expected):
    make("-j4")
    again = make("-W", f"bin/sicmir_atlas/{changed}")
    studies = {call.split()[2] for call in again.calls if "sicmir-step study" in call}
    assert studies == expected
    assert again.calls[-1].startswith("tools/study_tables.py")


def test_code_of_models_makes_everything_stale(make):
    first, again = make("-j4").calls, make("-W", "bin/sicmir_atlas/model/ridge.py").calls
    assert sorted(first) == sorted(again)


def test_data_make_their_readers_stale(make):
    make("-j4")
    again = make("-W", str(make.bulk / "../parity/gbm_pooled_landmarks.parquet"))
    studies = [call.split()[2] for call in again.calls if "sicmir-step study" in call]
    assert sorted(studies) == ["agreement", "agreement", "models"]


def test_what_fails_leaves_no_summary_and_no_page(make, monkeypatch):
    monkeypatch.setenv("FAILS", "percell")
    failed = make("-k")
    assert failed.returncode != 0
    assert not (make.out / "percell/percell.json").exists()
    assert (make.out / "markers/markers.json").exists()
    assert not any(call.startswith("tools/study_tables.py") for call in failed.calls)


def modules_used(path):
    """Files of the package that a file imports, at any depth."""
    used, ahead = set(), [path]
    while ahead:
        file = ahead.pop()
        if file in used:
            continue
        used.add(file)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sicmir_atlas"):
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                found = [ROOT / "bin" / f"{name.replace('.', '/')}.py" for name in names]
                ahead += [file for file in found if file.is_file()]
    return used


@pytest.mark.parametrize(
    ("command", "listed"),
    re.findall(r"call code,([a-z_]+),([^)]*)\)", MAKEFILE.read_text().replace("\\\n", " ")),
)
def test_code_of_an_experiment_is_listed(command, listed):
    used = modules_used(PACKAGE / f"cli/study/{command}.py")
    assert {file.stem for file in used if file.parent == PACKAGE / "study"} == {
        "result",
        *listed.split(),
    }
    rule = MAKEFILE.read_text().split(f"$(OUT)/{command}/{command}.json")[-1].split("\n\n")[0]
    assert "$(BLOOD)" not in rule or "$(cell_code)" in rule
