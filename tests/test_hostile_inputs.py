from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import sicmir_atlas as sa
import simulated
from sicmir_atlas.check import InvalidInputError, check_parameters
from sicmir_atlas.cli._table import as_text
from sicmir_atlas.cli.app import main
from sicmir_atlas.errors import ExcludedDataset, InputError
from sicmir_atlas.prepare import qc
from sicmir_atlas.prepare.dataset import prepare_dataset
from sicmir_atlas.readers import open_counts


def last_words(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return left.value.code, said.splitlines()[-1]


@pytest.fixture
def counts(tmp_path):
    simulated.cells({"a": 5, "b": 4}).write_h5ad(tmp_path / "counts.h5ad")
    return tmp_path / "counts.h5ad"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"gene,c1,c2\rA,1,2\rB,0,3\r", "lines end in CR alone"),
        (b"%" + os.urandom(64) + b"\r\0\r,\n" * 9, "not text: there are NUL bytes"),
    ],
)
def test_a_table_without_lines_is_refused(tmp_path, body, message):
    (tmp_path / "a.csv").write_bytes(body)
    with pytest.raises(InputError, match=r"a\.csv: " + message):
        open_counts([tmp_path / "a.csv"])


def test_output_that_cannot_be_is_said_before_work_begins(tmp_path, counts, capsys):
    missing = tmp_path / "no" / "x.csv"
    code, line = last_words(capsys, "predict", counts, "-o", missing)
    assert (code, line) == (
        66,
        f"sicmir-atlas: error: {missing.parent}: no such folder: make it, or write elsewhere",
    )


def test_a_folder_in_the_place_of_a_file(tmp_path, counts, capsys):
    (tmp_path / "x.csv").mkdir()
    code, line = last_words(capsys, "predict", counts, "-o", tmp_path / "x.csv")
    assert (code, line) == (66, f"sicmir-atlas: error: {tmp_path / 'x.csv'}: Is a directory")
    assert not list(tmp_path.glob(".part*"))
    code, line = last_words(capsys, "demo", counts)
    assert (code, line) == (66, f"sicmir-atlas: error: {counts}: File exists")


@pytest.fixture
def nameless(tmp_path):
    """A table whose genes are called as cells might be."""
    table = pd.DataFrame(
        np.ones((3, 977), int),
        index=["cell_1", "cell_2", "cell_3"],
        columns=[f"x{i}" for i in range(977)],
    )
    table.to_csv(tmp_path / "counts.csv")
    return tmp_path / "counts.csv"


def test_a_table_without_known_genes_is_told_by_their_names(nameless, capsys):
    code, line = last_words(capsys, "predict", nameless, "-o", nameless.with_name("x.csv"))
    assert code == 64
    assert line.endswith("here they are cell_1, cell_2, cell_3, …")


ROW = {
    "dataset_id": "d",
    "organism": "Homo sapiens",
    "tissue": "obs:tissue",
    "disease": "normal",
    "cell_type": "T cell",
}


def prepare(path, row, output):
    prepare_dataset(
        row,
        [path],
        output,
        source={"sha256": "0" * 64, "files": []},
        profile=qc.PROFILES["atlas"],
        profile_name="atlas",
    )


def test_the_verdict_names_genes_too(nameless, tmp_path):
    with pytest.raises(ExcludedDataset, match=r"^landmarks: .* cell_1, cell_2, cell_3, …: check"):
        prepare(nameless, {**ROW, "tissue": "blood"}, tmp_path / "prepared")


def test_no_cells_are_too_few_cells(tmp_path):
    empty = simulated.cells({"a": 5})[:0].copy()
    empty.obs["tissue"] = "blood"
    empty.write_h5ad(tmp_path / "empty.h5ad")
    with pytest.raises(ExcludedDataset, match=r"^min_cells: 0 called cells"):
        prepare(tmp_path / "empty.h5ad", ROW, tmp_path / "prepared")


def test_a_wide_answer_is_cut_and_says_so():
    wide = pd.DataFrame(np.zeros((201, 1300)), columns=[f"c{i}" for i in range(1300)])
    lines = as_text(wide).splitlines()
    assert lines[0].split() == [f"c{i}" for i in range(30)]
    assert lines[-1] == "… 1 more rows and 1270 more columns: use --format csv"


def test_null_is_no_kind_of_parameter():
    schema = {"$defs": {"g": {"properties": {"n": {"type": ["integer", "null"]}}}}}
    schema["properties"] = schema["$defs"]["g"]["properties"]
    with pytest.raises(InvalidInputError, match=r"--n: 'x' is not of type 'integer'$"):
        check_parameters({"n": "x"}, schema=schema)


def test_cells_without_a_label_are_counted(caplog):
    adata = simulated.cells({"a": 5, "b": 4, "c": 3, "d": 2})
    labels = adata.obs["label"].astype(str).replace({"d": " "}).to_numpy(object)
    labels[0] = None
    labels[5] = " b "
    adata.obs["label"] = labels
    with caplog.at_level("INFO", "sicmir_atlas"):
        pools = sa.predict(adata, by="label").index.get_level_values("pool_id")
    assert list(pools) == ["a_average", "b_average", "c_average"]
    assert "3 of 14 cells have no label and go into no pool" in caplog.messages


def test_rows_that_are_all_alike_are_refused():
    adata = simulated.cells({"a": 5})
    adata.X = sparse.csr_matrix(adata.shape, dtype=np.float32)
    with pytest.raises(InputError, match="no landmark gene differs between rows"):
        sa.predict(adata)
