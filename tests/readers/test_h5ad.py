from __future__ import annotations

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.readers import base, open_counts
from sicmir_atlas.readers.h5ad import H5adMatrix


def simulate(n_cells=530, n_genes=70, *, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.3, (n_cells, n_genes)).astype(dtype)
    counts[7] = 0
    adata = ad.AnnData(sparse.csr_matrix(counts))
    adata.obs_names = [f"cell-{i}" for i in range(n_cells)]
    adata.var_names = [f"ENSG{i:011d}" for i in range(n_genes)]
    adata.obs["cell_type"] = pd.Categorical(rng.choice(["T cell", "B cell"], n_cells))
    adata.obs["score"] = rng.random(n_cells)
    return adata


def read_all(matrix, n_rows=100):
    blocks = list(matrix.blocks(n_rows))
    assert all(block.shape[0] == n_rows for block in blocks[:-1])
    return sparse.vstack(blocks).toarray()


ENCODINGS = {
    "csr": sparse.csr_matrix,
    "csc": sparse.csc_matrix,
    "csr_array": sparse.csr_array,
    "dense": lambda x: x.toarray(),
}


@pytest.mark.parametrize("compression", [None, "gzip", "lzf"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_equals_what_anndata_reads(tmp_path, encoding, compression):
    adata = simulate()
    adata.X = ENCODINGS[encoding](adata.X)
    adata.write_h5ad(tmp_path / "a.h5ad", compression=compression)
    expected = ad.read_h5ad(tmp_path / "a.h5ad")
    dense = expected.X if encoding == "dense" else expected.X.toarray()
    with open_counts([tmp_path / "a.h5ad"]) as matrix:
        assert (matrix.n_cells, matrix.n_genes) == expected.shape
        np.testing.assert_array_equal(read_all(matrix), dense)
        np.testing.assert_array_equal(read_all(matrix, 7), dense)  # a second pass, other blocks
        pd.testing.assert_frame_equal(matrix.cells, expected.obs, check_names=False)
        assert matrix.cells.index.name == "cell_id"
        assert matrix.genes["name"].tolist() == expected.var_names.tolist()
        assert matrix.genes["symbol"].isna().all()


@pytest.mark.parametrize(
    ("stored", "given"),
    [
        (np.int32, np.float64),
        (np.int64, np.float64),
        (np.uint16, np.float32),
        (np.float32, np.float32),
        (np.float64, np.float64),
        (bool, np.float32),
    ],
)
@pytest.mark.parametrize("encoding", ["csr", "dense"])
def test_value_types_lose_nothing(tmp_path, stored, given, encoding):
    adata = simulate(dtype=stored)
    adata.X = ENCODINGS[encoding](adata.X)
    adata.write_h5ad(tmp_path / "a.h5ad")
    with H5adMatrix(tmp_path / "a.h5ad") as matrix:
        block = next(matrix.blocks(50))
        assert block.dtype == given
        assert block.indices.dtype == np.int32


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_fractions_pass_unchanged(tmp_path, encoding):
    adata = simulate(dtype=np.float64)
    adata.X.data = np.log1p(adata.X.data * 1.37)
    expected = adata.X.toarray()
    adata.X = ENCODINGS[encoding](adata.X)
    adata.write_h5ad(tmp_path / "a.h5ad")
    with H5adMatrix(tmp_path / "a.h5ad") as matrix:
        np.testing.assert_array_equal(read_all(matrix), expected)


@pytest.fixture
def layered(tmp_path):
    """X is normalised, raw has more genes, a layer holds other numbers."""
    full = simulate()
    adata = full[:, :40].copy()
    adata.X = adata.X * 0.5
    adata.raw = full
    adata.layers["counts"] = sparse.csc_matrix(adata.X * 4)
    adata.var["feature_name"] = [f"SYM{i}" for i in range(40)]
    adata.write_h5ad(tmp_path / "a.h5ad")
    return adata


def test_raw_is_preferred_with_its_own_genes(tmp_path, layered):
    with H5adMatrix(tmp_path / "a.h5ad") as matrix:
        np.testing.assert_array_equal(read_all(matrix), layered.raw.X.toarray())
        assert matrix.genes["name"].tolist() == layered.raw.var_names.tolist()
        # raw.var has no symbols, var has those of 40 genes
        assert matrix.genes["symbol"].tolist()[:40] == [f"SYM{i}" for i in range(40)]
        assert matrix.genes["symbol"][40:].isna().all()


@pytest.mark.parametrize(
    ("layer", "values"),
    [
        ("X", lambda a: a.X),
        ("raw.X", lambda a: a.raw.X),
        ("counts", lambda a: a.layers["counts"]),
    ],
)
def test_layer_by_name(tmp_path, layered, layer, values):
    with open_counts([tmp_path / "a.h5ad"], layer=layer) as matrix:
        np.testing.assert_array_equal(read_all(matrix), values(layered).toarray())


def test_missing_layer_lists_what_is_there(tmp_path, layered):
    with pytest.raises(InputError, match=r"a\.h5ad.*'spliced'.*X, raw\.X, counts"):
        H5adMatrix(tmp_path / "a.h5ad", layer="spliced")


def test_symbols_from_the_column_named_or_a_known_one(tmp_path):
    adata = simulate(20, 3)
    adata.var["gene_name"] = pd.Categorical(["A", "B", ""])
    adata.var["other"] = ["X", "Y", "Z"]
    adata.write_h5ad(tmp_path / "a.h5ad")
    with H5adMatrix(tmp_path / "a.h5ad") as matrix:
        assert matrix.genes["symbol"].to_list() == ["A", "B", pd.NA]
    with H5adMatrix(tmp_path / "a.h5ad", gene_symbols="other") as matrix:
        assert matrix.genes["symbol"].to_list() == ["X", "Y", "Z"]
    with pytest.raises(InputError, match="no column 'nope'; it has gene_name, other"):
        H5adMatrix(tmp_path / "a.h5ad", gene_symbols="nope")


def test_repeated_cell_ids_are_refused(tmp_path):
    adata = simulate(20, 3)
    names = adata.obs_names.tolist()
    names[3] = names[2]
    adata.obs_names = names
    adata.write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(InputError, match=r"1 cell ids occur more than once .such as cell-2"):
        H5adMatrix(tmp_path / "a.h5ad")


def test_blocks_stay_small_where_rows_are_full(tmp_path, monkeypatch):
    adata = simulate(90, 70)
    adata.X = sparse.csr_matrix(np.ones((90, 70), np.float32))
    adata.layers["csc"] = adata.X.tocsc()
    adata.layers["dense"] = adata.X.toarray()
    adata.write_h5ad(tmp_path / "a.h5ad")
    for module in ("base", "spill"):
        monkeypatch.setattr(f"sicmir_atlas.readers.{module}.BLOCK_ENTRIES", 700)
    assert base.BLOCK_ENTRIES == 700
    for layer in ("X", "csc", "dense"):
        with H5adMatrix(tmp_path / "a.h5ad", layer=layer) as matrix:
            assert [b.shape[0] for b in matrix.blocks(50)] == [10] * 9


def test_gene_major_chunks(tmp_path, monkeypatch):
    adata = simulate()
    adata.X = adata.X.toarray()
    adata.write_h5ad(tmp_path / "a.h5ad")
    with h5py.File(tmp_path / "a.h5ad", "a") as file:
        values, attrs = file["X"][:], dict(file["X"].attrs)
        del file["X"]
        file.create_dataset("X", data=values, chunks=(530, 3), compression="gzip").attrs.update(
            attrs
        )
    monkeypatch.setattr("sicmir_atlas.readers.dense._SLAB_VALUES", 2000)
    with H5adMatrix(tmp_path / "a.h5ad") as matrix:
        np.testing.assert_array_equal(read_all(matrix), values)


def test_encoding_of_before_anndata_0_7(tmp_path):
    """Written as anndata 0.6 did: record arrays, categories in uns, h5sparse attributes."""
    adata = simulate(30, 5)
    with h5py.File(tmp_path / "old.h5ad", "w") as file:
        group = file.create_group("X")
        group.attrs["h5sparse_format"] = "csr"
        group.attrs["h5sparse_shape"] = np.array(adata.shape)
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(adata.X, part)
        codes = adata.obs["cell_type"].cat.codes.to_numpy(np.int8)
        obs = np.zeros(30, [("index", "S10"), ("cell_type", np.int8), ("score", np.float64)])
        obs["index"], obs["cell_type"] = adata.obs_names, codes
        obs["score"] = adata.obs["score"]
        file["obs"] = obs
        var = np.zeros(5, [("index", "S20"), ("gene_name", "S5")])
        var["index"], var["gene_name"] = adata.var_names, b"SYM"
        file["var"] = var
        file["uns/cell_type_categories"] = np.array([b"B cell", b"T cell"])
    with H5adMatrix(tmp_path / "old.h5ad") as matrix:
        np.testing.assert_array_equal(read_all(matrix), adata.X.toarray())
        assert matrix.cells["cell_type"].tolist() == adata.obs["cell_type"].tolist()
        assert matrix.genes["name"].tolist() == adata.var_names.tolist()
        assert matrix.genes["symbol"].tolist() == ["SYM"] * 5


def damage(path, change):
    with h5py.File(path, "a") as file:
        change(file)


def negative(file):
    file["X/indices"][0] = -1


def beyond(file):  # either axis
    file["X/indices"][0] = 530


def disordered(file):
    file["X/indptr"][3] = 10**6


def shapeless(file):
    file["X"].attrs["shape"] = np.array([1, 1])


@pytest.mark.parametrize("change", [negative, beyond, disordered, shapeless])
@pytest.mark.parametrize("encoding", ["csr", "csc"])
def test_contradictions_are_named_not_followed(tmp_path, change, encoding):
    adata = simulate()
    adata.X = ENCODINGS[encoding](adata.X)
    adata.write_h5ad(tmp_path / "a.h5ad")
    damage(tmp_path / "a.h5ad", change)
    with (
        pytest.raises(CorruptError, match=r"a\.h5ad"),
        H5adMatrix(tmp_path / "a.h5ad") as matrix,
    ):
        list(matrix.blocks())


@pytest.mark.parametrize("kept", [4, 100, 0.5, 0.97])
def test_truncated_file(tmp_path, kept):
    simulate().write_h5ad(tmp_path / "a.h5ad", compression="gzip")
    body = (tmp_path / "a.h5ad").read_bytes()
    (tmp_path / "a.h5ad").write_bytes(body[: int(kept * len(body)) if kept < 1 else kept])
    with pytest.raises(CorruptError, match=r"a\.h5ad: not a readable HDF5 file"):
        H5adMatrix(tmp_path / "a.h5ad")


@pytest.mark.real
@pytest.mark.parametrize("name", ["pbmc_facs", "pbmc3k", "lung_lines"])
def test_real_files_equal_anndata(shared_data, name):
    path = shared_data / "cells" / f"{name}.h5ad"
    expected = ad.read_h5ad(path)
    with open_counts([path]) as matrix:
        got = sparse.vstack(list(matrix.blocks(1000)))
        assert (got != expected.X).nnz == 0
        pd.testing.assert_frame_equal(matrix.cells, expected.obs, check_names=False)
        if "symbol" in expected.var:
            assert matrix.genes["symbol"].tolist() == expected.var["symbol"].tolist()
