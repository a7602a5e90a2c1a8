from __future__ import annotations

import json

import pytest

from sicmir_atlas.cli.app import main


def run(capsys, *arguments):
    """Exit code, standard output and standard error."""
    with pytest.raises(SystemExit) as stopped:
        main(["report", *map(str, arguments)])
    captured = capsys.readouterr()
    return stopped.value.code, captured.out, captured.err


def test_a_page_and_files_for_multiqc(capsys, demo_atlas, tmp_path):
    page, figures = tmp_path / "new/report.html", tmp_path / "new/sicmir_atlas_mqc.json"
    code, out, _ = run(capsys, demo_atlas, "-o", page, "--title", "Blood <3", "--multiqc", figures)
    assert code == 0
    names = [page.name, *(f"sicmir_atlas{w}_mqc.json" for w in ("", "_cells", "_general"))]
    assert out.splitlines() == [str(tmp_path / "new" / name) for name in names]
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == sorted(names)
    text = page.read_text()
    assert "<title>Blood &lt;3</title>" in text
    assert f"sicmir-atlas sql {demo_atlas} " in text
    assert json.loads(figures.read_text())["plot_type"] == "table"
    assert "What changed" not in text


def test_what_changed(capsys, demo_atlas, tmp_path):
    page = tmp_path / "report.html"
    assert run(capsys, demo_atlas, "-o", page, "--previous", demo_atlas)[0] == 0
    assert "Nothing differs." in page.read_text()


def test_the_files_of_the_run(capsys, demo_atlas, tmp_path):
    page = tmp_path / "report.html"
    (tmp_path / "pipeline_info").mkdir()
    (tmp_path / "pipeline_info/trace.txt").touch()
    run(capsys, demo_atlas, "-o", page)
    text = page.read_text()
    assert 'href="pipeline_info/trace.txt"' in text
    assert "timeline.html" not in text
    run(capsys, demo_atlas, "-o", page, "--run-folder", "info/")
    text = page.read_text()
    assert 'href="info/timeline.html"' in text
    assert "pipeline_info" not in text


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """Empty folder in which the command runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere"], 66, "nowhere: no atlas here"),
        (["{atlas}", "--multiqc", "figures.json"], 64, "ends with _mqc.json"),
        (["{atlas}", "--previous", "nowhere"], 66, "nowhere: no atlas here"),
        (["https://example.org/atlas", "--previous", "{atlas}"], 64, "copy the atlas first"),
    ],
)
def test_errors_leave_nothing(capsys, demo_atlas, empty, arguments, code, said):  # noqa: PLR0917
    got, out, err = run(capsys, *(a.format(atlas=demo_atlas) for a in arguments))
    assert got == code
    assert said in err
    assert err.count("\n") == 1
    assert out == ""
    assert not list(empty.iterdir())
