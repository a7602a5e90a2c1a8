from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sicmir_atlas.errors import InputError
from sicmir_atlas.study.cells import Cells, read_cells
from sicmir_atlas.study.percell import choose, percell, pooled_by_type
from sicmir_atlas.study.result import write_result

GENES, MIRNAS = 80, 30


def _predict(z):
    weights = np.random.default_rng(9).normal(size=(GENES, MIRNAS)) / 9
    return (z @ weights).astype(np.float32)


@pytest.fixture
def cells():
    """Simulated: four types of cells, sparse counts, log-normalised."""
    rng = np.random.default_rng(1)
    types = np.repeat(["B", "NK", "T", "monocyte"], 60)
    rates = rng.gamma(1, 1, size=(4, GENES))
    counts = rng.poisson(rates[np.unique(types, return_inverse=True)[1]] * 1.5)
    return Cells("simulated", np.log1p(counts).astype(np.float32), types)


def test_pools_are_the_mean_of_a_types_cells_z_scored_over_types(cells):
    means = np.vstack([cells.x[cells.types == t].mean(axis=0) for t in np.unique(cells.types)])
    z = (means - means.mean(axis=0)) / means.std(axis=0)
    pooled = pooled_by_type(cells, _predict)
    assert list(pooled.index) == ["B", "NK", "T", "monocyte"]
    np.testing.assert_allclose(pooled.to_numpy(), _predict(z), atol=1e-4)


def test_agreement_is_numpys(cells):
    table = percell([cells], _predict, clips=[2], minima=[0]).table
    z = (cells.x - cells.x.mean(axis=0)) / cells.x.std(axis=0)
    predicted = _predict(np.clip(z, -2, 2))
    names = np.unique(cells.types)
    means = np.vstack([predicted[cells.types == t].mean(axis=0) for t in names])
    pooled = pooled_by_type(cells, _predict).to_numpy()
    ours, theirs = means - means.mean(axis=0), pooled - pooled.mean(axis=0)
    of_mirnas = np.mean([np.corrcoef(ours[:, k], theirs[:, k])[0, 1] for k in range(MIRNAS)])
    of_types = np.mean([np.corrcoef(ours[t], theirs[t])[0, 1] for t in range(4)])
    own = [
        names[np.argmax([np.corrcoef(cell, row)[0, 1] for row in theirs])]
        for cell in predicted - means.mean(axis=0)
    ]
    row = table.iloc[0]
    assert row["pcc_mirna"] == pytest.approx(of_mirnas, abs=1e-5)
    assert row["pcc_type"] == pytest.approx(of_types, abs=1e-5)
    assert row["nearest"] == np.mean(np.array(own) == cells.types)
    assert row["share_clipped"] == pytest.approx(np.mean(np.abs(z) > 2), abs=1e-4)


def test_cells_below_the_minimum_are_left_out(cells):
    detected = (cells.x > 0).sum(axis=1)
    minimum = int(np.median(detected))
    table = percell([cells], _predict, clips=[None], minima=[0, minimum, GENES + 1]).table
    assert list(table["n_cells"]) == [240, (detected >= minimum).sum(), 0]
    assert list(table["n_types_lost"]) == [0, 0, 4]
    assert table[["pcc_mirna", "pcc_type", "nearest"]].iloc[2].isna().all()


def _settings(*rows):
    columns = [
        "dataset",
        "clip",
        "min_landmarks",
        "n_types_lost",
        "pcc_mirna",
        "pcc_type",
        "nearest",
    ]
    return pd.DataFrame([("d", *row) for row in rows], columns=columns)


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ([(np.nan, 0, 0, 0.5, 0.5, 0.5), (10, 0, 0, 0.6, 0.6, 0.6)], (10, 0)),
        ([(np.nan, 0, 0, 0.597, 0.6, 0.6), (10, 0, 0, 0.6, 0.6, 0.6)], (None, 0)),
        ([(np.nan, 50, 0, 0.6, 0.6, 0.6), (3, 0, 0, 0.6, 0.6, 0.6)], (3, 0)),
        ([(np.nan, 50, 1, 0.9, 0.9, 0.9), (3, 0, 0, 0.6, 0.6, 0.6)], (3, 0)),
    ],
)
def test_the_best_wins_and_of_equals_the_one_that_leaves_out_and_clips_least(rows, chosen):
    setting = choose(_settings(*rows))["chosen"]
    assert (setting["clip"], setting["min_landmarks"]) == chosen


def test_two_types_are_too_few(cells):
    few = Cells("few", cells.x[:120], cells.types[:120])
    with pytest.raises(InputError, match="few: 2 types; agreement over types needs at least 3"):
        percell([few], _predict)


def test_the_same_seed_writes_the_same_files(cells, tmp_path):
    done: list[int] = []
    for folder in ("a", "b"):
        result = percell([cells], _predict, minima=[0, 30], progress=done.append)
        write_result(result, tmp_path / folder)
    assert done[-1] == len(result.table) == 8
    for name in ("percell.csv", "percell.json", "percell.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.real
def test_cells_are_read_as_scanpy_normalises_them(shared_data):
    import anndata
    import scanpy

    path = shared_data / "cells" / "pbmc_facs.h5ad"
    read = read_cells(path, "celltype")
    raw = anndata.read_h5ad(path)
    raw.X = sparse.csr_matrix(raw.X, dtype=np.float32)
    scanpy.pp.normalize_total(raw, target_sum=1e4)
    scanpy.pp.log1p(raw)
    from sicmir_atlas.names import landmarks

    shared = [name for name in landmarks() if name in raw.var_names]
    places = [landmarks().index(name) for name in shared]
    assert len(shared) > 900
    np.testing.assert_allclose(read.x[:, places], raw[:, shared].X.toarray(), atol=1e-4)
    assert list(read.types) == list(raw.obs["celltype"].astype(str))


@pytest.mark.real
def test_a_column_that_is_not_there_is_told(shared_data):
    with pytest.raises(InputError, match="obs has no column 'cluster' of cell types; it has:"):
        read_cells(shared_data / "cells" / "pbmc_facs.h5ad", "cluster")
