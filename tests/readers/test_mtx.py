from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest
from scipy import io, sparse

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.readers import open_counts


def write_triplet(
    folder, *, prefix="", gz=True, version=3, cells_first=False, field="integer", dense=None
):
    rng = np.random.default_rng(1)
    counts = rng.poisson(0.4, (60, 25)) if dense is None else dense  # genes × cells
    n_genes, n_cells = counts.shape
    matrix = folder / f"{prefix}matrix.mtx"
    io.mmwrite(matrix, sparse.coo_matrix(counts.T if cells_first else counts), field=field)
    genes = [f"ENSG{i}\tSYM{i}" for i in range(n_genes)]
    if version == 3:
        genes = [f"{line}\tGene Expression" for line in genes]
    table = folder / f"{prefix}{'features' if version == 3 else 'genes'}.tsv"
    table.write_text("\n".join(genes) + "\n")
    barcodes = folder / f"{prefix}barcodes.tsv"
    barcodes.write_text("".join(f"CELL{i}-1\n" for i in range(n_cells)))
    paths = [matrix, table, barcodes]
    return [zipped(path) for path in paths] if gz else paths


def zipped(path):
    out = path.with_name(path.name + ".gz")
    out.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return out


def everything(matrix, n_rows=10):
    return sparse.vstack(list(matrix.blocks(n_rows)))


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("gz", [True, False])
@pytest.mark.parametrize("cells_first", [True, False])
def test_equals_scipy(tmp_path, version, gz, cells_first):
    files = write_triplet(
        tmp_path, prefix="GSM1_lung_", gz=gz, version=version, cells_first=cells_first
    )
    expected = io.mmread(files[0], spmatrix=False)
    expected = expected if cells_first else expected.T
    with open_counts(files) as matrix:
        assert (everything(matrix) != expected.tocsr()).nnz == 0
        assert (everything(matrix, 3) != expected.tocsr()).nnz == 0
        assert matrix.cells.index.tolist()[:2] == ["CELL0-1", "CELL1-1"]
        assert matrix.genes["symbol"].tolist()[:2] == ["SYM0", "SYM1"]
        assert matrix.genes["name"].tolist()[:2] == ["ENSG0", "ENSG1"]


def test_entries_in_any_order_comments_repeats_and_other_whitespace(tmp_path):
    _, features, barcodes = write_triplet(tmp_path, gz=False)
    rng = np.random.default_rng(3)
    rows, columns = rng.integers(1, 61, 500), rng.integers(1, 26, 500)
    values = rng.integers(1, 9, 500)
    lines = [f"{r}\t{c}\t{v}" for r, c, v in zip(rows, columns, values, strict=True)]
    (tmp_path / "matrix.mtx").write_text(
        "%%MatrixMarket matrix coordinate integer general\r\n%metadata_json: {}\r\n% more\r\n"
        "60 25 500\r\n" + "\r\n".join(lines) + "\r\n\r\n"
    )
    expected = sparse.coo_matrix((values, (columns - 1, rows - 1)), shape=(25, 60)).tocsr()
    with open_counts([tmp_path / "matrix.mtx", features, barcodes]) as matrix:
        assert (everything(matrix) != expected).nnz == 0


def test_real_field_keeps_fractions(tmp_path):
    counts = np.log1p(np.random.default_rng(0).poisson(0.5, (60, 25)) * 1.7)
    files = write_triplet(tmp_path, field="real", dense=counts)
    with open_counts(files) as matrix:
        np.testing.assert_array_equal(
            everything(matrix).toarray(), io.mmread(files[0], spmatrix=False).T.toarray()
        )


def test_other_feature_types_are_left_out(tmp_path):
    files = write_triplet(tmp_path, gz=False)
    lines = files[1].read_text().splitlines()
    lines[5] = lines[5].replace("Gene Expression", "Antibody Capture")
    lines[50] = lines[50].replace("Gene Expression", "Peaks")
    files[1].write_text("\n".join(lines))
    expected = np.delete(io.mmread(files[0], spmatrix=False).toarray(), [5, 50], axis=0).T
    with open_counts(files) as matrix:
        assert matrix.n_genes == 58
        np.testing.assert_array_equal(everything(matrix).toarray(), expected)


def test_metadata_beside_it_in_another_order(tmp_path):
    files = write_triplet(tmp_path)
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "cell_type": rng.choice(["T cell", "NA"], 26),
            "donor": "01",
            "n": range(26),
            "barcode": [f"CELL{i}-1" for i in range(26)],
        }
    ).sample(frac=1, random_state=0)
    table.to_csv(tmp_path / "GSM1_metadata.csv.gz", index=False)
    with open_counts([*files, tmp_path / "GSM1_metadata.csv.gz"]) as matrix:
        expected = table.set_index("barcode").loc[matrix.cells.index]
        assert matrix.cells["cell_type"].tolist() == expected["cell_type"].tolist()
        assert matrix.cells["donor"].unique().tolist() == ["01"]
        assert matrix.cells["n"].tolist() == list(range(25))
        assert isinstance(matrix.cells["cell_type"].dtype, pd.CategoricalDtype)


