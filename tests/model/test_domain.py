from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from sicmir_atlas.model.domain import fit_domain
from sicmir_atlas.model.scaling import zscore


def _simulated(n, basis, rng):
    return rng.normal(size=(n, len(basis))) @ basis + 0.5 * rng.normal(size=(n, basis.shape[1]))


def test_distance_is_the_variance_that_pca_leaves():
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(60, 120))
    x = _simulated(200, basis, rng)
    other = zscore(_simulated(30, basis, rng))
    domain, _ = fit_domain(x, np.repeat("a", 200))
    pca = PCA(n_components=50, svd_solver="full").fit(zscore(x))
    left = other - (other @ pca.components_.T) @ pca.components_
    assert domain.distance(other) == pytest.approx((left**2).sum() / (other**2).sum())


def test_what_was_not_seen_is_farther_away():
    rng = np.random.default_rng(1)
    seen, unseen = rng.normal(size=(2, 20, 120))
    cohorts = np.repeat(["a", "b", "c"], 80)
    x = np.vstack([_simulated(160, seen, rng), _simulated(80, unseen, rng)])
    domain, apart = fit_domain(x, cohorts)
    assert apart["c"] > 2 * apart["a"]
    assert domain.limit == max(apart.values())
    assert domain.distance(zscore(_simulated(30, seen, rng))) < 0.5 * apart["c"]
    assert domain.distance(np.zeros((3, 120))) == 1.0
