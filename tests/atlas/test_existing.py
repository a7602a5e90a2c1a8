"""An atlas that is extended has the Parquet files of one that is built from nothing."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import simulated
from sicmir_atlas.atlas.existing import ExistingAtlas
from sicmir_atlas.atlas.validate import validate
from sicmir_atlas.errors import CorruptError, GoneError, InputError

PRINTS = {
    name: {"row": name, "row_fingerprint": f"r-{name}", "fingerprint": f"f-{name}"}
    for name in ("labelled", "unlabelled", "refused", "broken")
}


def rows(*names):
    return [{**simulated.ROW, "dataset_id": name} for name in names]


def content(atlas):
    files = [p for p in atlas.rglob("*") if p.suffix in (".parquet", ".json")]
    return {p.relative_to(atlas).as_posix(): p.read_bytes() for p in files}


@pytest.fixture(scope="module")
def whole(build, tmp_path_factory):
    return build(tmp_path_factory.mktemp("whole") / "atlas", fingerprints=PRINTS)


@pytest.mark.parametrize("first", ["labelled", "unlabelled"])
def test_extended_and_built_from_nothing_are_the_same(build, shards, whole, tmp_path, first):
    """Whichever dataset was there before; the excluded one is taken over with its verdict."""
    taken = [shard for shard in shards if shard.dataset["dataset_id"] == first]
    new = [shard for shard in shards if shard.dataset["dataset_id"] != first]
    before = build(
        tmp_path / "before",
        datasets=rows(first, "refused"),
        shards=taken,
        failures={},
        fingerprints=PRINTS,
    )
    after = build(
        tmp_path / "after",
        shards=new,
        verdicts={},
        existing=ExistingAtlas(before, [first, "refused"]),
        fingerprints=PRINTS,
    )
    assert content(after) == content(whole)
    assert validate(after) == []
    manifest = json.loads((before / "manifest.json").read_text())
    assert validate(after, existing=manifest) == []


def test_a_removed_dataset_goes(build, whole, shards, tmp_path):
    left = build(
        tmp_path / "left",
        datasets=rows("labelled"),
        shards=[],
        verdicts={},
        failures={},
        existing=ExistingAtlas(whole, ["labelled"]),
        fingerprints=PRINTS,
    )
    alone = build(
        tmp_path / "alone",
        datasets=rows("labelled"),
        shards=shards[:1],
        verdicts={},
        failures={},
        fingerprints=PRINTS,
    )
    assert content(left) == content(alone)
    assert not [p for p in left.rglob("*.parquet") if "unlabelled" in p.name]


def test_what_only_describes_a_dataset_is_taken_from_the_row(build, whole, tmp_path):
    renamed = [{**simulated.ROW, "dataset_id": "labelled", "title": "Another title"}]
    after = build(
        tmp_path / "after",
        datasets=renamed,
        shards=[],
        verdicts={},
        failures={},
        existing=ExistingAtlas(whole, ["labelled"]),
    )
    (row,) = pq.read_table(after / "datasets.parquet").to_pylist()
    assert row["title"] == "Another title"
    assert row["status"] == "included"


def test_a_dataset_that_is_done_again_is_not_taken_over(build, whole, shards, tmp_path):
    """A share comes before what the existing atlas holds, should both be given."""
    after = build(
        tmp_path / "after", existing=ExistingAtlas(whole, ["labelled"]), fingerprints=PRINTS
    )
    assert content(after) == content(whole)


def test_the_manifest_tells_what_results_follow_from(whole):
    known = json.loads((whole / "manifest.json").read_text())["datasets"]
    assert known["labelled"]["fingerprint"] == "f-labelled"
    assert known["labelled"]["status"] == "included"
    assert known["refused"]["fingerprint"] == "f-refused"
    assert "fingerprint" not in known["broken"], "what failed is tried again"


def test_a_row_that_cannot_be_looked_up_keeps_what_was_learnt_of_it(whole):
    facts = ExistingAtlas(whole, ["labelled"]).facts("labelled", "a_collection")
    assert facts["row"] == "a_collection"
    assert facts["dataset_id"] == "labelled"


def test_versions_are_never_mixed(build, whole, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    manifest = json.loads((whole / "manifest.json").read_text())
    for name in whole.iterdir():
        (other / name.name).symlink_to(name)
    (other / "manifest.json").unlink()
    (other / "manifest.json").write_text(json.dumps({**manifest, "processing_version": 1}))
    with pytest.raises(InputError, match="labelled: made with processing_version 1"):
        build(tmp_path / "mixed", existing=ExistingAtlas(other, ["labelled"]), shards=[])
    assert not (tmp_path / "mixed").exists()


def test_what_is_no_atlas_is_said(whole, tmp_path):
    with pytest.raises(GoneError, match="no atlas here"):
        ExistingAtlas(tmp_path, [])
    with pytest.raises(InputError, match="has no dataset another"):
        ExistingAtlas(whole, ["another"])
    with pytest.raises(InputError, match="published anew while this run went on"):
        ExistingAtlas(whole, [], sha256="0" * 64)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(CorruptError, match="cannot be read"):
        ExistingAtlas(tmp_path, [])


@pytest.mark.parametrize("damage", ["gone", "shorter", "another schema"])
def test_files_taken_over_are_still_looked_at(build, whole, tmp_path, damage):
    existing = ExistingAtlas(whole, ["labelled", "unlabelled", "refused"])
    after = build(tmp_path / "after", shards=[], verdicts={}, existing=existing)
    path = next((after / "cells").glob("labelled-*"))
    data = path.read_bytes()
    path.unlink()
    if damage == "shorter":
        path.write_bytes(data[:-1])
    elif damage == "another schema":
        pq.write_table(pa.table({"x": [1]}), path)
        path.write_bytes(path.read_bytes().ljust(len(data), b"\0"))
    problems = validate(after, existing=existing.manifest)
    assert any(path.name in problem.where for problem in problems)


def test_an_atlas_of_a_former_schema_has_nothing_to_take_over(build, whole, tmp_path):
    """Its manifest has no datasets; all of them were done again."""
    manifest = json.loads((whole / "manifest.json").read_text())
    del manifest["datasets"]
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "schema_version": "1.1.0"}))
    after = build(tmp_path / "after", existing=ExistingAtlas(tmp_path, []), fingerprints=PRINTS)
    assert content(after) == content(whole)
