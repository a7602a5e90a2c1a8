from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import zscore as scipy_zscore
from sklearn.cross_decomposition import PLSRegression
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge as SklearnRidge

from sicmir_atlas.model.learners import LEARNERS, Averaged
from sicmir_atlas.model.least_squares import PartialLeastSquares
from sicmir_atlas.model.ridge import GaussianRidge, LowRankRidge, Ridge
from sicmir_atlas.model.samples import Samples, view, zscore_known


@pytest.fixture
def samples():
    """Simulated: three cohorts at different levels, 12 factors, 25 genes, 7 miRNAs."""
    rng = np.random.default_rng(0)
    cohorts = np.repeat(["a", "b", "c"], [40, 30, 20])
    factors = (
        rng.normal(size=(90, 12)) + 3 * rng.normal(size=(3, 12))[np.repeat([0, 1, 2], [40, 30, 20])]
    )
    x = factors @ rng.normal(size=(12, 25)) + rng.normal(size=(90, 25))
    y = factors @ rng.normal(size=(12, 7)) + rng.normal(size=(90, 7))
    return Samples(x, y, cohorts)


def _prediction(part, samples, rows):
    learner = Averaged("one", (part,))
    return learner.fit(samples.x, samples.y, samples.cohorts, seed=3)(rows)


def test_ridge_is_sklearns(samples):
    z, targets = (scipy_zscore(values) for values in (samples.x, samples.y))
    expected = SklearnRidge(alpha=0.5 * 25, fit_intercept=False).fit(z, targets)
    rows = samples.x[:30]
    np.testing.assert_allclose(
        _prediction(Ridge(0.5), samples, rows), expected.predict(scipy_zscore(rows)), atol=1e-5
    )


def test_ridge_within_cohorts_sees_no_difference_between_them(samples):
    moved = Samples(
        samples.x + 50.0 * (samples.cohorts == "b")[:, None],
        samples.y - 9.0 * (samples.cohorts == "c")[:, None],
        samples.cohorts,
    )
    part = Ridge(1.0, "within")
    np.testing.assert_allclose(
        _prediction(part, moved, samples.x), _prediction(part, samples, samples.x), atol=1e-5
    )
    inside = [
        np.vstack([scipy_zscore(v[samples.cohorts == c]) for c in "abc"])
        for v in (samples.x, samples.y)
    ]
    expected = SklearnRidge(alpha=25.0, fit_intercept=False).fit(*inside)
    np.testing.assert_allclose(
        _prediction(part, samples, samples.x),
        expected.predict(scipy_zscore(samples.x)),
        atol=1e-5,
    )


def test_an_unknown_target_is_left_out_of_its_column_alone(samples):
    holes = samples.y.copy()
    holes[::3, 2] = np.nan
    holes[:, 4] = np.nan
    known = ~np.isnan(holes[:, 2])
    z = scipy_zscore(samples.x)
    predicted = _prediction(Ridge(0.5), Samples(samples.x, holes, samples.cohorts), samples.x)
    alone = SklearnRidge(alpha=0.5 * 25, fit_intercept=False)
    alone.fit(z[known], scipy_zscore(holes[known, 2]))
    np.testing.assert_allclose(predicted[:, 2], alone.predict(z), atol=1e-5)
    assert (predicted[:, 4] == 0).all()
    whole = _prediction(Ridge(0.5), samples, samples.x)
    np.testing.assert_allclose(predicted[:, [0, 1, 3, 5, 6]], whole[:, [0, 1, 3, 5, 6]], atol=1e-6)


def test_extra_samples_count_by_their_weight(samples):
    """A sample of weight 1/2 is one of half the loss: scikit-learn's sample weight."""
    extra = Samples(samples.x[:20] * 3 + 7, samples.y[:20] - 4, samples.cohorts[:20], 0.5)
    both = view([samples, extra], "pooled")
    weights = np.repeat([1.0, 0.5], [90, 20])
    expected = SklearnRidge(alpha=0.5 * 25, fit_intercept=False)
    expected.fit(both.z, both.targets, sample_weight=weights)
    np.testing.assert_allclose(
        _prediction(Ridge(0.5, extra=extra), samples, samples.x),
        expected.predict(scipy_zscore(samples.x)),
        atol=1e-5,
    )
    np.testing.assert_allclose(both.z[90:], scipy_zscore(extra.x), atol=1e-12)


