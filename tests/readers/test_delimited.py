from __future__ import annotations

import csv
import errno
import gzip

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.names import landmarks, read_data_table
from sicmir_atlas.readers import open_counts
from sicmir_atlas.readers.delimited import DelimitedMatrix
from sicmir_atlas.readers.limits import Limits


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
        ("g,c1,c2\rA,1,2\rB,0,3\r", "lines end in CR alone, as on old Macs: convert it"),
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


@pytest.fixture
def human(table):
    """The same counts under the names of landmark genes."""
    return table.set_axis(landmarks()[:50])


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC, csv.QUOTE_ALL])
@pytest.mark.parametrize("sep", [",", "\t", ";"])
@pytest.mark.parametrize("name", ["a.csv.gz", "a.txt"])
def test_cells_in_rows_are_told_by_the_names_above(tmp_path, human, sep, name, quoting):
    human.T.to_csv(tmp_path / name, sep=sep, quoting=quoting, lineterminator="\r\n")
    pd.testing.assert_frame_equal(everything(tmp_path / name), human, check_dtype=False)


@pytest.mark.parametrize("kind", ["symbol", "alias", "ensembl", "mouse", "mouse_ensembl"])
def test_what_counts_as_the_name_of_a_gene(tmp_path, human, kind):
    panel = read_data_table("landmarks.tsv")[:50]
    names = {
        "symbol": panel["approved_symbol"].to_list(),
        "alias": read_data_table("landmark_aliases.tsv")["alias"].drop_duplicates()[:50],
        "ensembl": [f"{name}.{i}" for i, name in enumerate(panel["ensembl_gene_id"])],
        "mouse": [name.capitalize() for name in human.index],
        "mouse_ensembl": [f"ENSMUSG{i:011d}" for i in range(50)],
    }[kind]
    table = human.set_axis(list(names))
    table.to_csv(tmp_path / "a.csv")
    table.T.to_csv(tmp_path / "b.csv")
    for name in ("a.csv", "b.csv"):
        pd.testing.assert_frame_equal(everything(tmp_path / name), table, check_dtype=False)


def test_a_few_known_names_among_thousands_of_genes_decide(tmp_path):
    names = [f"GENE{i}" for i in range(3000)]
    names[::60] = landmarks()[:50]
    counts = np.random.default_rng(0).poisson(0.2, (3000, 7))
    table = pd.DataFrame(counts, index=names, columns=["CD4", *(f"c{i}" for i in range(6))])
    for name, given in (("a.csv", table), ("b.csv", table.T)):
        given.to_csv(tmp_path / name)
        pd.testing.assert_frame_equal(everything(tmp_path / name), table, check_dtype=False)


def test_cells_in_rows_in_small_text_blocks(tmp_path, human, monkeypatch):
    monkeypatch.setattr("sicmir_atlas.readers.delimited._TEXT_BLOCK", 200)
    monkeypatch.setattr("sicmir_atlas.readers.delimited._SAMPLE_LINES", 2)
    wide = pd.concat([human.add_prefix(f"{k}_", axis=1) for k in range(90)], axis=1)
    wide.T.to_csv(tmp_path / "a.csv")
    pd.testing.assert_frame_equal(everything(tmp_path / "a.csv"), wide, check_dtype=False)


@pytest.mark.parametrize("r_header", [True, False])
def test_columns_of_text_become_columns_of_cells(tmp_path, human, r_header):
    cells = human.T
    cells.insert(0, "cell_type", ["T cell, CD4", "B"] * 15 + [""])
    cells.insert(1, "donor", "01")
    cells.insert(2, "n_counts", range(31))
    cells["label"] = [f'l{i % 3}, "x"' for i in range(31)]
    cells.to_csv(tmp_path / "a.csv", index_label=False if r_header else None)
    with open_counts([tmp_path / "a.csv"]) as matrix:
        assert matrix.genes["name"].tolist() == human.index.tolist()
        assert matrix.cells.index.tolist() == human.columns.tolist()
        assert matrix.cells["cell_type"].tolist()[:2] == ["T cell, CD4", "B"]
        assert matrix.cells["cell_type"].isna().sum() == 1
        assert matrix.cells["donor"].unique().tolist() == ["01"]
        assert matrix.cells["n_counts"].tolist() == list(range(31))
        assert matrix.cells["label"].tolist() == cells["label"].tolist()
        got = sparse.vstack(list(matrix.blocks(10))).toarray()
    np.testing.assert_array_equal(got, human.T)


