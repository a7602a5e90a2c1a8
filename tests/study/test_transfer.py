from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, zscore

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.members import LinearMember
from sicmir_atlas.model.pairs import Pairs
from sicmir_atlas.model.weights import Model
from sicmir_atlas.study.cohorts import of_cohort
from sicmir_atlas.study.transfer import WHOLE, transfer

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.torch

RELIABILITY = {"hsa-miR-1": 0.9, "hsa-miR-2": 0.3, "hsa-miR-3": None}


def model(**given):
    """Gives three genes back as three miRNAs; of the first it is sure."""
    member = LinearMember(np.eye(3, dtype=np.float32), np.zeros(3, np.float32))
    scaling = {"x_mean": np.array([1.0, 2.0, 3.0]), "x_sd": np.array([1.0, 2.0, 0.5])}
    card = {"reliability": RELIABILITY}
    names = tuple(RELIABILITY)
    return Model("m", ("A", "B", "C"), names, (member,), given.get("scaling", scaling), card)


@pytest.fixture
def pairs():
    """Two tissues, whose means differ more than their samples; one has a miRNA less."""
    rng = np.random.default_rng(0)
    tissue = np.repeat([0.0, 5.0, 9.0], [20, 15, 5])
    x = rng.normal(size=(40, 3)) + tissue[:, None]
    y = x + rng.normal(0, 2, (40, 3))
    names = [f"S{i}" for i in range(40)]
    cohorts = pd.Series(np.repeat(["lung", "liver", "rare"], [20, 15, 5]), index=names)
    mirna = pd.DataFrame(y, names, ["hsa-miR-2", "hsa-miR-1", "hsa-miR-9"])
    return Pairs(pd.DataFrame(x, names, list("ABC")), mirna, cohorts)


def mean_pcc(pairs, rows, n_mirnas=2):
    x, y = zscore(pairs.mrna.to_numpy()), pairs.mirna[["hsa-miR-1", "hsa-miR-2"]].to_numpy()
    return np.mean([pearsonr(x[rows, k], y[rows, k])[0] for k in range(n_mirnas)])


def test_the_table_agrees_with_scipy_over_all_samples_and_within_tissues(pairs):
    result = transfer(model(), pairs)
    own = result.table[result.table["scale"] == "own"].set_index("cohort")
    assert list(own.index) == [WHOLE, "liver", "lung"]  # five samples say nothing
    assert own["n_samples"].tolist() == [40, 15, 20]
    every = np.full(40, fill_value=True)
    assert own.loc[WHOLE, "pcc"] == pytest.approx(mean_pcc(pairs, every), abs=1e-5)
    lung = (pairs.cohorts == "lung").to_numpy()
    assert own.loc["lung", "pcc"] == pytest.approx(mean_pcc(pairs, lung), abs=1e-5)
    assert own.loc["lung", "pcc_hub"] == pytest.approx(mean_pcc(pairs, lung, 1), abs=1e-5)
    assert own.loc[WHOLE, "pcc"] > own.loc["lung", "pcc"] + 0.1
    assert (result.summary["n_mirnas"], result.summary["n_hubs"]) == (2, 1)
    told = result.summary["own"]
    assert told["pcc"] == pytest.approx(own.loc[WHOLE, "pcc"], abs=1e-4)
    assert told["pcc_within"] == pytest.approx(own.loc[["liver", "lung"], "pcc"].mean(), abs=1e-4)
    assert result.figure is not None
    json.dumps(result.summary, allow_nan=False)


def test_the_scale_of_training_matters_where_a_model_is_not_linear_in_it(pairs):
    """Of a linear map of one gene each scale gives the same correlation, of two it does not."""
    both = model()
    own, train = (rows["pcc"] for _, rows in transfer(both, pairs).table.groupby("scale"))
    np.testing.assert_allclose(own, train, atol=1e-6)
    mixed = LinearMember(np.ones((3, 3), np.float32), np.zeros(3, np.float32))
    result = transfer(Model("m", both.landmarks, both.mirnas, (mixed,), both.scaling), pairs)
    z = (pairs.mrna.to_numpy() - [1, 2, 3]) / [1, 2, 0.5]
    expected = [pearsonr(z.sum(1), pairs.mirna[name])[0] for name in ("hsa-miR-1", "hsa-miR-2")]
    train = result.table[(result.table["scale"] == "train") & (result.table["cohort"] == WHOLE)]
    assert train["pcc"].item() == pytest.approx(np.mean(expected), abs=1e-5)
    assert train["pcc_hub"].isna().all()
    assert result.summary["train"]["pcc_hub"] is None


def test_a_missing_gene_is_at_its_mean_on_either_scale(pairs):
    few = Pairs(pairs.mrna[["A", "B"]], pairs.mirna, pairs.cohorts)
    whole = pairs.mrna.assign(C=3.0)
    for scale, rows in transfer(model(), few).table.groupby("scale"):
        same = transfer(model(), Pairs(whole, pairs.mirna, pairs.cohorts)).table
        expected = same[same["scale"] == scale]["pcc"].to_numpy()
        np.testing.assert_allclose(rows["pcc"].to_numpy(), expected, err_msg=scale)


def test_an_imported_model_may_not_know_its_scale(pairs):
    result = transfer(model(scaling={}), pairs)
    assert set(result.table["scale"]) == {"own"}
    assert "train" not in result.summary


def test_one_cohort_has_its_own_scale(pairs):
    lung = of_cohort(pairs, "lung")
    result = transfer(model(), lung)
    assert set(result.table["cohort"]) == {WHOLE}
    assert result.summary["own"]["pcc_within"] is None


def test_tables_of_other_things_are_refused(pairs):
    other = Pairs(pairs.mrna, pairs.mirna.set_axis(["a", "b", "c"], axis=1), pairs.cohorts)
    with pytest.raises(InputError, match="none of the miRNAs of m, such as hsa-miR-1"):
        transfer(model(), other)
