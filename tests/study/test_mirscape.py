from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

pytest.importorskip("xgboost")
pytest.importorskip("matplotlib")

from sicmir_atlas.model.pairs import Pairs
from sicmir_atlas.study.mirscape import judge_mirscape
from sicmir_atlas.study.timing import train_mirscape

pytestmark = pytest.mark.torch


def _pairs(seed):
    rng = np.random.default_rng(seed)
    samples = [f"s{i}" for i in range(60)]
    cohorts = pd.Series(["A", "B"] * 30, samples)
    x = rng.gamma(4, 2, (60, 8))
    y = x[:, :3] / 2 + 0.2 * rng.normal(size=(60, 3)) + 5 * (cohorts == "A").to_numpy()[:, None]
    return Pairs(
        pd.DataFrame(x, samples, [f"G{i}" for i in range(8)]),
        pd.DataFrame(y, samples, [f"hsa-miR-{i}" for i in range(3)]),
        cohorts,
    )


def test_a_trained_mirscape_is_judged_pooled_and_within_cohorts():
    train, test = _pairs(0), _pairs(1)
    result, predicted = judge_mirscape(train_mirscape(train), test)
    table, y = result.table, test.mirna.to_numpy()
    assert (predicted.index.tolist(), predicted.columns.tolist()) == (
        test.mrna.index.tolist(),
        test.mirna.columns.tolist(),
    )
    for k in range(3):
        p = predicted.to_numpy()[:, k]
        assert table["pearson"][k] == pytest.approx(stats.pearsonr(y[:, k], p)[0], abs=1e-6)
        assert table["spearman"][k] == pytest.approx(stats.spearmanr(y[:, k], p)[0], abs=1e-6)
        inside = [stats.pearsonr(y[i::2, k], p[i::2])[0] for i in (0, 1)]
        assert table["pearson_within_cohort"][k] == pytest.approx(np.mean(inside), abs=1e-6)
    # the cohorts differ in a way that genes do not tell
    assert table["pearson_within_cohort"].mean() > table["pearson"].mean()
    assert result.summary["pearson"] == pytest.approx(table["pearson"].mean(), abs=1e-4)
    assert list(result.summary["pearson_by_cohort"]) == ["A", "B"]
