from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from scipy.optimize import linprog

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.scaling import MomentAccumulator, Scaling, balanced_weights, zscore


def test_spec_v1():
    z = zscore([(0, 2, 5), (1, 2, 7), (3, 2, 9)])
    expected = [(-1.069045, 0, -1.224745), (-0.267261, 0, 0), (1.336306, 0, 1.224745)]
    np.testing.assert_allclose(z, expected, atol=5e-7)


def test_spec_v7_of_two_pools_only_signs_survive():
    np.testing.assert_array_equal(zscore([(2, 7), (5, 1)]), [(-1, 1), (1, -1)])


@pytest.fixture(scope="module")
def published(shared_data):
    return [
        pd.read_parquet(shared_data / "parity" / f"gbm_pooled_landmarks{suffix}.parquet")
        for suffix in ("", "_zscored")
    ]


@pytest.mark.real
def test_spec_v2_published_gene(published):
    x = published[0]["PSME1"].to_numpy(dtype=np.float64)
    # the stored inputs are rounded to float32 (steps of 3e-8 here); the spec's figures are not
    assert x.mean() == pytest.approx(0.3151560112, abs=3e-9)
    assert x.std() == pytest.approx(0.0719298068, abs=3e-9)
    assert zscore(x[:, None])[0, 0] == pytest.approx(0.1331272950, abs=2e-7)


@pytest.mark.real
def test_published_zscores_from_the_stored_float32_inputs(published):
    x, z = (frame.to_numpy() for frame in published)
    # rounding the inputs to float32 moved them by up to half a step, which the SD then magnifies
    step = (np.spacing(np.abs(x)) / 2).max(axis=0) / x.std(axis=0, dtype=np.float64)
    assert (np.abs(zscore(x) - z) <= 2 * step + np.spacing(np.abs(z))).all()
    assert np.abs(zscore(x) - z).max() < 1e-6


@pytest.mark.real
def test_published_zscores_are_met_exactly(published):
    """The published inputs were float64 and are stored as float32, so their last bits are lost.

    For every gene we find inputs that round to the stored ones and whose z-scores, rounded to
    float32, are the published ones without any difference.
    """
    x, z = (frame.to_numpy() for frame in published)
    inputs = _unrounded_inputs(x, z)
    assert (inputs.astype(np.float32) == x).all()
    assert np.abs(zscore(inputs).astype(np.float32) - z).max() == 0.0


def _unrounded_inputs(x, z):
    low, high = _rounding_interval(x)
    z_low, z_high = _rounding_interval(z)
    inputs = x.astype(np.float64)
    for _ in range(50):
        scaled = stats.zscore(inputs)
        wanted = inputs.mean(0) + inputs.std(0) * np.clip(scaled, z_low, z_high)
        inputs = np.clip(wanted, low, high)
    for gene in np.flatnonzero((stats.zscore(inputs).astype(np.float32) != z).any(axis=0)):
        start = x[:, gene].astype(np.float64)
        unit = (high - low)[:, gene].max() / 2
        scaled, half = stats.zscore(start), (z_high - z_low)[:, gene] / 2
        n = start.size
        slope = (np.eye(n) - 1 / n - np.outer(scaled, scaled) / n) * (unit / start.std())
        slope /= half[:, None]
        slack = np.ones((n, 1))
        answer = linprog(
            np.r_[np.zeros(n), -1],
            A_ub=np.block([[slope, slack], [-slope, slack]]),
            b_ub=np.r_[(z_high[:, gene] - scaled) / half, (scaled - z_low[:, gene]) / half],
            bounds=[
                *zip((low[:, gene] - start) / unit, (high[:, gene] - start) / unit, strict=True),
                (None, 1),
            ],
        )
        assert answer.status == 0, f"gene {gene}: no input rounds to the stored one"
        inputs[:, gene] = start + answer.x[:n] * unit
    return inputs


def _rounding_interval(values):
    values = values.astype(np.float32)
    below = np.nextafter(values, np.float32(-np.inf)).astype(np.float64)
    above = np.nextafter(values, np.float32(np.inf)).astype(np.float64)
    low, high = (values + below) / 2, (values + above) / 2
    margin = (high - low) * 1e-3
    return low + margin, high - margin


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e9 + 0.1])
def test_constant_gene_is_exactly_zero(value):
    x = np.full((38, 2), value)
    x[:, 1] = np.arange(38)
    moments = MomentAccumulator()
    for rows in np.array_split(x, 5):
        moments.add(sparse.csr_matrix(rows), weights=np.full(len(rows), 1 / 3))
    for z in (zscore(x), moments.scaling().apply(x), zscore(x, weights=np.full(38, 0.1))):
        assert (z[:, 0] == 0).all()
        assert (z[:, 1] != 0).all()


