"""Files that are not what their names say, or unfold into more than any dataset holds."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sicmir_atlas.errors import CorruptError, GoneError, InputError
from sicmir_atlas.readers.delimited import DelimitedMatrix
from sicmir_atlas.readers.h5ad import H5adMatrix
from sicmir_atlas.readers.limits import Limits
from sicmir_atlas.readers.loom import LoomMatrix
from sicmir_atlas.readers.metadata import read_metadata
from sicmir_atlas.readers.mtx import MtxMatrix
from sicmir_atlas.readers.tenx_h5 import TenxH5Matrix

HUGE = 10**12
HTML = b"\n<!DOCTYPE html>\n<html><head><title>NCBI</title></head><body>captcha</body></html>\n"
HDF5 = {"a.h5ad": H5adMatrix, "a.h5": TenxH5Matrix, "a.loom": LoomMatrix}


def write_h5ad(path, n_cells=200, n_genes=80):
    counts = np.random.default_rng(0).poisson(0.5, (n_cells, n_genes)).astype(np.float32)
    adata = ad.AnnData(sparse.csr_matrix(counts))
    adata.obs["label"] = pd.Categorical(["T", "B"] * (n_cells // 2))
    adata.write_h5ad(path, compression="gzip")


def write_10x(path, n_cells=200, n_genes=80):
    counts = sparse.random(n_genes, n_cells, 0.3, format="csc", rng=np.random.default_rng(0))
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        for part in ("data", "indices", "indptr"):
            group.create_dataset(part, data=getattr(counts, part), chunks=True, compression="gzip")
        group["shape"] = counts.shape
        group["barcodes"] = [f"CELL{i}-1" for i in range(n_cells)]
        group["features/id"] = group["features/name"] = [f"GENE{i}" for i in range(n_genes)]


def write_loom(path, n_cells=200, n_genes=80):
    counts = np.random.default_rng(0).poisson(0.5, (n_genes, n_cells))
    with h5py.File(path, "w") as file:
        file.create_dataset("matrix", data=counts, chunks=(64, 64), compression="gzip")
        file["row_attrs/Gene"] = [f"GENE{i}" for i in range(n_genes)]
        file["col_attrs/CellID"] = [f"CELL{i}" for i in range(n_cells)]


WRITERS = {"a.h5ad": write_h5ad, "a.h5": write_10x, "a.loom": write_loom}


def write_triplet(folder, entries="1 1 3\n2 2 4\n", header="2 2 2"):
    files = [folder / name for name in ("matrix.mtx", "features.tsv", "barcodes.tsv")]
    banner = "%%MatrixMarket matrix coordinate integer general\n"
    files[0].write_text(f"{banner}{header}\n{entries}")
    files[1].write_text("G1\tA\tGene Expression\nG2\tB\tGene Expression\n")
    files[2].write_text("C1\nC2\n")
    return files


def read(matrix):
    with matrix:
        return sparse.vstack(list(matrix.blocks())).toarray()


# ---- something else in the place of a file


def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


def tarred():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("matrix.mtx"), io.BytesIO())
    return out.getvalue()


RDS = b"X\n\x00\x00\x00\x03\x00\x04\x01\x02\x00\x03\x05\x00\x00\x00\x00\x05UTF-8"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (HTML, CorruptError, "a web page in the place of the file: fetch it again"),
        (b"\xef\xbb\xbf<html>", CorruptError, "a web page"),
        (zipped(), InputError, "a zip archive or an Excel workbook: save the sheet as csv"),
        (RDS, InputError, r"an R object \(rds\): write it as h5ad or mtx in R"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), InputError, "an HDF5 file: name it by what it is"),
        (tarred(), InputError, "a tar archive: unpack it"),
        ("g\tc1\nA\t1\n".encode("utf-16"), InputError, "text in UTF-16: save it as UTF-8"),
        (b"PAR1\x15\x04\x15" + bytes(99), InputError, "a Parquet file"),
        (b"g,c1\nA\0,1\n", InputError, "there are NUL bytes among the first 10"),
    ],
)
def test_not_text(tmp_path, body, error, message, packed):
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(body) if packed else body)
    files = write_triplet(tmp_path)
    readers = (
        lambda: DelimitedMatrix(path),
        lambda: MtxMatrix(path, *files[1:]),
        lambda: MtxMatrix(files[0], path, files[2]),
        lambda: MtxMatrix(files[0], files[1], path),
        lambda: read_metadata(path),
    )
    for reader in readers:
        with pytest.raises(error, match=r"^a\.csv: .*" + message):
            reader()


@pytest.mark.parametrize("name", HDF5)
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "an empty file: fetch it again"),
        (HTML, "a web page in the place of the file: fetch it again"),
        (gzip.compress(b"\x89HDF\r\n\x1a\n"), "compressed by gzip: unpack it"),
        (b"hello, world", "not a readable HDF5 file: it begins with b'hello, w'"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "cut short or damaged"),
    ],
)
def test_not_hdf5(tmp_path, name, body, message):
    (tmp_path / name).write_bytes(body)
    with pytest.raises(CorruptError, match=rf"^{name}: .*{message}"):
        HDF5[name](tmp_path / name)


@pytest.mark.parametrize("inside", HDF5)
@pytest.mark.parametrize("name", HDF5)
def test_one_hdf5_format_under_the_name_of_another(tmp_path, name, inside):
    said = {"a.h5ad": "an h5ad file", "a.h5": "a Cell Ranger file", "a.loom": "a loom file"}
    WRITERS[inside](tmp_path / name)
    if name == inside:
        assert read(HDF5[name](tmp_path / name)).shape == (200, 80)
        return
    with pytest.raises(InputError, match=rf"^{name}: not {said[name]} but {said[inside]}"):
        HDF5[name](tmp_path / name)


@pytest.mark.parametrize("name", HDF5)
@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        (("barcode_idx", "count"), InputError, r"molecule_info\.h5: take filtered_feature"),
        (("cell.names", "assays"), InputError, "an h5Seurat file: write it as h5ad in R"),
        (("a", "b"), CorruptError, "or cut short: it holds a, b"),
        ((), CorruptError, "or cut short: it holds nothing"),
    ],
)
def test_other_hdf5(tmp_path, name, parts, error, message):
    with h5py.File(tmp_path / name, "w") as file:
        for part in parts:
            file[part] = [1]
    with pytest.raises(error, match=rf"^{name}: not .*{message}"):
        HDF5[name](tmp_path / name)


def test_a_folder_and_nothing_in_the_place_of_a_file(tmp_path):
    for reader in (*HDF5.values(), DelimitedMatrix, read_metadata):
        with pytest.raises(InputError, match="a folder in the place of a file"):
            reader(tmp_path)
        with pytest.raises(GoneError, match="no such file"):
            reader(tmp_path / "nothing")


@pytest.mark.parametrize("part", [0, 1, 2])
def test_an_empty_file_of_a_triplet(tmp_path, part):
    files = write_triplet(tmp_path)
    files[part].write_bytes(b"")
    with pytest.raises(CorruptError, match=rf"^{files[part].name}: an empty file: fetch it again"):
        MtxMatrix(*files)


# ---- damage


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
@pytest.mark.parametrize("name", HDF5)
def test_truncated_hdf5(tmp_path, name, kept):
    WRITERS[name](tmp_path / name)
    body = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(body[: int(kept * len(body))])
    with pytest.raises(CorruptError, match=rf"^{name}: .*cut short"):
        HDF5[name](tmp_path / name)


@pytest.mark.parametrize("where", ["data", "indices", "indptr"])
@pytest.mark.parametrize("name", HDF5)
def test_a_damaged_chunk(tmp_path, name, where):
    WRITERS[name](tmp_path / name)
    with h5py.File(tmp_path / name) as file:
        group = file["X" if name == "a.h5ad" else "matrix"]
        dataset = group if isinstance(group, h5py.Dataset) else group[where]
        stored = dataset.id.get_chunk_info(0)
    body = bytearray((tmp_path / name).read_bytes())
    middle = stored.byte_offset + stored.size // 2
    body[middle : middle + 8] = bytes(8)
    (tmp_path / name).write_bytes(body)
    with pytest.raises(CorruptError, match=rf"^{name}: .* is damaged and cannot be read .*fetch"):
        read(HDF5[name](tmp_path / name))


@pytest.mark.parametrize("what", ["obs/_index", "obs/label/codes", "var/_index"])
def test_a_damaged_table(tmp_path, what):
    write_h5ad(tmp_path / "a.h5ad", n_cells=20_000)
    with h5py.File(tmp_path / "a.h5ad") as file:
        stored = file[what].id.get_chunk_info(0)
    body = bytearray((tmp_path / "a.h5ad").read_bytes())
    body[stored.byte_offset : stored.byte_offset + stored.size] = bytes(stored.size)
    (tmp_path / "a.h5ad").write_bytes(body)
    with pytest.raises(CorruptError, match=rf"^a\.h5ad: {what[:3]} cannot be read"):
        H5adMatrix(tmp_path / "a.h5ad")


def test_a_truncated_metadata_table(tmp_path):
    table = pd.DataFrame({"x": np.random.default_rng(0).random(5000)}).to_csv().encode()
    body = gzip.compress(table)
    (tmp_path / "meta.csv.gz").write_bytes(body[: len(body) // 2])
    with pytest.raises(CorruptError, match=r"^meta\.csv\.gz: cut short or damaged"):
        read_metadata(tmp_path / "meta.csv.gz")


LATIN = "naïve".encode("latin-1")


def test_text_that_is_not_utf8(tmp_path):
    path = tmp_path / "a.tsv"
    files = write_triplet(tmp_path)
    path.write_bytes(b"G1\tA\n" + LATIN + b"\tB\n")
    for reader in (
        lambda: MtxMatrix(files[0], path, files[2]),
        lambda: MtxMatrix(files[0], files[1], path),
    ):
        with pytest.raises(InputError, match=r"^a\.tsv: line 2: byte 0xef is not UTF-8: convert"):
            reader()
    for body, line in ((b"g\tc1\nA\t1\n" + LATIN + b"\t1\n", 3), (b"g\t" + LATIN + b"\nA\t1\n", 1)):
        path.write_bytes(body)
        with pytest.raises(InputError, match=rf"^a\.tsv: line {line}: byte 0xef is not UTF-8"):
            DelimitedMatrix(path)
    path.write_bytes(b"cell\ttype\nC1\t" + LATIN + b"\n")
    with pytest.raises(InputError, match=r"^a\.tsv: not UTF-8 .* iconv"):
        read_metadata(path)


def test_nul_bytes_far_inside(tmp_path):
    files = write_triplet(tmp_path)
    many = b"".join(b"C%d\n" % i for i in range(999))
    (tmp_path / "barcodes.tsv").write_bytes(many + b"\0\n")
    with pytest.raises(CorruptError, match=r"barcodes\.tsv: line 1000 holds a NUL byte"):
        MtxMatrix(*files)
    (tmp_path / "a.csv").write_bytes(b"g,c1\n" + many.replace(b"\n", b",1\n") + b"\0\0,1\n")
    with pytest.raises(CorruptError, match=r"a\.csv: there are NUL bytes among the names"):
        DelimitedMatrix(tmp_path / "a.csv")


# ---- more than it seems


def test_a_line_without_end(tmp_path):
    path = tmp_path / "a.csv.gz"
    limits = Limits(line=1 << 16)
    files = write_triplet(tmp_path)
    for body in (b"A" * (1 << 22), b"g,c1\nA," + b"1" * (1 << 22), b"%%" + b"M" * (1 << 22)):
        path.write_bytes(gzip.compress(body))
        for reader in (
            lambda: DelimitedMatrix(path, limits=limits),
            lambda: MtxMatrix(path, *files[1:], limits=limits),
            lambda: MtxMatrix(files[0], path, files[2], limits=limits),
        ):
            with pytest.raises((InputError, CorruptError), match=r"^a\.csv\.gz: ") as caught:
                reader()
            assert "beyond 65,536 bytes" in str(caught.value) or "first line is" in str(
                caught.value
            )


def test_tables_that_unfold(tmp_path):
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(gzip.compress(b"A\n" * 500_000))
    files = write_triplet(tmp_path)
    small = Limits(table=100_000)
    message = r"^a\.tsv\.gz: [\d,]+ bytes of text, and at most 100,000 are read"
    for reader in (
        lambda: MtxMatrix(files[0], path, files[2], limits=small),
        lambda: MtxMatrix(files[0], files[1], path, limits=small),
        lambda: read_metadata(path, limits=small),
    ):
        with pytest.raises(InputError, match=message):
            reader()
    with pytest.raises(
        InputError, match=r"[\d,]+ lines, and at most 1,001 are read: is it the tab"
    ):
        MtxMatrix(files[0], path, files[2], limits=Limits(genes=1000))


def test_a_metadata_table_without_line_ends_or_too_wide(tmp_path):
    path = tmp_path / "meta.csv.gz"
    path.write_bytes(gzip.compress(b"A" * (17 << 20)))
    with pytest.raises(InputError, match=r"[\d,]+ bytes in one line, and at most 16,777,216"):
        read_metadata(path)
    path.write_bytes(gzip.compress(b"A," * 20_000 + b"\n"))
    with pytest.raises(InputError, match=r"20,001 columns, and at most 10,000 are read"):
        read_metadata(path)


def test_mtx_that_says_or_holds_more_than_it_may(tmp_path):
    files = write_triplet(tmp_path, header="2 2 1000000000000000")
    with pytest.raises(
        CorruptError, match=r"1,000,000,000,000,000 entries, more than 2 × 2 places"
    ):
        MtxMatrix(*files)
    files = write_triplet(tmp_path, header="30000 100000000 1000000000000")
    with pytest.raises(InputError, match=r"matrix\.mtx: 1,000,000,000,000 entries, and at most"):
        MtxMatrix(*files)
    files = write_triplet(tmp_path, entries="1 1 3\n" * 400_000)
    with pytest.raises(CorruptError, match="the header says 2 entries, the file has more"):
        read(MtxMatrix(*files))
    files = write_triplet(tmp_path, entries="%\n" * 20_000, header="%")
    with pytest.raises(InputError, match="lines of comment, and at most 10,000"):
        MtxMatrix(*files)


def spread(group, name, shape, dtype=np.float32):
    """Put a dataset there that has a shape but no bytes."""
    attrs = dict(group[name].attrs)
    del group[name]
    group.create_dataset(name, shape, dtype, chunks=True).attrs.update(attrs)


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("a.h5ad", "obs/_index"),
        ("a.h5ad", "obs/label/codes"),
        ("a.h5ad", "obs/label/categories"),
        ("a.h5ad", "var/_index"),
        ("a.h5", "matrix/barcodes"),
        ("a.h5", "matrix/features/id"),
        ("a.loom", "row_attrs/Gene"),
        ("a.loom", "col_attrs/CellID"),
    ],
)
def test_tables_of_absurd_length(tmp_path, name, where):
    WRITERS[name](tmp_path / name)
    group, _, column = where.rpartition("/")
    with h5py.File(tmp_path / name, "a") as file:
        spread(file[group], column, (HUGE,), file[where].dtype)
    assert (tmp_path / name).stat().st_size < 1_000_000
    with pytest.raises(InputError, match=rf"^{name}: 1,000,000,000,000 rows, and at most"):
        HDF5[name](tmp_path / name)


@pytest.mark.parametrize("shape", [(80, HUGE), (HUGE, 200), (900_000, 40_000_000)])
def test_a_loom_of_absurd_size(tmp_path, shape):
    write_loom(tmp_path / "a.loom")
    with h5py.File(tmp_path / "a.loom", "a") as file:
        spread(file, "matrix", shape)
        spread(file["row_attrs"], "Gene", shape[:1], "S5")
        spread(file["col_attrs"], "CellID", shape[1:], "S9")
    with pytest.raises(InputError, match=r"^a\.loom: [\d,]+ (cells|genes|values), and at most"):
        LoomMatrix(tmp_path / "a.loom")


def test_tables_of_absurd_width(tmp_path):
    write_h5ad(tmp_path / "a.h5ad")
    with h5py.File(tmp_path / "a.h5ad", "a") as file:
        file["obs"].create_dataset("wide", (200, HUGE), np.float32, chunks=True)
    with pytest.raises(InputError, match="bytes of table, and at most 2,147,483,648 are read"):
        H5adMatrix(tmp_path / "a.h5ad")


def test_a_row_of_absurd_length(tmp_path):
    write_h5ad(tmp_path / "a.h5ad")
    with h5py.File(tmp_path / "a.h5ad", "a") as file:
        for part in ("data", "indices"):
            spread(file["X"], part, (10**10,), file["X"][part].dtype)
        indptr = file["X/indptr"][:].astype(np.int64)
        indptr[100:] = 10**10
        del file["X/indptr"]
        file["X/indptr"] = indptr
    with pytest.raises(CorruptError, match="do not fit together"):
        read(H5adMatrix(tmp_path / "a.h5ad"))


def test_a_matrix_of_absurd_size(tmp_path):
    write_h5ad(tmp_path / "a.h5ad")
    with h5py.File(tmp_path / "a.h5ad", "a") as file:
        for part in ("data", "indices"):
            spread(file["X"], part, (HUGE,), file["X"][part].dtype)
    with pytest.raises(InputError, match="1,000,000,000,000 entries, and at most 100,000,000,000"):
        H5adMatrix(tmp_path / "a.h5ad")


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("a.h5ad", "obs/label"),
        ("a.h5ad", "X/data"),
        ("a.h5", "matrix/barcodes"),
        ("a.h5", "matrix/data"),
        ("a.loom", "col_attrs/CellID"),
        ("a.loom", "matrix"),
    ],
)
@pytest.mark.parametrize("how", ["link", "bytes"])
def test_parts_that_lie_in_another_file(tmp_path, name, where, how):
    WRITERS[name](tmp_path / name)
    (tmp_path / "secret").write_bytes(bytes(range(256)) * 1000)
    with h5py.File(tmp_path / name, "a") as file:
        shape = (80, 200) if where == "matrix" else (200,)
        del file[where]
        if how == "link":
            with h5py.File(tmp_path / "other.h5", "w") as other:
                other["x"] = np.zeros(shape)
            file[where] = h5py.ExternalLink(str(tmp_path / "other.h5"), "x")
        else:
            external = [(str(tmp_path / "secret"), 0, h5py.h5f.UNLIMITED)]
            file.create_dataset(where, shape, np.uint8, external=external)
    with pytest.raises((CorruptError, InputError), match=rf"^{name}: "):
        read(HDF5[name](tmp_path / name))


# ---- nothing in it


def test_no_entries_no_genes_no_cells(tmp_path):
    assert read(MtxMatrix(*write_triplet(tmp_path, "", "2 2 0"))).tolist() == [[0, 0], [0, 0]]
    for shape in ((0, 5), (5, 0)):
        ad.AnnData(sparse.csr_matrix(shape, dtype=np.float32)).write_h5ad(tmp_path / "a.h5ad")
        with H5adMatrix(tmp_path / "a.h5ad") as matrix:
            assert (matrix.n_cells, matrix.n_genes) == shape
            assert sum(block.shape[0] for block in matrix.blocks()) == shape[0]
    write_10x(tmp_path / "a.h5", n_cells=0)
    with TenxH5Matrix(tmp_path / "a.h5") as matrix:
        assert (matrix.n_cells, list(matrix.blocks())) == (0, [])
