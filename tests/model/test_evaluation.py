from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import zscore
from sklearn.metrics import mean_squared_error, r2_score

from sicmir_atlas.model.evaluation import evaluate
from sicmir_atlas.model.members import LinearMember
from sicmir_atlas.model.scaling import Scaling
from sicmir_atlas.model.weights import Model


def test_errors_of_z_scores_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, size=(30, 3))
    y = x + rng.normal(0, [1, 2, 3], size=(30, 3)) + [5, 0, 1]
    scale = Scaling(np.array([4.0, 3, 2]), np.array([2.0, 3, 4]))
    member = LinearMember(np.eye(3, dtype=np.float32), np.full(3, 0.2, np.float32))
    model = Model("m", ("A", "B", "C"), ("hsa-miR-1", "hsa-miR-2", "hsa-miR-3"), (member,))
    train = Scaling(np.zeros(3), np.ones(3))
    found = evaluate(model, x, y, np.full(30, "all"), x_train=train, y_observed=scale).summary
    truth, predicted = scale.apply(y, dtype=np.float64), zscore(x) + 0.2
    for name, expected in {
        "mse": mean_squared_error(truth, predicted),
        "rmse": np.sqrt(mean_squared_error(truth, predicted)),
        "r2_mean": r2_score(truth, predicted),
        "r2_varw": r2_score(truth, predicted, multioutput="variance_weighted"),
        "pcc_flat": np.corrcoef(truth.ravel(), predicted.ravel())[0, 1],
    }.items():
        assert found[name] == pytest.approx(expected, abs=1e-4), name