def test_a_cell_without_metadata_is_refused(tmp_path):
    files = write_triplet(tmp_path)
    meta = tmp_path / "meta.tsv"
    meta.write_text("".join(f"CELL{i}-1\tT\n" for i in range(-1, 20)).replace("CELL-1-1", "id"))
    with pytest.raises(InputError, match=r"meta\.tsv: 5 of 25 cells.*CELL20-1, CELL21-1, CELL22-1"):
        open_counts([*files, meta])


def test_column_names_in_the_tables(tmp_path):
    files = write_triplet(tmp_path, gz=False)
    expected = io.mmread(files[0], spmatrix=False).T.toarray()
    files[1].write_text("gene_id\tname\ttype\n" + files[1].read_text())
    files[2].write_text('"x"\n' + files[2].read_text())
    with open_counts(files) as matrix:
        assert matrix.genes["symbol"][0] == "SYM0"
        assert matrix.cells.index[0] == "CELL0-1"
        np.testing.assert_array_equal(everything(matrix).toarray(), expected)


def test_blank_lines_line_ends_and_a_byte_order_mark(tmp_path):
    files = write_triplet(tmp_path, gz=False)
    for path in files[1:]:
        text = path.read_text().replace("\n", "\r\n")
        path.write_bytes(b"\xef\xbb\xbf\r\n" + text.encode() + b" \r\n\t\r\n")
    with open_counts(files) as matrix:
        assert (matrix.n_cells, matrix.n_genes) == (25, 60)
        assert matrix.cells.index[0] == "CELL0-1"
        assert matrix.genes["name"][0] == "ENSG0"


def test_tables_of_another_sample(tmp_path):
    files = write_triplet(tmp_path)
    files[2].write_bytes(gzip.compress(b"A\nB\n"))
    with pytest.raises(InputError, match=r"60 × 25.*60 genes.*2 cells"):
        open_counts(files)


def test_repeated_barcodes(tmp_path):
    files = write_triplet(tmp_path, gz=False)
    files[2].write_text("A\n" * 25)
    with pytest.raises(InputError, match=r"1 cell ids occur more than once .such as A"):
        open_counts(files)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_truncated_gzip_is_named(tmp_path, part):
    rng = np.random.default_rng(0)
    files = write_triplet(tmp_path, dense=rng.poisson(2, (600, 300)))
    body = files[part].read_bytes()
    files[part].write_bytes(body[: len(body) * 2 // 3])
    with (
        pytest.raises(CorruptError, match=files[part].name),
        open_counts(files) as matrix,
    ):
        everything(matrix)


def test_damaged_gzip_is_named(tmp_path):
    files = write_triplet(tmp_path, dense=np.random.default_rng(0).poisson(2, (600, 300)))
    body = bytearray(files[0].read_bytes())
    body[len(body) // 2] ^= 255
    files[0].write_bytes(body)
    with pytest.raises(CorruptError, match=files[0].name), open_counts(files) as matrix:
        everything(matrix)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("60 25", "60 25 ", "header"),
        ("\n1 1 ", "\n61 1 ", "outside 1-60"),
        ("\n1 1 ", "\n0 1 ", "outside 1-60"),
        ("\n1 1 ", "\nx 1 ", "cannot be read"),
        ("\n1 1 ", "\n1 ", "cannot be read"),
        ("\n1 1 ", "\n1 1 1\n1 1 ", r"header says \d+ entries, the file has"),
        ("%%MatrixMarket matrix coordinate", "%%MatrixMarket matrix array", "first line"),
        ("general", "symmetric", "symmetric"),
        ("integer general", "pattern general", "a pattern general matrix cannot hold counts"),
    ],
)
def test_wrong_text_is_named(tmp_path, old, new, message):
    counts = np.ones((60, 25), int)
    files = write_triplet(tmp_path, gz=False, dense=counts)
    text = files[0].read_text()
    assert old in text
    if message == "header":
        old, new, message = "60 25 1500", "60 25", "rows, columns and entries"
    files[0].write_text(text.replace(old, new, 1))
    with (
        pytest.raises((CorruptError, InputError), match=r"matrix\.mtx.*" + message),
        open_counts(files) as matrix,
    ):
        everything(matrix)


def test_lines_missing_at_the_end(tmp_path):
    files = write_triplet(tmp_path, gz=False)
    lines = files[0].read_text().splitlines()
    files[0].write_text("\n".join(lines[:-3]) + "\n")
    with (
        pytest.raises(CorruptError, match=r"header says (\d+) entries, the file has \d+"),
        open_counts(files) as matrix,
    ):
        everything(matrix)


@pytest.mark.real
def test_geo_triplet_equals_scipy(shared_data):
    folder = shared_data / "cells" / "geo_GSM6544281"
    expected = io.mmread(folder / "matrix.mtx.gz", spmatrix=False).T.tocsr()
    with open_counts(sorted(folder.iterdir())) as matrix:
        assert (matrix.n_cells, matrix.n_genes) == (83_683, 36_601)
        assert (everything(matrix, 4096) != expected).nnz == 0
    with open_counts([folder]) as matrix:
        assert matrix.genes["symbol"][0] == "MIR1302-2HG"
