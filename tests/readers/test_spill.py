from __future__ import annotations

import os

import numpy as np
import pytest
from scipy import sparse

from sicmir_atlas.readers.spill import Spill


def entries(rng, n_cells, n_genes, number):
    return rng.integers(0, n_cells, number), rng.integers(0, n_genes, number)


@pytest.mark.parametrize("waiting", [1, 10_000, 1 << 20])
@pytest.mark.parametrize("n_rows", [1, 100, 1024, 5000])
def test_any_order_any_blocks_equals_scipy(n_rows, waiting, monkeypatch):
    rng = np.random.default_rng(0)
    spill, parts = Spill(3000), []
    monkeypatch.setattr("sicmir_atlas.readers.spill._WAITING", waiting)
    for _ in range(5):
        cells, genes = entries(rng, 3000, 50, 4000)
        values = rng.integers(1, 9, 4000).astype(np.float32)
        parts.append((cells, genes, values))
        spill.add(cells, genes, values)
    cells, genes, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    expected = sparse.coo_matrix((values, (cells, genes)), shape=(3000, 50)).tocsr()
    blocks = list(spill.blocks(50, n_rows))
    spill.close()
    assert [b.shape[0] for b in blocks[:-1]] == [min(n_rows, 3000)] * (len(blocks) - 1)
    got = sparse.vstack(blocks).tocsr()
    assert (got != expected).nnz == 0
    assert got.nnz == expected.nnz  # repeated entries were summed, not kept apart
    assert got.dtype == np.float32


def test_one_wide_value_makes_all_wide():
    spill = Spill(2000)
    spill.add(np.array([5]), np.array([1]), np.array([2.0]))
    spill.add(np.array([1500]), np.array([2]), np.array([0.1]))
    first, second = spill.blocks(3, 1024)
    spill.close()
    assert first.dtype == second.dtype == np.float64
    assert second[1500 - 1024, 2] == 0.1


def test_lies_in_tmpdir_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spill = Spill(10_000)
    rng = np.random.default_rng(0)
    spill.add(*entries(rng, 10_000, 10, 2_000_000), np.ones(2_000_000))
    assert os.fstat(spill._file.fileno()).st_dev == tmp_path.stat().st_dev
    assert os.fstat(spill._file.fileno()).st_size >= 2_000_000 * 10 - (1 << 16)
    spill.close()
    assert list(tmp_path.iterdir()) == []


def test_no_cells_no_blocks():
    spill = Spill(0)
    assert list(spill.blocks(5)) == []
    spill.close()


def test_the_number_of_cells_may_come_last():
    spill = Spill()
    for cell in (0, 5000, 2500):
        spill.add(np.array([cell]), np.array([cell % 7]), np.array([1.0]))
    spill.n_cells = 6000
    got = sparse.vstack(list(spill.blocks(7, 4096)))
    spill.close()
    assert got.shape == (6000, 7)
    rows, columns = got.nonzero()
    assert (rows.tolist(), columns.tolist()) == ([0, 2500, 5000], [0, 1, 2])
