from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge as SklearnRidge

pytest.importorskip("matplotlib")

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.crossval import folds_of
from sicmir_atlas.model.learners import LEARNERS
from sicmir_atlas.model.pairs import Pairs
from sicmir_atlas.study.cancer_specific import WithOthers, cancer_specific

pytestmark = pytest.mark.torch

RIDGE = LEARNERS["ridge"]


def _simulated(*, differs, sizes=(40, 40, 40, 9), seed=0):
    """Cohorts in which miRNAs follow the genes alike, or in which each has rules of its own."""
    rng = np.random.default_rng(seed)
    cohorts = np.repeat(["A", "B", "C", "D"], sizes)
    x = 8 + rng.normal(size=(cohorts.size, 15))
    common = rng.normal(size=(15, 5))
    y = np.empty((cohorts.size, 5))
    for name in np.unique(cohorts):
        rows = cohorts == name
        y[rows] = x[rows] @ (rng.normal(size=(15, 5)) if differs else common)
    y += 6 + 2 * rng.normal(size=y.shape)
    samples = [f"s{i}" for i in range(cohorts.size)]
    return Pairs(
        pd.DataFrame(x, samples, [f"G{i}" for i in range(15)]),
        pd.DataFrame(y, samples, [f"hsa-miR-{i}" for i in range(5)]),
        pd.Series(cohorts, samples),
    )


def _pcc(result, model):
    table = result.table
    return table.loc[table["model"] == model].set_index("cohort")["pcc"]


def test_where_cohorts_have_rules_of_their_own_the_own_model_is_better():
    result = cancer_specific(_simulated(differs=True), RIDGE, min_train=20)
    assert (_pcc(result, "own") > _pcc(result, "pan") + 0.1).all()
    assert (_pcc(result, "own") > _pcc(result, "pan_same_size") + 0.2).all()


def test_where_cohorts_are_alike_more_samples_are_better():
    result = cancer_specific(_simulated(differs=False), RIDGE, min_train=20)
    assert (_pcc(result, "pan") > _pcc(result, "own")).all()
    same_size = (_pcc(result, "pan_same_size") - _pcc(result, "own")).mean()
    assert abs(same_size) < 0.5 * (_pcc(result, "pan") - _pcc(result, "own")).mean()


def test_small_cohorts_are_left_out_and_named():
    result = cancer_specific(_simulated(differs=False), RIDGE, min_train=20)
    assert result.table["cohort"].unique().tolist() == ["A", "B", "C"]
    assert result.summary["left_out"] == {"D": 7}
    table = result.table.set_index(["cohort", "model"])
    assert table.loc["A", "n_train"].to_dict() == {
        "own": 32,
        "pan_same_size": 32,
        "pan": 121,
        "pan_together": 103,
    }


def test_the_pan_cancer_figure_agrees_with_sklearn():
    """By hand: cohort A's folds, each predicted from the rest of A and all of the others."""
    pairs = _simulated(differs=True)
    x, y = pairs.mrna.to_numpy(), pairs.mirna.to_numpy()
    cohorts = pairs.cohorts.to_numpy()
    here = np.flatnonzero(cohorts == "A")
    folds = folds_of(cohorts[here], 5, seed=3)
    predicted = np.empty((40, 5))

    def z(values):
        return (values - values.mean(axis=0)) / values.std(axis=0)

    for fold in range(5):
        train = np.setdiff1d(np.arange(len(x)), here[folds == fold])
        # the penalty is per gene and sample: X'X / p + 1 is X'X + p
        fitted = SklearnRidge(alpha=15, fit_intercept=False).fit(z(x[train]), z(y[train]))
        predicted[folds == fold] = fitted.predict(z(x[here[folds == fold]]))
    expected = np.mean([np.corrcoef(y[here, k], predicted[:, k])[0, 1] for k in range(5)])
    result = cancer_specific(pairs, RIDGE, min_train=20, seed=3)
    assert _pcc(result, "pan")["A"] == pytest.approx(expected)


class _Spy:
    """A learner that says what it was given."""

    name = "spy"

    def fit(self, x, y, cohorts, **_):
        self.given = (x, y, cohorts)
        return lambda rows: rows


def test_a_draw_has_the_size_of_the_cohort_and_keeps_rows_together():
    spy = _Spy()
    others = np.arange(10, 40.0)[:, None]
    learner = WithOthers(spy, others, others * 2, np.full(30, "B"), draw=1)
    own = np.arange(10.0)[:, None]
    learner.fit(own, own * 2, np.full(10, "A"), seed=0)
    x, y, cohorts = spy.given
    assert len(np.unique(x)) == 10
    np.testing.assert_array_equal(y, x * 2)
    np.testing.assert_array_equal(cohorts == "A", x[:, 0] < 10)
    learner.fit(own, own * 2, np.full(10, "A"), seed=7)
    np.testing.assert_array_equal(spy.given[0], x)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(InputError, match=r"no cohort has 100 .* the largest, A, has 32 in 5 folds"):
        cancer_specific(_simulated(differs=False), RIDGE, min_train=100)
    pairs = _simulated(differs=False)
    one = Pairs(pairs.mrna, pairs.mirna, pd.Series("A", pairs.mrna.index))
    with pytest.raises(InputError, match="one cohort has no pan-cancer model"):
        cancer_specific(one, RIDGE)
    with pytest.raises(InputError, match="0 draws give no"):
        cancer_specific(pairs, RIDGE, min_train=20, n_draws=0)
