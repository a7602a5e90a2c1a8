from __future__ import annotations

import csv
import errno
import gzip

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.readers import open_counts


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    counts = pd.DataFrame(rng.poisson(0.3, (50, 31)))
    counts.index = [f"GENE{i}" for i in range(50)]
    counts.columns = [f"run1.CELL{i}" for i in range(31)]
    return counts


def everything(path, n_rows=10, **options):
    with open_counts([path], **options) as matrix:
        values = sparse.vstack(list(matrix.blocks(n_rows))).toarray()
        return pd.DataFrame(
            values.T, index=matrix.genes["name"].to_numpy(), columns=matrix.cells.index.to_numpy()
        )


@pytest.mark.parametrize("sep", [",", "\t", ";", " "])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv.gz", "a.txt", "T_cells_counts.csv"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC, csv.QUOTE_ALL])
def test_equals_pandas(tmp_path, table, sep, name, quoting):
    table.to_csv(tmp_path / name, sep=sep, quoting=quoting)
    pd.testing.assert_frame_equal(everything(tmp_path / name), table, check_dtype=False)


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC])
def test_header_as_r_writes_it(tmp_path, table, quoting):
    text = table.to_csv(sep="\t", index_label=False, quoting=quoting, lineterminator="\r\n")
    (tmp_path / "a.tsv").write_bytes(text.encode())
    pd.testing.assert_frame_equal(everything(tmp_path / "a.tsv"), table, check_dtype=False)


def test_small_text_blocks_fractions_and_exponents(tmp_path, table, monkeypatch):
    monkeypatch.setattr("sicmir_atlas.readers.delimited._TEXT_BLOCK", 200)
    table = table * 1.1
    table.iloc[3, 3] = 1e5
    table.to_csv(tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text()
    (tmp_path / "a.csv").write_text(text.replace("100000.0", "1e+05"))
    expected = pd.read_csv(tmp_path / "a.csv", index_col=0, float_precision="round_trip")
    pd.testing.assert_frame_equal(everything(tmp_path / "a.csv"), expected, check_exact=True)


def test_delimiter_inside_a_quoted_name_and_repeated_genes(tmp_path):
    (tmp_path / "a.csv").write_text('"",c1,c2\n"HLA-A,B",1,2\nTP53,3,0\nTP53,0,4\n\n')
    got = everything(tmp_path / "a.csv")
    assert got.index.tolist() == ["HLA-A,B", "TP53", "TP53"]
    assert got.to_numpy().tolist() == [[1, 2], [3, 0], [0, 4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("g,c1,c2\nA,1,2\nB,1\n", r"line 3 .B. has 1 values, the header names 2"),
        ("g,c1,c2\nA,1,2\n\nB,1,2,3\n", r"line 3 .B. has 3 values, the header names 2"),
        ("g,c1,c2\nA,1,2\nB,1,x\n", r"line 3 .B., column c2: 'x' is not a number"),
        ("g,c1,c2\nA,1,2\nB,y,2\n", r"line 3 .B., column c1: 'y' is not a number"),
        ("# run\ng,c1,c2\nA,1,\n", r"line 3 .A., column c2: '' is not a number: counts have no"),
        ("g;c1;c2\nA;1;0,5\nB;1;2\n", r"line 2 .A., column c2: '0,5' is not a number"),
        ("g,c1,c1\nA,1,1\n", "1 cell ids occur more than once .such as c1"),
        ("hello\nworld\n", "do not split"),
        ("g,c1,c2\n", "no line of counts after the header"),
    ],
)
def test_wrong_text_is_named(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=r"a\.csv: .*" + message):
        everything(tmp_path / "a.csv")


def test_truncated_gzip(tmp_path):
    counts = pd.DataFrame(np.random.default_rng(0).poisson(3, (2000, 100)))
    body = gzip.compress(counts.to_csv().encode())
    (tmp_path / "a.csv.gz").write_bytes(body[: len(body) // 2])
    with pytest.raises(CorruptError, match=r"a\.csv\.gz: cut short"):
        everything(tmp_path / "a.csv.gz")


def test_metadata_beside_it(tmp_path, table):
    table.to_csv(tmp_path / "counts.csv.gz")
    meta = pd.DataFrame({"type": ["T", "B"] * 15 + ["T"]}, index=table.columns[::-1])
    meta.to_csv(tmp_path / "cell_annotation.txt", sep="\t", index_label=False)
    with open_counts([tmp_path / "cell_annotation.txt", tmp_path / "counts.csv.gz"]) as matrix:
        assert matrix.cells["type"].tolist() == meta["type"].tolist()[::-1]


def test_a_full_disk_is_not_blamed_on_the_file(tmp_path, table, monkeypatch):
    table.to_csv(tmp_path / "a.csv.gz")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sicmir_atlas.readers.delimited.Spill.add", full)
    with pytest.raises(OSError, match="No space left on device"):
        open_counts([tmp_path / "a.csv.gz"])
