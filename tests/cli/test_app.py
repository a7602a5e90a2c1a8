from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from sicmir_atlas.cli._commands import COMMANDS
from sicmir_atlas.cli.app import main

HEAVY = ("torch", "scanpy", "anndata", "pandas", "pyarrow", "duckdb", "h5py", "scipy", "numpy")


@pytest.fixture(scope="session")
def environment(root):
    return {**os.environ, "PYTHONPATH": str(root / "bin"), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def sicmir(root):
    """Run the command as a process of its own."""

    def run(*arguments, **options):
        return subprocess.run(
            [sys.executable, root / "bin/sicmir-step", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            **options,
        )

    return run


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """Empty folder in which the command runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fails(capsys, *arguments):
    """Exit code and the lines of standard error."""
    with pytest.raises(SystemExit) as stopped:
        main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return stopped.value.code, captured.err.strip().splitlines()


def test_help_is_lean(environment):
    script = (
        "import sys\n"
        "from sicmir_atlas.cli.app import main\n"
        "try:\n    main(['--help'])\n"
        "finally:\n"
        f"    print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"
    for command in COMMANDS:
        assert command.name in done.stdout


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_help_of_each_command(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert f"sicmir-atlas {name}" in out
    assert "Usage" in out


def test_the_library_is_lean(environment):
    script = f"import sys, sicmir_atlas; print([m for m in {HEAVY!r} if m in sys.modules])"
    out = subprocess.check_output([sys.executable, "-c", script], env=environment, text=True)
    assert out.strip() == "[]"


def test_version(capsys):
    import sicmir_atlas

    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.strip() == sicmir_atlas.__version__


def test_the_version_needs_no_packages(root):
    """Every task of the pipeline is asked for it."""
    import sicmir_atlas

    asked = [sys.executable, "-I", "-S", root / "bin/sicmir-step", "--version"]
    assert subprocess.check_output(asked, text=True).strip() == sicmir_atlas.__version__


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["sql", "nowhere", "SELECT 1"], 66, "nowhere: no atlas here"),
        (["summary", "nowhere"], 66, "nowhere: no atlas here"),
        (["validate", "nowhere"], 66, "nowhere: no such folder"),
        (["validate", "."], 65, "manifest.json: cannot be read"),
        (["predict", "gone.h5ad", "-o", "x.csv"], 66, "gone.h5ad: no such file"),
        (["predict", "gone.csv", "--bulk", "-o", "x.csv"], 66, "gone.csv: no such file"),
        (["predict", "gone.h5ad", "-o", "x.docx"], 64, "x.docx: the ending says the format"),
        (["predict", "a.csv", "--bulk", "--scaled", "-o", "x.csv"], 64, "exclude each other"),
        (["predict", "a.h5ad", "-o", "x.csv", "--mode", "average"], 64, "by which column"),
        (["sql", "nowhere", "SELECT 1", "--format", "parquet"], 64, "name a file with --output"),
        (["predict", "a.h5ad", "-o", "x.csv", "--model", "gpt"], 64, "gpt"),
        (["predict-dataset", "--prepared", "no", "-o", "x"], 66, "no: "),
        (["prepare", "--dataset", "no.json", "--fetched", "f", "-o", "x"], 66, "no.json: no such"),
        (["consolidate", "--datasets", "no.json", "-o", "x"], 66, "no.json: no such file"),
    ],
)
def test_errors_are_one_line_with_their_code(arguments, code, said, capsys, empty):
    got, lines = fails(capsys, *arguments)
    assert got == code
    assert said in lines[-1]
    if arguments[0] != "validate":
        assert len(lines) == 1
        assert lines[0].startswith("sicmir-atlas: error: ")
    assert not list(empty.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["predict"],
        ["predict", "a.h5ad"],
        ["predict", "a.h5ad", "-o", "x.csv", "--nonsense"],
        ["predict", "a.h5ad", "-o", "x.csv", "--mode", "best"],
        ["prepare", "--min-cells", "many"],
        ["sql", "atlas"],
    ],
)
def test_a_wrong_command_line_is_wrong_usage(arguments, capsys):
    code, lines = fails(capsys, *arguments)
    assert code == 2
    assert lines
    assert "Traceback" not in "\n".join(lines)


def test_what_nobody_foresaw_says_its_last_line(capsys, monkeypatch):
    def broken(*_):
        msg = "the moon"
        raise RuntimeError(msg)

    monkeypatch.setattr("sicmir_atlas.demo.write_demo", broken)
    code, lines = fails(capsys, "demo", "x")
    assert code == 70
    assert lines[-1] == "sicmir-atlas: unforeseen RuntimeError: the moon"
    assert lines[0].startswith("Traceback")


def test_a_process_exits_with_the_code(sicmir, tmp_path):
    done = sicmir("sql", tmp_path, "SELECT 1")
    assert done.returncode == 66
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({}))
    assert sicmir("validate", tmp_path).returncode == 65


@pytest.mark.parametrize("arguments", [["schema"], ["schema", "--format", "json"]])
def test_a_reader_that_goes_away_is_no_error(root, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [sys.executable, root / "bin/sicmir-step", *arguments],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr == ""
    assert done.returncode == 141
