from __future__ import annotations

import csv

import pytest

from sicmir_atlas.catalogue.sheet import add_rows, read_sheet, require_writable, write_sheet
from sicmir_atlas.check import InvalidInputError, check_samplesheet
from sicmir_atlas.errors import InputError

ROWS = [
    {"title": 'Lung, "airways"', "dataset_id": "GSE1", "source": "geo", "accession": "GSE1"},
    {"dataset_id": "own", "source": "file", "url": "data/a.h5ad", "n_cells": "7", "doi": ""},
]


def test_columns_stand_in_the_schemas_order_and_hold_something(tmp_path):
    write_sheet(tmp_path / "new" / "d.csv", ROWS)
    text = (tmp_path / "new" / "d.csv").read_text()
    assert text.splitlines() == [
        "dataset_id,source,accession,url,n_cells,title",
        'GSE1,geo,GSE1,,,"Lung, ""airways"""',
        "own,file,,data/a.h5ad,7,",
    ]
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["d.csv"]
    assert len(check_samplesheet(tmp_path / "new" / "d.csv", base="")) == 2


def test_paths_keep_leading_to_the_same_file(tmp_path):
    write_sheet(tmp_path / "a" / "d.csv", ROWS)
    assert read_sheet(tmp_path / "a/d.csv", beside=tmp_path / "a")[1]["url"] == "data/a.h5ad"
    assert read_sheet(tmp_path / "a/d.csv", beside=tmp_path)[1]["url"] == "a/data/a.h5ad"
    moved = read_sheet(tmp_path / "a/d.csv", beside=tmp_path / "b" / "c")[1]["url"]
    assert (tmp_path / "b" / "c" / moved).resolve() == (tmp_path / "a/data/a.h5ad").resolve()


def test_an_unknown_column_is_refused_as_check_does(tmp_path):
    (tmp_path / "d.csv").write_text("dataset_id,source,accesion\nGSE1,geo,GSE1\n")
    with pytest.raises(InvalidInputError, match=r"'accesion': no such column; did you mean acc"):
        read_sheet(tmp_path / "d.csv", beside=tmp_path)


def test_a_sheet_is_not_overwritten(tmp_path):
    path = tmp_path / "d.csv"
    require_writable(path, update=False)
    write_sheet(path, ROWS)
    require_writable(path, update=True)
    with pytest.raises(InputError, match=r"d\.csv: there is a samplesheet already: --update"):
        require_writable(path, update=False)
    with pytest.raises(InputError, match=r"ends in \.csv"):
        require_writable(tmp_path / "d.xlsx", update=False)


def test_rows_that_are_there_keep_every_edit():
    old = [
        {"dataset_id": "gse1", "source": "geo", "accession": "GSE1", "tissue": "mended"},
        {"dataset_id": "renamed", "source": "geo", "accession": "gse2", "tissue": None},
        {"dataset_id": "lung", "source": "cellxgene", "accession": "old"},
        {"dataset_id": "mine", "source": "file", "url": "a.h5ad", "accession": None},
    ]
    new = [
        {"dataset_id": "GSE1", "source": "geo", "accession": "GSE1", "tissue": "lung"},
        {"dataset_id": "GSE2", "source": "geo", "accession": "GSE2", "tissue": "lung"},
        {"dataset_id": "lung", "source": "cellxgene", "accession": "newer"},
        {"dataset_id": "GSE3", "source": "geo", "accession": "GSE3"},
    ]
    added = add_rows(old, new)
    assert added.rows == [*old, new[3]]
    assert added.notes == [
        "lung: kept with accession old; found now: newer",
        "4 rows kept as they were, 1 added",
    ]


def test_line_ends_stay_in_their_cell(tmp_path):
    row = {**ROWS[0], "title": "two\nlines,\tand a tab"}
    write_sheet(tmp_path / "d.csv", [row])
    with (tmp_path / "d.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["title"] == "two\nlines,\tand a tab"
