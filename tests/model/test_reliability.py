from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sicmir_atlas.model.reliability import reliability


@pytest.fixture
def judged():
    """Simulated: two cohorts far apart, three miRNAs, one of them unknown in the second."""
    rng = np.random.default_rng(0)
    cohorts = np.repeat(["a", "b"], [60, 40])
    truth = rng.normal(size=(100, 3)) + 5 + 8.0 * (cohorts == "b")[:, None]
    predicted = truth + np.array([0.3, 1.0, 1.0]) * rng.normal(size=truth.shape)
    truth[60:, 2] = np.nan
    return truth, predicted, cohorts


def test_correlations_are_scipys(judged):
    truth, predicted, cohorts = judged
    found = reliability(truth, predicted, cohorts, n_resamples=10)
    for k in range(3):
        known = ~np.isnan(truth[:, k])
        pooled = stats.pearsonr(truth[known, k], predicted[known, k]).statistic
        within = [
            stats.pearsonr(truth[rows, k], predicted[rows, k]).statistic
            for rows in (known & (cohorts == "a"), known & (cohorts == "b"))
            if rows.any()
        ]
        assert found.pooled[k] == pytest.approx(pooled)
        assert found.within[k] == pytest.approx(np.mean(within))


def test_intervals_are_those_of_a_plain_bootstrap(judged):
    """Drawn again sample by sample, by another generator: equal within sampling error."""
    truth, predicted, cohorts = judged
    found = reliability(truth, predicted, cohorts, n_resamples=4000)
    rng = np.random.default_rng(5)
    groups = [np.flatnonzero(cohorts == c) for c in "ab"]
    pooled, within = [], []
    for _ in range(4000):
        drawn = [rng.choice(rows, rows.size) for rows in groups]
        both = np.concatenate(drawn)
        pooled.append(np.corrcoef(truth[both, 1], predicted[both, 1])[0, 1])
        within.append(np.mean([np.corrcoef(truth[r, 1], predicted[r, 1])[0, 1] for r in drawn]))
    for mine, plain in ((found.pooled_interval, pooled), (found.within_interval, within)):
        np.testing.assert_allclose(mine[1], np.quantile(plain, (0.025, 0.975)), atol=0.015)


def test_what_is_undefined_has_no_interval(judged):
    truth, predicted, cohorts = judged
    predicted[:, 0] = 1.0
    found = reliability(truth, predicted, cohorts, n_resamples=10)
    assert np.isnan(found.pooled[0])
    assert np.isnan(found.pooled_interval[0]).all()
    assert np.isnan(found.within_interval[0]).all()
