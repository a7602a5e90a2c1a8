from __future__ import annotations

import json
import shutil
from dataclasses import replace

import duckdb
import pyarrow.parquet as pq
import pytest

import simulated
from ensemble import UNMEASURED, ensemble
from sicmir_atlas.atlas.consolidate import consolidate
from sicmir_atlas.atlas.schema import SCHEMA_VERSION, TABLES
from sicmir_atlas.atlas.shard import Shard
from sicmir_atlas.atlas.validate import validate
from sicmir_atlas.errors import InputError
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.names import mirnas
from sicmir_atlas.prepare.cluster import ClusterOptions


def rows_of(atlas, table, columns=None):
    return pq.read_table(atlas / f"{table}.parquet", columns=columns).to_pylist()


def files(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name != "atlas.duckdb"
    }


def test_every_dataset_leaves_in_one_of_three_ways(atlas):
    got = {row["dataset_id"]: row for row in rows_of(atlas, "datasets")}
    assert {name: (row["status"], row["reason"]) for name, row in got.items()} == {
        "labelled": ("included", None),  # whatever an earlier try left
        "unlabelled": ("included", None),
        "refused": ("excluded", "min_cells: 3 called cells"),
        "broken": ("failed", "CorruptError: cut short"),
        "silent": ("failed", "no result: a step ended without output; see the pipeline's log"),
    }
    assert list(got) == sorted(got)


def test_a_failure_without_words_is_a_failure_without_result(build, tmp_path):
    atlas = build(tmp_path / "atlas", failures={"broken": ""})
    reasons = {row["dataset_id"]: row["reason"] for row in rows_of(atlas, "datasets")}
    assert reasons["broken"].startswith("no result")


def test_facts_of_datasets(atlas, model):
    got = {row["dataset_id"]: row for row in rows_of(atlas, "datasets")}
    one = got["labelled"]
    assert (one["n_barcodes"], one["n_cells_raw"], one["n_cells_qc"]) == (21, 21, 21)
    assert (one["n_cell_types"], one["n_donors"], one["n_landmarks"]) == (3, 3, 976)
    assert (one["n_pools"], one["pooling"], one["balance"]) == (3, "average", "published")
    assert (one["tissues"], one["model_id"]) == (["blood"], model.model_id)
    assert (got["unlabelled"]["pooling"], got["unlabelled"]["n_pools"]) == ("none", 0)
    refused = got["refused"]
    assert (refused["n_barcodes"], refused["tissues"]) == (3, ["blood"])
    assert (refused["model_id"], refused["n_pools"], refused["n_cells_qc"]) == (None, None, None)


def test_tables_hold_what_the_shards_hold(atlas, shards):
    for name, spec in TABLES.items():
        if name in ("datasets", "mirnas"):
            continue
        expected = sum(f.rows for shard in shards for f in shard.files if f.table == name)
        if spec.per_dataset:
            found = [pq.read_metadata(p).num_rows for p in (atlas / name).glob("*.parquet")]
        else:
            found = [pq.read_metadata(atlas / f"{name}.parquet").num_rows]
        assert sum(found) == expected > 0
    missing = {(r["dataset_id"], r["landmark"]) for r in rows_of(atlas, "missing_landmarks")}
    assert missing == {("labelled", "PSME1"), ("unlabelled", "PSME1")}


def test_the_panel_says_how_far_it_can_be_trusted(atlas, model):
    rows = rows_of(atlas, "mirnas")
    assert [row["mirna"] for row in rows] == list(mirnas())
    assert [row["position"] for row in rows] == list(range(1, 1299))
    for row in rows:
        pcc = model.card["reliability"].get(row["mirna"])
        assert (row["reliability"] is None) == (pcc is None)
        assert row["is_hub"] == (None if pcc is None else pcc >= 0.8)
        assert row["is_trained"] == (row["mirna"] not in model.card["mirnas_untrained"])
    named = {row["mirna"]: (row["stem"], row["arm"]) for row in rows}
    assert named["hsa-miR-21-5p"] == ("hsa-miR-21", "5p")


def test_a_model_that_stores_its_domain_and_intervals(tmp_path):
    several = ensemble(limit=0.9)
    data = simulated.cells({"T cell": 8, "B cell": 7, "own": 6})
    shards = []
    for name, cell_type in (("labelled", "obs:label"), ("unlabelled", None)):
        folder = tmp_path / name
        prepared = simulated.prepare(
            data,
            folder,
            dataset_id=name,
            cell_type=cell_type,
            clustering=ClusterOptions(when="never"),
        )
        predictor = load_predictor(several)
        shards.append(simulated.predict(prepared, folder / "shard", several, predictor))
    consolidate(
        [{**simulated.ROW, "dataset_id": name} for name in ("labelled", "unlabelled", "refused")],
        tmp_path / "atlas",
        shards=shards,
        verdicts={"refused": {"reason": "min_cells: 3 called cells"}},
        failures={},
        model=several,
        parameters={},
    )
    assert validate(tmp_path / "atlas") == []
    got = {row["dataset_id"]: row for row in rows_of(tmp_path / "atlas", "datasets")}
    assert {name: row["is_far"] for name, row in got.items()} == {
        "labelled": True,
        "unlabelled": None,
        "refused": None,
    }
    assert [row["is_short_of_landmarks"] for row in got.values()] == [False, None, False]
    assert 0.9 < got["labelled"]["domain_distance"] < 1
    manifest = json.loads((tmp_path / "atlas/manifest.json").read_text())
    assert manifest["model"] == {"model_id": "ensemble", "domain_limit": 0.9}
    ends = {"reliability": (-0.1, 0.04), "reliability_within_cohort": (-0.1, 0.05)}
    for row in rows_of(tmp_path / "atlas", "mirnas"):
        for name, (low, high) in ends.items():
            found = [row[name], row[f"{name}_low"], row[f"{name}_high"]]
            if row["mirna"] == UNMEASURED:
                assert found == [None] * 3
            else:
                expected = [row[name], row[name] + low, row[name] + high]
                assert found == pytest.approx(expected, abs=1e-6)


