from __future__ import annotations

import csv

import pytest

from sicmir_atlas.catalogue.merge import merge, write_dropped
from sicmir_atlas.errors import ExcludedDataset
from sicmir_atlas.sources.blocklist import read_blocklist, require_wanted

C1, C2 = "1a2b3c4d-0000-4000-8000-000000000001", "1a2b3c4d-0000-4000-8000-000000000002"


def row(name, source, accession, **cells):
    return {"dataset_id": name, "source": source, "accession": accession, **cells}


@pytest.fixture
def sheets():
    first = [row("lung", "cellxgene", C1, same_as="GSE1"), row("liver", "cellxgene", C2)]
    second = [row("GSE1", "geo", "GSE1"), row("LUNG", "geo", "GSE5"), row("GSE6", "geo", "GSE6")]
    return first, second


def test_the_sheet_named_first_stays(sheets):
    merged = merge(sheets)
    assert [(r["dataset_id"], r["accession"]) for r in merged.rows] == [
        ("lung", C1),
        ("liver", C2),
        ("LUNG-2", "GSE5"),
        ("GSE6", "GSE6"),
    ]
    assert merged.dropped == [
        {
            "accession": "GSE1",
            "reason": "the same data as lung: accession GSE1 is in its same_as",
            "dataset_id": "GSE1",
            "kept": "lung",
        }
    ]
    assert merged.notes == ["LUNG: the name is taken by other data: renamed LUNG-2"]
    turned = merge(sheets[::-1])
    assert [r["dataset_id"] for r in turned.rows] == ["GSE1", "LUNG", "GSE6", "liver"]
    assert [r["kept"] for r in turned.dropped] == ["GSE1"]


def test_what_may_be_shared_stays_and_is_said():
    merged = merge([[row("a", "geo", "GSE1")], [row("b", "cellxgene", C1, same_as="GSE1|GSE2")]])
    assert len(merged.rows) == 2
    assert merged.dropped == []
    assert merged.notes == [
        "b: kept, may share data with a: GSE1 in same_as; how much they share is not known"
    ]


def test_long_names_that_clash_stay_in_length():
    long = "x" * 64
    merged = merge([[row(long, "geo", f"GSE{i}")] for i in range(1, 13)])
    names = [r["dataset_id"] for r in merged.rows]
    assert len(set(names)) == 12
    assert max(map(len, names)) == 64
    assert names[1].endswith("xx-2")
    assert names[11].endswith("x-12")


def test_dropped_rows_are_a_blocklist(sheets, tmp_path):
    same = [row("again", "cellxgene", C1.upper()), {"dataset_id": "f", "source": "file"}]
    same[1] |= {"url": "f.h5ad", "doi": "10.1038/s41"}
    sheets[0][1]["doi"] = "10.1038/S41"
    merged = merge([*sheets, same])
    assert {r["dataset_id"] for r in merged.dropped} == {"GSE1", "again", "f"}
    write_dropped(tmp_path / "dropped.csv", merged)
    with (tmp_path / "dropped.csv").open() as file:
        written = list(csv.DictReader(file))
    # C1 stays under another row: as a blocklist it would refuse that one
    assert [(r["accession"], r["dataset_id"], r["kept"]) for r in written] == [
        ("GSE1", "GSE1", "lung"),
        ("f.h5ad", "f", "liver"),
    ]
    blocked = read_blocklist(tmp_path / "dropped.csv")
    with pytest.raises(ExcludedDataset, match="blocklist: GSE1: the same data as lung"):
        require_wanted(["GSE1"], blocked)
    again = merge([*sheets, same], blocked=blocked)
    assert [r["dataset_id"] for r in again.rows] == [r["dataset_id"] for r in merged.rows]


def test_a_blocklist_of_what_was_dropped_refuses_no_row_that_stays(tmp_path):
    page = f"https://cellxgene.cziscience.com/collections/{C1}"
    rows = [row("a", "cellxgene", page), row("b", "geo", "GSM1|GSM2")]
    merged = merge([rows, [row("c", "cellxgene", C1), row("d", "geo", "GSM2")]])
    assert [r["dataset_id"] for r in merged.dropped] == ["c", "d"]
    write_dropped(tmp_path / "dropped.csv", merged)
    again = merge([rows], blocked=read_blocklist(tmp_path / "dropped.csv"))
    assert [r["dataset_id"] for r in again.rows] == ["a", "b"]


def test_a_blocklist_leaves_rows_out(sheets):
    merged = merge(sheets, blocked={"gse6": "cell lines", C2: "organoids"})
    assert {r["dataset_id"]: r["reason"] for r in merged.dropped if not r["kept"]} == {
        "liver": f"blocklist: {C2}: organoids",
        "GSE6": "blocklist: GSE6: cell lines",
    }
    assert [r["dataset_id"] for r in merged.rows] == ["lung", "LUNG-2"]