def test_zscore_far_from_zero():
    spread = np.random.default_rng(0).normal(size=(500, 4))
    expected = stats.zscore(spread)
    np.testing.assert_allclose(zscore(spread + 1e6), expected, atol=1e-8)
    moments = MomentAccumulator()
    for rows in np.array_split(spread + 1e6, 7):
        moments.add(rows)
    np.testing.assert_allclose(
        moments.scaling().apply(spread + 1e6, dtype=np.float64), expected, atol=1e-8
    )


def _expression(n_cells=700, n_genes=60):
    rng = np.random.default_rng(3)
    x = np.log1p(rng.poisson(0.05 + rng.gamma(0.3, size=n_genes), size=(n_cells, n_genes)))
    x[:, 0] = 0
    return x, rng


@pytest.mark.parametrize("block_rows", [1, 64, 700])
@pytest.mark.parametrize("as_block", [sparse.csr_matrix, sparse.csr_array, np.asarray])
def test_accumulator_agrees_with_scipy(block_rows, as_block):
    x, _ = _expression()
    moments = MomentAccumulator()
    for start in range(0, len(x), block_rows):
        moments.add(as_block(x[start : start + block_rows]))
    assert moments.n_rows == len(x)
    z = moments.scaling().apply(sparse.csr_matrix(x), dtype=np.float64)
    np.testing.assert_allclose(z[:, 1:], stats.zscore(x[:, 1:]), atol=1e-11)
    assert (z[:, 0] == 0).all()


def test_integer_weights_are_repeated_rows():
    x, rng = _expression()
    weights = rng.integers(0, 5, size=len(x))
    repeated = np.repeat(x, weights, axis=0)
    expected = Scaling(repeated.mean(0), repeated.std(0)).apply(x, dtype=np.float64)
    moments = MomentAccumulator()
    for rows, block_weights in zip(np.array_split(x, 9), np.array_split(weights, 9), strict=True):
        moments.add(sparse.csr_matrix(rows), block_weights)
    np.testing.assert_allclose(moments.scaling().apply(x, dtype=np.float64), expected, atol=1e-11)
    np.testing.assert_allclose(zscore(x, weights=weights), expected, atol=1e-11)


def test_balanced_weights_count_each_type_once():
    labels = ["b"] * 9 + ["a"]
    x = np.r_[np.zeros(9), 1.0][:, None]
    z = zscore(x, weights=balanced_weights(labels))
    np.testing.assert_allclose(z.ravel(), np.r_[-np.ones(9), 1.0])


def test_stored_zeros_and_duplicates_change_nothing():
    plain = sparse.csr_matrix(np.array([[1.0, 0.0], [2.0, 3.0]]))
    odd = sparse.csr_matrix(
        (np.array([0.5, 0.5, 0.0, 2.0, 3.0]), np.array([0, 0, 1, 0, 1]), np.array([0, 3, 5]))
    )
    a, b = MomentAccumulator(), MomentAccumulator()
    a.add(plain)
    b.add(odd)
    np.testing.assert_array_equal(a.scaling().mean, b.scaling().mean)
    np.testing.assert_array_equal(a.scaling().sd, b.scaling().sd)
    assert odd.nnz == 5


def test_bad_input_is_named():
    with pytest.raises(InputError, match="column 1 holds NaN"):
        zscore([[1.0, np.nan], [2.0, 1.0]])
    with pytest.raises(InputError, match="no rows"):
        MomentAccumulator().scaling()
    with pytest.raises(InputError, match="no rows"):
        zscore(np.empty((0, 3)))
    with pytest.raises(InputError, match="weights"):
        zscore([[1.0], [2.0]], weights=[1.0, -1.0])
    with pytest.raises(InputError, match="3 genes, the scaling has 2"):
        Scaling(np.zeros(2), np.ones(2)).apply(np.zeros((1, 3)))
    moments = MomentAccumulator()
    moments.add(np.zeros((2, 2)))
    with pytest.raises(InputError, match="earlier blocks had 2"):
        moments.add(np.zeros((2, 3)))