def test_missing_genes_of_extra_samples_are_taken_as_the_mean(samples):
    holes = samples.x[:20].copy()
    holes[:, 3], holes[5, 4] = np.nan, np.nan
    seen = view([samples, Samples(holes, samples.y[:20], samples.cohorts[:20])], "pooled")
    assert (seen.z[90:, 3] == 0).all()
    assert seen.z[95, 4] == 0
    assert not np.isnan(seen.z).any()


def test_gaussians_on_every_sample_are_sklearns_kernel_ridge(samples):
    z, targets = (scipy_zscore(values) for values in (samples.x, samples.y))
    expected = KernelRidge(alpha=0.2, kernel="rbf", gamma=0.8 / 50).fit(z, targets)
    part = GaussianRidge(penalty=0.2, gamma=0.8, n_averaged=1)
    rows = samples.x[10:40]
    np.testing.assert_allclose(
        _prediction(part, samples, rows), expected.predict(scipy_zscore(rows)), atol=2e-4
    )


def test_centres_are_means_of_samples_and_enough_of_them_come_close(samples):
    part = GaussianRidge(penalty=0.2, gamma=0.8, n_centres=60, n_averaged=3)
    (member,) = part.train(samples, seed=1).members
    assert member.centres.shape == (60, 25)  # 27 + 20 + 13 of 40, 30 and 20 samples, rounded
    assert np.square(member.centres).sum(1).mean() == pytest.approx(25, rel=1e-4)
    nearest = np.abs(member.centres[:, None] - scipy_zscore(samples.x)).max(axis=2).min(axis=1)
    assert nearest.min() > 0.1, "no centre is a sample"
    again, other = (part.train(samples, seed=s).members[0].centres for s in (1, 2))
    assert member.centres.tobytes() == again.tobytes() != other.tobytes()
    exact = _prediction(GaussianRidge(penalty=0.2, gamma=0.8, n_averaged=1), samples, samples.x)
    close = _prediction(GaussianRidge(penalty=0.2, gamma=0.8, n_centres=300), samples, samples.x)
    assert np.corrcoef(exact.ravel(), close.ravel())[0, 1] > 0.98


def test_the_centre_of_a_cohort_of_one_is_its_sample(samples):
    alone = replace(samples, cohorts=np.array(["alone", *samples.cohorts[1:]]))
    (member,) = GaussianRidge().train(alone, seed=1).members
    z = scipy_zscore(samples.x)[0]
    lengths = np.linalg.norm(member.centres, axis=1) * np.linalg.norm(z)
    assert np.max(member.centres @ z / lengths) == pytest.approx(1, abs=1e-6)


def test_low_rank_predictions_have_that_rank(samples):
    predicted = _prediction(LowRankRidge(0.5, rank=3), samples, samples.x)
    assert np.linalg.matrix_rank(predicted, tol=1e-3) == 3
    full = _prediction(LowRankRidge(0.5, rank=7), samples, samples.x)
    np.testing.assert_allclose(full, _prediction(Ridge(0.5), samples, samples.x), atol=1e-5)


def test_pls_is_sklearns(samples):
    z, targets = (scipy_zscore(values) for values in (samples.x, samples.y))
    expected = PLSRegression(4, scale=False).fit(z, targets)
    np.testing.assert_allclose(
        _prediction(PartialLeastSquares(4), samples, samples.x), expected.predict(z), atol=1e-4
    )


def test_an_average_is_one(samples):
    parts = (Ridge(1.0), Ridge(1.0, "within"))
    apart = [_prediction(part, samples, samples.x) for part in parts]
    both = Averaged("both", parts).fit(samples.x, samples.y, samples.cohorts, seed=0)
    np.testing.assert_allclose(both(samples.x), np.mean(apart, axis=0), atol=1e-5)


def test_small_cohorts_have_no_view_within(samples):
    cohorts = samples.cohorts.copy()
    cohorts[:4] = "tiny"
    seen = view([Samples(samples.x, samples.y, cohorts)], "within")
    assert len(seen.z) == 86
    assert "tiny" not in seen.cohorts


def test_zscores_of_known_values():
    values = np.array([[1.0, 5, np.nan], [3, 5, 2], [np.nan, 5, 4]])
    expected = [[-1, 0, np.nan], [1, 0, -1], [np.nan, 0, 1]]
    np.testing.assert_allclose(zscore_known(values), expected)


def test_names_are_their_keys():
    assert all(name == learner.name for name, learner in LEARNERS.items())
