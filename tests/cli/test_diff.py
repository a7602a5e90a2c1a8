from __future__ import annotations

import json
import shutil

import pytest

from sicmir_atlas.cli.app import main


@pytest.fixture
def ran(capsys):
    """Run the command line: its exit code and what it wrote."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, captured.err

    return run


@pytest.fixture
def other(demo_atlas, tmp_path):
    """The demo's atlas with another seed in its manifest."""
    folder = shutil.copytree(demo_atlas, tmp_path / "other")
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["parameters"]["seed"] = 5
    path.write_text(json.dumps(manifest))
    return folder


def test_text(ran, demo_atlas, other):
    code, out, _ = ran("diff", demo_atlas, other)
    assert code == 0
    assert out.splitlines()[0] == "seed: None → 5"
    assert out.splitlines()[-1] == "different"
    assert "datasets: 6 the same" in out


def test_the_exit_code_is_asked_for(ran, demo_atlas, other):
    assert ran("diff", demo_atlas, other, "--exit-code")[0] == 1
    assert ran("diff", demo_atlas, demo_atlas, "--exit-code")[0] == 0
    assert ran("diff", demo_atlas, demo_atlas)[1].endswith("no difference\n")


def test_json_and_markdown_to_a_file(ran, demo_atlas, other, tmp_path):
    code, out, _ = ran("diff", demo_atlas, other, "--format", "json")
    assert (code, json.loads(out)["parameters"]) == (
        0,
        [{"name": "seed", "before": None, "after": 5}],
    )
    note = tmp_path / "note.md"
    assert ran("diff", demo_atlas, other, "--format", "markdown", "-o", note)[:2] == (0, "")
    text = note.read_text()
    assert text.startswith("# Release note\n")
    assert "## Versions and parameters\n\n- seed: none → 5\n" in text


def test_a_tolerance_opens_the_large_tables(ran, demo_atlas):
    code, out, _ = ran("diff", demo_atlas, demo_atlas, "--tolerance", "1e-3", "--exit-code")
    assert code == 0
    assert "within 0.001: demo_blood cell_mirna, largest difference 0" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--tolerance", "-1"), 64, "--tolerance -1.0: a difference that is allowed is 0 or more"),
        (("--format", "pdf"), 2, "pdf"),
    ],
)
def test_refused(ran, demo_atlas, arguments, code, said):
    got, out, err = ran("diff", demo_atlas, demo_atlas, *arguments)
    assert got == code
    assert said in out + err


def test_no_atlas(ran, demo_atlas, tmp_path):
    code, _, err = ran("diff", demo_atlas, tmp_path)
    assert code == 66
    assert f"{tmp_path}: no atlas here (manifest.json is expected)" in err