def test_the_same_bytes_wherever_it_is_built(atlas, build, tmp_path, shards):
    moved = []
    for shard in shards:
        target = tmp_path / "elsewhere" / shard.folder.name
        shutil.copytree(shard.folder, target)
        moved.append(Shard(target))
    again = build(tmp_path / "deep/er/atlas", shards=moved[::-1])
    assert files(again) == files(atlas)
    assert databases_say(again) == databases_say(atlas)


def databases_say(atlas):
    with duckdb.connect(str(atlas / "atlas.duckdb"), read_only=True) as connection:
        queries = (
            "SELECT view_name, sql, comment FROM duckdb_views() WHERE NOT internal ORDER BY 1",
            "SELECT table_name, sql, comment FROM duckdb_tables() ORDER BY 1",
            "SELECT table_name, column_name, comment FROM duckdb_columns() ORDER BY 1, 2",
            "FROM datasets",
            "FROM cell_type_mirna",
        )
        return [connection.execute(query).fetchall() for query in queries]


def test_the_manifest_knows_no_place_and_no_time(atlas, tmp_path):
    text = (atlas / "manifest.json").read_text()
    manifest = json.loads(text)
    assert str(atlas.parent) not in text
    assert str(atlas.parents[1]) not in text
    assert "/tmp" not in text
    assert set(manifest) == {
        "schema_version",
        "processing_version",
        "pipeline_version",
        "model",
        "parameters",
        "datasets",
        "files",
    }
    assert manifest["schema_version"] == SCHEMA_VERSION
    assert {name: about.get("sha256") for name, about in manifest["datasets"].items()} == {
        "labelled": "0" * 64,
        "unlabelled": "0" * 64,
        "refused": "2" * 64,
        "broken": None,
        "silent": None,
    }
    assert [f["path"] for f in manifest["files"]] == sorted(f["path"] for f in manifest["files"])
    on_disk = {p.relative_to(atlas).as_posix() for p in atlas.rglob("*.parquet")}
    assert {f["path"] for f in manifest["files"]} == on_disk


def test_all_excluded_is_a_sound_empty_atlas(build, tmp_path):
    atlas = build(
        tmp_path / "atlas",
        datasets=[{"dataset_id": "refused", "source": "file", "organism": "obs:x"}],
        shards=[],
        failures={},
    )
    assert validate(atlas) == []
    with duckdb.connect(str(atlas / "atlas.duckdb"), read_only=True) as connection:
        for name in TABLES:
            (n,) = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()
            assert n == {"datasets": 1, "mirnas": 1298}.get(name, 0)
        found = connection.execute("SELECT status, organism FROM datasets").fetchall()
        assert found == [("excluded", None)]
        assert connection.execute('SELECT "hsa-miR-21-5p" FROM cell_mirna').fetchall() == []


def test_all_failed(build, tmp_path):
    atlas = build(tmp_path / "atlas", shards=[], verdicts={}, failures={})
    assert validate(atlas) == []
    assert {row["status"] for row in rows_of(atlas, "datasets")} == {"failed"}


@pytest.mark.parametrize(
    ("what", "value"),
    [("schema_version", "0.9.0"), ("processing_version", "0"), ("model_id", "another")],
)
def test_a_mix_of_versions_is_refused(build, shards, tmp_path, what, value):
    folder = tmp_path / "labelled"
    shutil.copytree(shards[0].folder, folder)
    old = json.loads((folder / "shard.json").read_text())
    old["versions"][what] = value
    (folder / "shard.json").write_text(json.dumps(old))
    with pytest.raises(InputError, match=f"labelled: made with {what} {value}.*never mixed"):
        build(tmp_path / "atlas", shards=[Shard(folder), shards[1]])
    assert not (tmp_path / "atlas").exists()


def test_another_model_is_refused(build, model, tmp_path):
    with pytest.raises(InputError, match="labelled: made with model_id"):
        build(tmp_path / "atlas", model=replace(model, model_id="new"))


def test_shares_of_datasets_not_in_the_list_stay_out(build, tmp_path):
    rows = [{"dataset_id": "unlabelled", "source": "file"}]
    atlas = build(tmp_path / "atlas", datasets=rows)
    assert validate(atlas) == []
    assert {row["dataset_id"] for row in rows_of(atlas, "qc_losses")} == {"unlabelled"}
    assert not list(atlas.rglob("labelled-*"))


def test_an_earlier_atlas_is_replaced_whole(build, tmp_path, monkeypatch):
    atlas = build(tmp_path / "atlas")
    before = files(atlas)

    def broken(*_):
        msg = "disk full"
        raise OSError(msg)

    with monkeypatch.context() as patched:
        patched.setattr("sicmir_atlas.atlas.consolidate.build_database", broken)
        with pytest.raises(OSError, match="disk full"):
            build(tmp_path / "atlas", verdicts={})
    assert files(atlas) == before
    build(tmp_path / "atlas", shards=[])
    assert not list(atlas.rglob("labelled-*"))
    assert not list(tmp_path.glob("*.part"))
