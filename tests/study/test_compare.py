from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.learners import Averaged
from sicmir_atlas.model.pairs import Pairs
from sicmir_atlas.model.ridge import Ridge
from sicmir_atlas.study.calibration import calibration, fold_spread
from sicmir_atlas.study.compare import compare
from sicmir_atlas.study.learning_curve import arm_ceiling, learning_curve


@pytest.fixture(scope="module")
def pairs():
    """Simulated: 3 cohorts of 40, 6 factors that make both sides."""
    rng = np.random.default_rng(1)
    cohorts = pd.Series(np.repeat(["a", "b", "c"], 40), index=[f"s{i}" for i in range(120)])
    factors = rng.normal(size=(120, 6))
    x = factors @ rng.normal(size=(6, 30)) + rng.normal(size=(120, 30))
    y = factors @ rng.normal(size=(6, 8)) + 2 * rng.normal(size=(120, 8))
    return Pairs(*(pd.DataFrame(values, cohorts.index) for values in (x, y)), cohorts)


GOOD = Averaged("good", (Ridge(0.5),))


class Noise:
    name = "noise"

    def fit(self, x, y, cohorts, *, seed):
        rng = np.random.default_rng(seed)
        return lambda rows: rng.normal(size=(len(rows), y.shape[1]))


def test_the_better_learner_is_told_with_an_interval_above_zero(pairs):
    result = compare([("noise", Noise()), ("good", GOOD)], pairs, baseline="good")
    table = result.table.set_index("learner")
    assert table.loc["good", "folds"] > 0.5
    assert abs(table.loc["noise", "folds"]) < 0.2
    assert table.loc["good", "folds_gain"] == 0
    assert table.loc["noise", "folds_gain_high"] < -0.5
    low, mean, high = (table.loc["good", f"folds{end}"] for end in ("_low", "", "_high"))
    assert low < mean < high
    assert result.summary["best_by_folds"] == "good"


def test_cohorts_too_small_to_correlate_in_are_told(pairs):
    names = pd.Series(np.repeat([f"c{i}" for i in range(15)], 8), index=pairs.mrna.index)
    small = replace(pairs, cohorts=names)
    with pytest.raises(InputError, match="the largest cohort has 8 samples; 10 are needed"):
        compare([("good", GOOD)], small, baseline="good")


def test_more_samples_help_until_they_do_not(pairs):
    result = learning_curve([("good", GOOD)], pairs, shares=(0.1, 0.5, 1.0), n_draws=2)
    means = result.table.groupby("share")["pcc_within_cohort"].mean()
    assert means[0.1] < means[0.5] < means[1.0] + 0.02
    assert result.table.groupby("share").size().to_dict() == {0.1: 2, 0.5: 2, 1.0: 1}
    assert result.table["n_train"].max() == 96


def test_ceiling_is_what_the_noise_leaves():
    """Two readings of one signal correlate with S / (S + N): a perfect guess with its root."""
    rng = np.random.default_rng(2)
    cohorts = pd.Series(np.repeat(["a", "b"], 2000), index=[f"s{i}" for i in range(4000)])
    signal = rng.normal(size=(4000, 5)) + 5.0 * (cohorts == "b").to_numpy()[:, None]
    arms = np.hstack([signal + 0.7 * rng.normal(size=signal.shape) for _ in range(2)])
    names = [f"hsa-miR-{i}-{arm}p" for arm in (5, 3) for i in range(5)]
    stems = pd.Series([name[:-3] for name in names], names)
    found = arm_ceiling(pd.DataFrame(arms, columns=names), stems, cohorts)
    assert found.n_pairs == 5
    assert found.pcc == pytest.approx(np.sqrt(1 / 1.49), abs=0.02)


def test_spread_and_errors_are_those_of_the_members(pairs):
    """Spread of two members is half their distance; the bins hold every error once."""
    learner = Averaged("both", (Ridge(0.5), Ridge(50.0)))
    mean, sd = fold_spread(learner, pairs)
    parts = [Averaged("one", (part,)) for part in learner.parts]
    (one, _), (other, _) = (fold_spread(part, pairs) for part in parts)
    np.testing.assert_allclose(mean, (one + other) / 2, atol=1e-5)
    np.testing.assert_allclose(sd, np.abs(one - other) / 2, atol=1e-5)
    result = calibration(learner, pairs, n_bins=4)
    assert result.table["n"].sum() == 960
    assert result.table["sd"].is_monotonic_increasing
    y = pairs.mirna.to_numpy()
    error = (y - y.mean(0)) / y.std(0) - mean
    total = np.sqrt((result.table["rmse"] ** 2 * result.table["n"]).sum() / 960)
    assert total == pytest.approx(np.sqrt((error**2).mean()))


def test_tumour_is_never_compared_with_normal_tissue():
    """Simulated: what tells 20 tumours from 20 normals is learned, and nothing else can be."""
    rng = np.random.default_rng(3)
    names = [f"TCGA-AA-{i:04}-{kind}" for i in range(20) for kind in ("01", "11")]
    normal = np.tile([0.0, 1.0], 20)[:, None]
    other = [f"s{i}" for i in range(20)]
    x = np.vstack([normal + 0.01 * rng.normal(size=(40, 3)), rng.normal(size=(20, 3))])
    y = np.vstack([normal + 0.01 * rng.normal(size=(40, 2)), rng.normal(size=(20, 2))])
    cohorts = pd.Series(["one"] * 40 + ["two"] * 20, index=names + other)
    pairs = Pairs(pd.DataFrame(x, cohorts.index), pd.DataFrame(y, cohorts.index), cohorts)
    assert set(pairs.groups) == {"one", "one normal", "two"}
    found = compare([("good", GOOD)], pairs, baseline="good").table.iloc[0]
    assert found["pooled"] > 0.3
    assert abs(found["folds"]) < 0.3
