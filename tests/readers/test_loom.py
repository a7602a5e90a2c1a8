from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.readers import open_counts
from sicmir_atlas.readers.limits import Limits
from sicmir_atlas.readers.loom import LoomMatrix

N_GENES, N_CELLS = 70, 530


def simulate(dtype=np.float32, seed=0):
    return np.random.default_rng(seed).poisson(0.3, (N_GENES, N_CELLS)).astype(dtype)


def write_loom(path, counts, *, rows=None, columns=None, layers=None, chunks=(64, 64)):
    """As loompy lays it out: genes × cells in chunks, text as variable-length or fixed bytes."""
    genes = np.array([f"SYM{i}" for i in range(N_GENES)], object)
    cells = np.array([f"run1:CELL{i}x" for i in range(N_CELLS)], object)
    with h5py.File(path, "w") as file:
        file["attrs/LOOM_SPEC_VERSION"] = "3.0.0"
        file.create_dataset("matrix", data=counts, chunks=chunks, compression="gzip")
        for name, values in (layers or {}).items():
            file.create_dataset(f"layers/{name}", data=values, chunks=chunks, compression="gzip")
        for group, values in (
            ("row_attrs", {"Gene": genes} if rows is None else rows),
            ("col_attrs", {"CellID": cells} if columns is None else columns),
        ):
            file.create_group(group)
            for name, column in values.items():
                file[group][name] = column
        file.create_group("row_graphs")
        file.create_group("col_graphs")
    return path


def everything(matrix, n_rows=100):
    blocks = list(matrix.blocks(n_rows))
    assert all(block.shape[0] == n_rows for block in blocks[:-1])
    return sparse.vstack(blocks).toarray()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint16, np.int32])
@pytest.mark.parametrize("chunks", [(64, 64), (70, 1), (1, 530), (70, 530), None])
def test_equals_what_was_written(tmp_path, dtype, chunks, monkeypatch):
    monkeypatch.setattr("sicmir_atlas.readers.dense._SLAB_VALUES", 4000)
    counts = simulate(dtype)
    with h5py.File(tmp_path / "a.loom", "w") as file:
        file.create_dataset("matrix", data=counts, chunks=chunks)
        file["row_attrs/Gene"] = [f"G{i}" for i in range(N_GENES)]
        file["col_attrs/CellID"] = [f"C{i}" for i in range(N_CELLS)]
    with open_counts([tmp_path / "a.loom"]) as matrix:
        assert isinstance(matrix, LoomMatrix)
        np.testing.assert_array_equal(everything(matrix), counts.T)
        np.testing.assert_array_equal(everything(matrix, 7), counts.T)
        assert matrix.cells.index.tolist()[:2] == ["C0", "C1"]
        assert matrix.genes["name"].tolist()[:2] == ["G0", "G1"]
        assert matrix.genes["symbol"].isna().all()


def test_no_cell_at_all(tmp_path):
    with h5py.File(tmp_path / "a.loom", "w") as file:
        file.create_dataset(
            "matrix", shape=(50_000, 0), maxshape=(50_000, None), chunks=(64, 4096), dtype="f4"
        )
        file["row_attrs/Gene"] = [f"G{i}" for i in range(50_000)]
        file["col_attrs/CellID"] = np.array([], "S5")
    with open_counts([tmp_path / "a.loom"]) as matrix:
        assert (matrix.n_cells, list(matrix.blocks())) == (0, [])


def test_layer_by_name(tmp_path):
    spliced = simulate(seed=1)
    path = write_loom(tmp_path / "a.loom", simulate(), layers={"spliced": spliced})
    with open_counts([path], layer="spliced") as matrix:
        np.testing.assert_array_equal(everything(matrix), spliced.T)
    with pytest.raises(InputError, match=r"a\.loom: no layer 'nope'; it has matrix, spliced"):
        LoomMatrix(path, layer="nope")


def test_attributes_become_columns(tmp_path):
    rng = np.random.default_rng(0)
    types = rng.choice(["T cell", "B cell"], N_CELLS)
    columns = {
        "obs_names": np.array([f"c{i}" for i in range(N_CELLS)], "S"),
        "ClusterName": np.array(types, "S"),
        "Author": np.array(["Zo&#235;"] * N_CELLS, "S"),
        "Age": rng.random(N_CELLS),
        "_tSNE": rng.random((N_CELLS, 2)),
    }
    ids = np.array([f"ENSG{i:011d}.1" for i in range(N_GENES)], object)
    rows = {"var_names": np.array(["A"] * N_GENES, object), "Accession": ids}
    path = write_loom(tmp_path / "a.loom", simulate(), rows=rows, columns=columns)
    with LoomMatrix(path) as matrix:
        assert matrix.genes["name"].tolist() == ids.tolist()
        assert matrix.genes["symbol"].unique().tolist() == ["A"]
        assert set(matrix.cells) == {"ClusterName", "Author", "Age"}
        assert matrix.cells["ClusterName"].tolist() == types.tolist()
        assert isinstance(matrix.cells["ClusterName"].dtype, pd.CategoricalDtype)
        assert matrix.cells["Author"].unique().tolist() == ["Zoë"]
        np.testing.assert_array_equal(matrix.cells["Age"], columns["Age"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": {"Chromosome": np.arange(N_GENES)}}, "row_attrs has none of Gene, .*Chromosome"),
        ({"columns": {"Age": np.arange(N_CELLS)}}, "col_attrs has none of CellID, .*it has Age"),
        ({"columns": {"CellID": np.array(["A"] * N_CELLS, "S")}}, "1 cell ids occur more than"),
    ],
)
def test_names_that_are_not_there(tmp_path, change, message):
    path = write_loom(tmp_path / "a.loom", simulate(), **change)
    with pytest.raises(InputError, match=r"^a\.loom: .*" + message):
        LoomMatrix(path)


def test_attributes_of_another_length(tmp_path):
    path = write_loom(tmp_path / "a.loom", simulate(), rows={"Gene": np.array([b"A"])})
    with pytest.raises(CorruptError, match=r"a\.loom: /row_attrs/Gene has 1 values, the matrix 70"):
        LoomMatrix(path)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(cells=100), "530 cells, and at most 100 are read"),
        (Limits(genes=50), "70 genes, and at most 50 are read"),
        (Limits(entries=1000), "37,100 values, and at most 1,000 are read"),
    ],
)
def test_limits(tmp_path, limits, message):
    path = write_loom(tmp_path / "a.loom", simulate())
    with pytest.raises(InputError, match=r"^a\.loom: .*" + message):
        LoomMatrix(path, limits=limits)
