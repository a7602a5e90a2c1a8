from __future__ import annotations

import io
import json
import shutil

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from report_atlases import dataset, write_atlas
from sicmir_atlas.atlas.schema import SCHEMA_VERSION, TABLES
from sicmir_atlas.cli._table import as_text
from sicmir_atlas.cli.app import main

STATUS = "SELECT dataset_id, status, n_pools, tissues FROM datasets ORDER BY dataset_id"


@pytest.fixture
def said(capsys):
    """Run the command line; what it wrote to standard output."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        assert stopped.value.code == 0, captured.err
        return captured.out

    return run


def test_a_script(said, demo_atlas, tmp_path):
    script = f"CREATE TABLE t AS {STATUS}; FROM t ORDER BY dataset_id"
    assert said("sql", demo_atlas, "--script", script) == said("sql", demo_atlas, STATUS)
    out = tmp_path / "t.parquet"
    said("sql", demo_atlas, script, "--script", "--format", "parquet", "-o", out)
    assert pq.read_table(out).num_rows == 6
    with pytest.raises(SystemExit) as refused:
        main(["sql", str(demo_atlas), script])
    assert refused.value.code == 64


def test_table(said, demo_atlas):
    lines = said("sql", demo_atlas, STATUS).splitlines()
    assert lines[0].split() == ["dataset_id", "status", "n_pools", "tissues"]
    assert len(lines) == 2 + 6
    assert lines[2].split() == ["demo_blood", "included", "8", "blood"]


def test_csv(said, demo_atlas):
    got = pd.read_csv(io.StringIO(said("sql", demo_atlas, STATUS, "--format", "csv")))
    assert list(got["dataset_id"])[:2] == ["demo_blood", "demo_colon"]
    assert got.loc[0, "n_pools"] == 8


def test_json(said, demo_atlas):
    got = json.loads(said("sql", demo_atlas, STATUS, "--format", "json"))
    assert got[0] == {
        "dataset_id": "demo_blood",
        "status": "included",
        "n_pools": 8,
        "tissues": ["blood"],
    }
    mouse = next(row for row in got if row["dataset_id"] == "demo_mouse")
    assert mouse["n_pools"] is None


def test_parquet(said, demo_atlas, tmp_path):
    path = tmp_path / "answer.parquet"
    out = said("sql", demo_atlas, "FROM mirnas", "--format", "parquet", "-o", path)
    assert out == ""
    assert pq.read_table(path).num_rows == 1298


def test_output_to_a_file(said, demo_atlas, tmp_path):
    path = tmp_path / "answer.csv"
    assert said("sql", demo_atlas, STATUS, "--format", "csv", "-o", path) == ""
    assert path.read_text() == said("sql", demo_atlas, STATUS, "--format", "csv")


def test_a_long_table_says_how_much_more_there_is(said, demo_atlas):
    lines = said("sql", demo_atlas, "SELECT mirna FROM mirnas").splitlines()
    assert len(lines) == 2 + 200 + 1
    assert lines[-1] == "… 1098 more rows: use --format csv"


def test_csv_and_json_are_whole(said, demo_atlas):
    query = "SELECT mirna FROM mirnas"
    assert len(said("sql", demo_atlas, query, "--format", "csv").splitlines()) == 1299
    assert len(json.loads(said("sql", demo_atlas, query, "--format", "json"))) == 1298


@pytest.mark.parametrize("kind", ["table", "csv", "json"])
@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS a, 2 AS a",
        "SELECT status FROM datasets WHERE false",
        "SELECT NULL AS nothing, [1, 2] AS list, {'x': 1} AS struct, DATE '2024-01-01' AS day",
        "SELECT 1.5::DECIMAL(5,2) AS d, 'a [b] c' AS markup, 12345678901234567890::HUGEINT AS h",
        "DESCRIBE cells",
    ],
)
def test_answers_of_every_kind(said, demo_atlas, kind, query):
    assert said("sql", demo_atlas, query, "--format", kind)


def test_cells_of_a_table():
    frame = pd.DataFrame(
        {"a": [1.23456789, None], "b": ["[red]x[/]", None], "c": [["p", "q"], []], "d": [1, 2]}
    )
    lines = as_text(frame).splitlines()
    assert [line.split() for line in lines] == [
        ["a", "b", "c", "d"],
        ["─" * (len(lines[1]) - 1)],
        ["1.235", "[red]x[/]", "p,", "q", "1"],
        ["2"],
    ]
    assert len({line.rindex(end) for line, end in zip(lines, "d─12", strict=True)}) == 1


def test_summary(said, demo_atlas):
    out = said("summary", demo_atlas, "--top", "2")
    for name in ("demo_blood", "demo_mouse", "degenerate_pooling", "organism: Mus musculus"):
        assert name in out
    line = next(line for line in out.splitlines() if line.startswith(" T cell"))
    assert line.count("hsa-") == 2
    assert "unknown" not in out


def test_summary_names_what_the_model_was_not_made_for(said, tmp_path):
    rows = [
        dataset("far", is_far=True, domain_distance=0.714, n_landmarks=977),
        dataset("near", is_far=False, domain_distance=0.4, n_landmarks=977),
        dataset("short", n_landmarks=900, is_short_of_landmarks=True),
    ]
    folder = write_atlas(tmp_path / "atlas", rows)
    lines = said("summary", folder).splitlines()
    assert "Far from the training data (variance of landmarks outside it): far 71 %" in lines
    assert "Short of landmarks (of 977): short 900" in lines
    with duckdb.connect(str(folder / "atlas.duckdb")) as connection:  # of schema 1.2
        for column in ("is_far", "domain_distance", "is_short_of_landmarks"):
            connection.execute(f"ALTER TABLE datasets DROP COLUMN {column}")
    assert "Far from" not in said("summary", folder)


def test_summary_of_an_atlas_in_which_nothing_is_included(said, build_empty):
    out = said("summary", build_empty)
    assert "refused" in out
    assert "hsa-" not in out


@pytest.fixture
def build_empty(tmp_path, model):
    from sicmir_atlas.atlas.consolidate import consolidate

    consolidate(
        [{"dataset_id": "refused", "source": "file"}],
        tmp_path / "empty",
        shards=[],
        verdicts={"refused": {"reason": "min_cells: 3", "facts": {}}},
        failures={},
        model=model,
        parameters={},
    )
    return tmp_path / "empty"


@pytest.mark.parametrize("name", ["short", "[bold]x[" + "y" * 90])
def test_a_sound_atlas_is_said_to_be_sound(said, demo_atlas, tmp_path, name):
    shutil.copytree(demo_atlas, tmp_path / name)
    assert said("validate", tmp_path / name) == f"{tmp_path / name}: sound\n"


def test_each_violation_is_a_line(capsys, demo_atlas, tmp_path):
    shutil.copytree(demo_atlas, tmp_path / "atlas")
    (tmp_path / "atlas/atlas.duckdb").unlink()
    (tmp_path / "atlas/mirnas.parquet").unlink()
    with pytest.raises(SystemExit) as stopped:
        main(["validate", str(tmp_path / "atlas")])
    assert stopped.value.code == 65
    err = capsys.readouterr().err.splitlines()
    assert "  atlas.duckdb: is missing" in err
    assert "  mirnas.parquet: is in the manifest but not in the folder" in err


def test_schema(said):
    markdown = said("schema")
    assert all(f"\n## {name}\n" in markdown for name in TABLES)
    assert json.loads(said("schema", "--format", "json"))["schema_version"] == SCHEMA_VERSION
