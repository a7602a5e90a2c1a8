from __future__ import annotations

import pandas as pd
import pytest

from sicmir_atlas.atlas.query import open_atlas
from sicmir_atlas.catalogue import labels
from sicmir_atlas.catalogue.labels import study_labels
from sicmir_atlas.check import check_samplesheet
from sicmir_atlas.harmonise.queue import StudyLabel, undecided


@pytest.fixture
def rows(demo_data):
    return check_samplesheet(demo_data / "datasets.csv", base=str(demo_data))


def test_an_atlas_is_asked_before_files(demo_atlas, rows):
    remote = [{**row, "source": "url", "url": "https://example.org/a.h5ad"} for row in rows]
    with open_atlas(demo_atlas) as atlas:
        got = study_labels(remote, atlas=atlas)
        counted = atlas.sql(
            "SELECT dataset_id, cell_type_original AS label, organ, count(*) AS n_cells "
            "FROM cells GROUP BY ALL"
        )
    found = pd.DataFrame(got.labels).drop(columns="share")
    order = ["dataset_id", "label", "organ", "n_cells"]
    assert sorted(found[order].to_numpy().tolist()) == sorted(counted[order].to_numpy().tolist())
    assert got.notes.keys() == {"demo_mouse", "demo_two_types"}
    assert got.notes["demo_mouse"] == (
        "excluded: organism: Mus musculus; only Homo sapiens is included"
    )


def test_shares_are_of_the_dataset(demo_atlas, rows):
    with open_atlas(demo_atlas) as atlas:
        table = pd.DataFrame(study_labels(rows, atlas=atlas).labels)
    assert table.groupby("dataset_id")["share"].sum().round(6).eq(1).all()


@pytest.mark.parametrize(
    ("dataset_id", "row"),
    [("all", "all"), ("all.1a2b3c4d", "all"), ("all.b.1a", "all.b"), ("other", None), ("al", None)],
)
def test_datasets_of_a_collection_belong_to_its_row(dataset_id, row):
    assert labels._row_of(dataset_id, {"all", "all.b"}) == row


def test_files_tell_the_labels_of_the_cells_that_the_filter_keeps(demo_data, rows):
    row = {**rows[0], "filter": "obs:cell_type=T cell|monocyte"}
    named = []
    got = study_labels([row], progress=named.append)
    assert sorted(one[:4] for one in got.labels) == [
        ("demo_blood", "blood", "T cell", 520),
        ("demo_blood", "blood", "monocyte", 200),
    ]
    assert named == ["demo_blood"]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"cell_type": None}, "names no cell types: give column cell_type"),
        ({"cell_type": "obs:nothing"}, "not looked at: demo_blood: column cell_type names"),
        ({"organism": "Mus musculus"}, "not looked at: organism: Mus musculus"),
        ({"url": "gone.h5ad"}, "not looked at: gone.h5ad: no such file"),
        ({"url": "https://example.org/a.h5ad"}, "not looked at: give --atlas, or run it first"),
    ],
)
def test_what_cannot_be_looked_at_is_said_and_stops_no_other(rows, change, note):
    got = study_labels([{**rows[0], **change}, rows[1]])
    assert {one.dataset_id for one in got.labels} == {rows[1]["dataset_id"]}
    assert got.notes["demo_blood"].startswith(note)


def decision(scope, label, term_id):
    return {"field": "cell_type", "scope": scope, "label": label, "term_id": term_id}


def test_decisions_hold_where_they_were_made():
    known = [
        StudyLabel("a", "pancreas", "blorb", 5, 0.5),
        StudyLabel("b", "pancreas", "blorb", 5, 0.5),
        StudyLabel("c", "blood", "blorb", 9, 0.5),
        StudyLabel("d", None, "blorb", 1, 0.5),
        StudyLabel("d", None, "T cell", 90, 0.5),
    ]

    def waiting(*decisions, **options):
        return [one.dataset_id for one in undecided(known, decisions, **options)]

    assert waiting() == ["c", "a", "b", "d"]
    assert waiting(min_cells=5) == ["c", "a", "b"]
    assert waiting(decision("dataset:a", "blorb", "CL:0000171")) == ["c", "b", "d"]
    assert waiting(decision("pancreas", "Blorb", "CL:0000171")) == ["c", "d"]
    assert waiting(decision("*", "blorb", "CL:0000171")) == []
    assert waiting(decision("dataset:a", "other", "CL:0000171")) == ["c", "a", "b", "d"]
