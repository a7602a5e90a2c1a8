"""The steps one by one, as Nextflow calls them: what goes in, what comes out, what is said."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

import sicmir_atlas as sa
import simulated
from sicmir_atlas.cli.app import main


@pytest.fixture
def step(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(a) for a in arguments])
        return stopped.value.code, capsys.readouterr().err.strip().splitlines()

    return run


@pytest.fixture
def fetched(tmp_path):
    """A row, its file, and what FETCH recorded of it."""
    data = simulated.cells({"a": 20, "b": 25, "c": 15})
    (tmp_path / "fetched").mkdir()
    data.write_h5ad(tmp_path / "fetched/my.h5ad")
    record = {"sha256": "1" * 64, "files": [{"name": "my.h5ad", "url": "https://x.org/my.h5ad"}]}
    (tmp_path / "fetched/source.json").write_text(json.dumps(record))
    (tmp_path / "row.json").write_text(json.dumps(simulated.ROW))
    return tmp_path


def prepare(folder, *options):
    verdicts = folder / "verdicts"
    paths = ("--dataset", folder / "row.json", "--fetched", folder / "fetched")
    return ("prepare", *paths, "-o", folder / "prepared", "--verdicts", verdicts, *options)


def test_the_way_from_files_to_an_atlas(step, fetched):
    code, _ = step(
        *prepare(fetched, "--min-cells", 10, "--min-cells-qc", 1, "--qc-profile", "case")
    )
    assert code == 0
    assert not (fetched / "verdicts/d1.json").exists()
    prepared = ("--prepared", fetched / "prepared")
    code, _ = step("predict-dataset", *prepared, "-o", fetched / "shards/d1", "--seed", 3)
    assert code == 0
    (fetched / "rows.json").write_text(
        json.dumps([simulated.ROW, {**simulated.ROW, "dataset_id": "x.y"}])
    )
    (fetched / "failures").mkdir()
    (fetched / "failures/x.y.txt").write_text("gone\n")
    (fetched / "failures/d1.txt").write_text("an earlier try\n")
    (fetched / "params.json").write_text('{"seed": 3}')
    code, _ = step(
        "consolidate",
        *("--datasets", fetched / "rows.json", "--shards", fetched / "shards"),
        *("--failures", fetched / "failures", "--parameters", fetched / "params.json"),
        *("-o", fetched / "atlas"),
    )
    assert code == 0
    assert step("validate", fetched / "atlas")[0] == 0
    with sa.open_atlas(fetched / "atlas") as atlas:
        got = atlas.sql("SELECT dataset_id, status, reason, source_url, qc_profile FROM datasets")
        assert atlas.manifest["parameters"] == {"seed": 3}
    assert got.astype(object).where(got.notna(), None).to_numpy().tolist() == [
        ["d1", "included", None, "https://x.org/my.h5ad", "case"],
        ["x.y", "failed", "gone", None, None],
    ]


def test_a_verdict_is_a_success_and_no_output(step, fetched):
    assert step(*prepare(fetched)) == (0, [])
    said = json.loads((fetched / "verdicts/d1.json").read_text())
    assert said["dataset_id"] == "d1"
    assert said["status"] == "excluded"
    assert said["reason"] == "min_cells: 60 called cells; more than 500 are asked"
    assert said["facts"]["n_cells_raw"] == 60
    assert not (fetched / "prepared").exists()


def test_without_a_place_for_the_verdict_it_is_an_error(step, fetched):
    arguments = prepare(fetched)
    code, lines = step(*arguments[: arguments.index("--verdicts")])
    assert code == 64
    assert lines == [
        "sicmir-atlas: error: d1 is excluded: min_cells: 60 called cells; more than 500 are asked"
    ]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--min-cells", 60], "min_cells: 60"),
        (["--min-cells", 59, "--min-cells-qc", 61], "min_cells_qc: 60 of 60"),
        (["--min-cells", 0, "--min-genes", 2000], "min_cells_qc: 0 of 60"),
        (["--min-cells", 0, "--max-genes", 100], "min_cells_qc: 0 of 60"),
        (["--min-cells", 0, "--max-pct-mt", 0], "min_cells_qc:"),
        (["--call-cells", "always", "--min-umi", 10_000_000], "min_cells: 0"),
        (["--max-missing-landmarks", -0.1], "landmarks: 0 of 977"),
    ],
)
def test_thresholds_are_options(step, fetched, options, reason):
    assert step(*prepare(fetched, "--qc-profile", "case", *options))[0] == 0
    assert json.loads((fetched / "verdicts/d1.json").read_text())["reason"].startswith(reason)


def test_the_rows_own_profile_comes_first(step, fetched):
    row = {**simulated.ROW, "qc_profile": "adaptive"}
    (fetched / "row.json").write_text(json.dumps(row))
    assert step(*prepare(fetched, "--min-cells", 0, "--min-cells-qc", 1))[0] == 0
    facts = json.loads((fetched / "prepared/prepared.json").read_text())
    assert facts["qc_profile"] == "adaptive"


@pytest.mark.parametrize(
    ("options", "n_groups"),
    [
        ([], [3]),
        (["--cluster", "never"], [0]),
        (["--n-top-genes", 1], [0]),
        (["--cluster-max-cells", 1], [0]),
        (["--cluster-resolution", 9], range(4, 220)),
    ],
)
def test_options_of_clustering(step, fetched, options, n_groups):
    simulated.cells({"b": 90, "a": 70, "c": 60}).write_h5ad(fetched / "fetched/my.h5ad")
    (fetched / "row.json").write_text(json.dumps({**simulated.ROW, "cell_type": None}))
    small = ("--min-cells", 0, "--min-cells-qc", 1, "--qc-profile", "case")
    assert step(*prepare(fetched, *small, "--cluster-seed", 5, *options)) == (0, [])
    cells = pq.read_table(fetched / "prepared/cells.parquet").to_pandas()
    assert cells["cell_type_original"].nunique() in n_groups


def test_options_of_predict_dataset(step, fetched):
    step(*prepare(fetched, "--min-cells", 0, "--min-cells-qc", 1, "--qc-profile", "case"))
    base = ("predict-dataset", "--prepared", fetched / "prepared", "-o", fetched / "s")
    code, _ = step(*base, "--no-per-cell", "--bootstrap-above", 15, "--balance", "balanced")
    assert code == 0
    shard = json.loads((fetched / "s/shard.json").read_text())
    assert {f["table"] for f in shard["files"]}.isdisjoint({"cell_mirna"})
    assert (shard["dataset"]["pooling"], shard["dataset"]["balance"]) == ("mixed", "balanced")
    pools = pq.read_table(next((fetched / "s/pool_mirna").iterdir())).to_pandas()
    assert pools["method"].tolist() == ["bootstrap", "bootstrap", "average"]


def test_degenerate_pooling_is_a_verdict(step, fetched):
    (fetched / "row.json").write_text(
        json.dumps({**simulated.ROW, "cell_type": "T cell", "donor": None})
    )
    step(*prepare(fetched, "--min-cells", 0, "--min-cells-qc", 1, "--qc-profile", "case"))
    code, lines = step(
        "predict-dataset",
        *("--prepared", fetched / "prepared", "-o", fetched / "s"),
        *("--verdicts", fetched / "verdicts"),
    )
    assert (code, lines) == (0, [])
    said = json.loads((fetched / "verdicts/d1.json").read_text())
    assert said["reason"].startswith("degenerate_pooling: 1 pooled rows of 1 cell types")
    assert said["facts"]["n_cells_qc"] == 60
    assert not (fetched / "s").exists()


def test_a_file_that_fetch_did_not_leave(step, fetched):
    (fetched / "fetched/my.h5ad").unlink()
    code, lines = step(*prepare(fetched))
    assert code == 66
    assert "my.h5ad: no such file" in lines[-1]


def test_what_is_no_json(step, fetched):
    (fetched / "row.json").write_text("{")
    code, lines = step(*prepare(fetched))
    assert code == 64
    assert "row.json: not JSON" in lines[-1]


def test_the_cpu_takes_over_only_if_asked(step, fetched, monkeypatch):
    """No GPU is usable here, with or without torch."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    step(*prepare(fetched, "--min-cells", 0, "--min-cells-qc", 1, "--qc-profile", "case"))
    base = ("predict-dataset", "--prepared", fetched / "prepared", "--device", "cuda", "-o")
    code, said = step(*base, fetched / "s")
    assert code in (64, 69)
    assert said[-1].startswith("sicmir-atlas: error: device 'cuda'")
    assert step(*base, fetched / "s", "--cpu-fallback")[0] == 0
    assert (fetched / "s/shard.json").exists()