def test_the_column_of_cell_ids_need_not_be_the_first(tmp_path, human):
    cells = human.T.reset_index(names="barcode")
    cells.to_csv(tmp_path / "a.csv")  # before it a number, as R and pandas write
    got = everything(tmp_path / "a.csv")
    pd.testing.assert_frame_equal(got, human, check_dtype=False)


@pytest.mark.parametrize("before", [["gene_id", "gene_name"], ["gene_name", "gene_id"]])
def test_ids_and_symbols_beside_genes_in_rows(tmp_path, human, before):
    ids = read_data_table("landmarks.tsv")["ensembl_gene_id"][:50].to_numpy()
    table = human.reset_index(drop=True)
    columns = {"gene_id": ids, "gene_name": human.index, "Length": range(50), "biotype": "coding"}
    for place, name in enumerate([*before, "Length"]):
        table.insert(place, name, columns[name])
    table["biotype"] = columns["biotype"]
    table.to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    with open_counts([tmp_path / "a.tsv"]) as matrix:
        assert matrix.genes["name"].tolist() == ids.tolist()
        assert matrix.genes["symbol"].tolist() == human.index.tolist()
        got = sparse.vstack(list(matrix.blocks(10))).toarray()
    np.testing.assert_array_equal(got, human.T)


def test_as_featurecounts_writes(tmp_path):
    lines = [
        "# Program:featureCounts v2.0.1; Command: ...",
        "Geneid\tChr\tStart\tEnd\tStrand\tLength\t/data/x/run1.bam\t/data/x/run2.bam",
        "TP53\tchr17;chr17\t1;9\t5;20\t-;-\t15\t3\t0",
        "CD44\tchr11\t7\t9\t+\t2\t0\t4",
    ]
    (tmp_path / "counts.txt").write_text("\n".join(lines))
    got = everything(tmp_path / "counts.txt")
    assert got.index.tolist() == ["TP53", "CD44"]
    assert got.columns.tolist() == ["/data/x/run1.bam", "/data/x/run2.bam"]
    assert got.to_numpy().tolist() == [[3, 0], [0, 4]]


def test_genes_by_entrez_id_keep_their_numbers(tmp_path):
    (tmp_path / "a.csv").write_text("entrez,symbol,c1,c2\n7157,TP53,1,2\n960,CD44,3,0\n")
    got = everything(tmp_path / "a.csv")
    assert got.index.tolist() == ["TP53", "CD44"]
    (tmp_path / "b.csv").write_text(",c1,c2\n7157,1,2\n960,3,0\n")
    assert everything(tmp_path / "b.csv").index.tolist() == ["7157", "960"]


def test_quotes_inside_a_quoted_name(tmp_path):
    (tmp_path / "a.csv").write_text('"","c1","c2"\n"the ""A"", or B",1,2\n"C",0,1\n')
    assert everything(tmp_path / "a.csv").index.tolist() == ['the "A", or B', "C"]


def test_repeated_cells_in_rows(tmp_path, human):
    cells = human.T.set_axis(["A", "A", *human.columns[2:]])
    cells.to_csv(tmp_path / "a.csv")
    with pytest.raises(InputError, match=r"a\.csv: 1 cell ids occur more than once .such as A"):
        everything(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(fields=20), "32 columns, and at most 20 are read: .* h5ad or mtx"),
        (Limits(genes=40), "50 genes, and at most 40 are read: split"),
        (Limits(line=100), "a line goes on beyond 100 bytes"),
    ],
)
def test_limits(tmp_path, table, limits, message):
    table.to_csv(tmp_path / "a.csv")
    with pytest.raises(InputError, match=r"^a\.csv: " + message):
        DelimitedMatrix(tmp_path / "a.csv", limits=limits)


def test_limit_of_cells_in_rows(tmp_path, human):
    human.T.to_csv(tmp_path / "a.csv")
    with pytest.raises(InputError, match=r"^a\.csv: 31 cells, and at most 30 are read: split"):
        DelimitedMatrix(tmp_path / "a.csv", limits=Limits(cells=30))


@pytest.mark.real
@pytest.mark.parametrize("name", ["pbmc_facs", "pbmc3k", "lung_lines"])
@pytest.mark.parametrize("cells_in_rows", [False, True])
def test_real_names_tell_the_side(tmp_path, shared_data, name, cells_in_rows):
    adata = ad.read_h5ad(shared_data / "cells" / f"{name}.h5ad")[:40]
    table = adata.to_df().T.astype(int)
    (table.T if cells_in_rows else table).to_csv(tmp_path / "a.csv.gz")
    got = everything(tmp_path / "a.csv.gz")
    np.testing.assert_array_equal(got, table)
    assert got.index.tolist() == table.index.tolist()
    assert got.columns.tolist() == table.columns.tolist()
