from __future__ import annotations

import numpy as np
import pytest

from sicmir_atlas.model import metrics

Y = np.array([[1, 0, 2], [2, 1, 0], [3, 1, 1], [4, 2, 5]], dtype=float)
P = np.array([[1.5, 0.5, 1], [1.5, 0.5, 1], [3.5, 1.5, 2], [3.5, 1, 4]])


def test_spec_v4():
    spread = metrics.spread_over_runs([0.640, 0.650, 0.654])
    assert spread.mean == pytest.approx(0.648, abs=5e-7)
    assert spread.se == pytest.approx(0.004163, abs=5e-7)
    # the spec multiplies the standard error after rounding it
    assert spread.half_width == pytest.approx(0.017913, abs=2e-6)


def test_spec_v5():
    per_mirna = metrics.pcc_per_mirna(Y, P)
    np.testing.assert_allclose(per_mirna, [0.894427, 0.426401, 0.872872], atol=5e-7)
    assert metrics.mean_defined(per_mirna) == (pytest.approx(0.731233, abs=5e-7), 0)
    per_sample = metrics.pcc_per_sample(Y, P)
    np.testing.assert_allclose(per_sample, [0.5, 0.5, 0.970725, 0.984324], atol=5e-7)
    assert per_sample.mean() == pytest.approx(0.738762, abs=5e-7)
    assert metrics.mse(Y, P) == 0.5625
    r2 = metrics.r2_per_mirna(Y, P)
    np.testing.assert_allclose(r2, [0.8, 0.125, 0.714286], atol=5e-7)
    assert r2.mean() == pytest.approx(0.546429, abs=5e-7)
    assert metrics.r2_variance_weighted(Y, P) == pytest.approx(0.678571, abs=5e-7)
    assert metrics.r2_flat(Y, P) == pytest.approx(0.737013, abs=5e-7)
    assert metrics.pcc_flat(Y, P) == pytest.approx(0.861526, abs=5e-7)


def test_constant_columns_are_undefined_and_counted():
    y = np.c_[Y, np.full(4, 0.1), Y[:, 0]]
    p = np.c_[P, P[:, 0], np.full(4, 0.1)]
    mean, undefined = metrics.mean_defined(metrics.pcc_per_mirna(y, p))
    assert (mean, undefined) == (pytest.approx(0.731233, abs=5e-7), 2)
    assert np.isnan(metrics.r2_per_mirna(y, p)[3])
    assert metrics.mean_defined(np.full(3, np.nan)) == (0.0, 3)


def test_missing_entries_are_left_out():
    y, p = np.vstack([Y, [np.nan, 7, np.nan]]), np.vstack([P, [3, np.nan, 4]])
    np.testing.assert_allclose(metrics.pcc_per_mirna(y, p), metrics.pcc_per_mirna(Y, P))
    np.testing.assert_allclose(metrics.r2_per_mirna(y, p), metrics.r2_per_mirna(Y, P))
    assert metrics.mse(y, p) == 0.5625


def test_a_hub_reaches_the_threshold_at_the_decimals_of_a_card():
    pcc = np.array([0.8, 0.79995, 0.79994, np.nan, 0.5])
    assert metrics.is_hub(pcc).tolist() == [True, True, False, False, False]
    assert metrics.is_hub(pcc, threshold=0.5).tolist() == [True, True, True, False, True]
