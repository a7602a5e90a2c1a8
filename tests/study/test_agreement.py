from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.cli.app import main
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.scaling import zscore
from sicmir_atlas.model.weights import load_model
from sicmir_atlas.study.agreement import agreement_of_models


def test_correlations_are_those_of_numpy():
    rng = np.random.default_rng(0)
    one = pd.DataFrame(rng.normal(size=(30, 4)), columns=list("abcd"))
    other = one * [1, -1, 2, 0.5] + rng.normal(size=(30, 4)) * [0, 0, 1, 1]
    result = agreement_of_models(one, other, pd.Series({"a": 0.9, "b": 0.1, "c": 0.3}))
    expected = [np.corrcoef(one[c], other[c])[0, 1] for c in "abcd"]
    assert result.table["pcc"].tolist() == pytest.approx(expected)
    assert result.summary["pcc_per_mirna"] == pytest.approx(np.mean(expected), abs=1e-4)
    assert result.summary["pcc_per_mirna_most_reliable_quarter"] == pytest.approx(1)
    flat = np.corrcoef(one.to_numpy().ravel(), other.to_numpy().ravel())[0, 1]
    assert result.summary["pcc_flat"] == pytest.approx(flat, abs=1e-4)


@pytest.mark.real
def test_agreement_of_files_with_the_model_itself_and_the_released_one(shared_data, tmp_path):
    mrna = shared_data / "parity/gbm_pooled_landmarks.parquet"
    released = shared_data / "parity/gbm_pooled_released_predictions.parquet"
    model = load_model()
    x = pd.read_parquet(mrna)
    own = load_predictor(model).predict(zscore(x[list(model.landmarks)].to_numpy()))
    pd.DataFrame(own, x.index, list(model.mirnas)).to_parquet(tmp_path / "own.parquet")
    found = {}
    for name, path in (("own", tmp_path / "own.parquet"), ("released", released)):
        with pytest.raises(SystemExit, match="0"):
            main(["study", "agreement", str(mrna), str(path), "-o", str(tmp_path / name)])
        found[name] = json.loads((tmp_path / name / "agreement.json").read_text())
    assert found["own"]["pcc_per_mirna"] == 1
    assert found["released"]["n_mirnas"] == 1298
    theirs = pd.read_parquet(released)[list(model.mirnas)].to_numpy()
    flat = np.corrcoef(own.ravel(), theirs.ravel())[0, 1]
    assert found["released"]["pcc_flat"] == pytest.approx(flat, abs=1e-3)
