from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

from dataclasses import replace

import torch

from sicmir_atlas.errors import InputError
from sicmir_atlas.model import metrics
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.learners import Averaged
from sicmir_atlas.model.network import SicmirNet
from sicmir_atlas.model.network_learner import Networks
from sicmir_atlas.model.splits import draw_split, split_rows
from sicmir_atlas.model.training import RECIPES, fit
from sicmir_atlas.model.trainset import read_pairs, train_model, write_model
from sicmir_atlas.model.weights import load_model

pytestmark = pytest.mark.torch

CHANGES = {"hidden": 32, "max_epochs": 60, "learning_rate": 0.1}
SMALL = replace(RECIPES["plain"], **CHANGES)


def _simulated(n=240, genes=40, mirnas=9, seed=0):
    """Latent factors drive both sides, so there is something to learn."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, 4))
    x = 15 + factors @ rng.normal(size=(4, genes)) + 0.3 * rng.normal(size=(n, genes))
    y = 2 + np.tanh(factors @ rng.normal(size=(4, mirnas))) + 0.1 * rng.normal(size=(n, mirnas))
    return x, y


def _network(model):
    sizes = (len(model.landmarks), len(model.mirnas))
    (member,) = model.members
    hidden = member.parameters["linear1.bias"].size
    network = SicmirNet(*sizes, hidden=hidden, block_order=member.block_order)
    network.load_arrays(member.parameters)
    return network.eval()


@pytest.mark.parametrize("order", ["released", "relu_bn", "bn_relu"])
def test_network_and_folded_inference_agree(random_model, order):
    model = random_model(order, hidden=(17, 17))
    x = np.random.default_rng(1).normal(size=(50, 31)).astype(np.float32)
    with torch.inference_mode():
        expected = _network(model)(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(load_predictor(model).predict(x), expected, atol=1e-4)


def test_network_gives_spec_v3(spec_v3_model):
    with torch.inference_mode():
        y = _network(spec_v3_model("released"))(torch.tensor([[1, -2, 0.5], [0, 1, -1]]))
    np.testing.assert_allclose(y, [[0.649992, 3.149965], [-0.749999, 8.049913]], atol=2e-6)


def test_network_has_the_published_number_of_parameters():
    assert sum(p.numel() for p in SicmirNet(977, 1298).parameters()) == 3_385_618


def test_network_refuses_other_parameters():
    arrays = SicmirNet(31, 13, hidden=17).arrays()
    arrays["linear9.bias"] = arrays.pop("linear3.bias")
    with pytest.raises(ValueError, match=r"do not fit the network: linear3\.bias, linear9\.bias"):
        SicmirNet(31, 13, hidden=17).load_arrays(arrays)


def test_training_learns_and_repeats():
    x, y = _simulated()
    first, second = (fit(x, y, SMALL, seed=7) for _ in range(2))
    for name, values in first.arrays.items():
        assert values.tobytes() == second.arrays[name].tobytes(), name
    assert first.best.validation_mse < 0.3
    assert first.best.validation_mse == min(e.validation_mse for e in first.history)
    other = fit(x, y, SMALL, seed=8)
    assert not np.array_equal(first.arrays["linear1.weight"], other.arrays["linear1.weight"])


def test_a_linear_scale_does_not_matter():
    x, y = _simulated(n=60)
    recipe = replace(SMALL, max_epochs=3)
    one, other = fit(x, y, recipe, seed=7), fit(8 * x - 5, 4 * y + 1, recipe, seed=7)
    np.testing.assert_allclose(other.y_scaling.mean, 4 * y.mean(axis=0) + 1)
    for name, values in one.arrays.items():
        np.testing.assert_allclose(other.arrays[name], values, atol=1e-4, err_msg=name)


def test_training_leaves_the_global_generator_and_threads_alone():
    x, y = _simulated(n=40)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    threads = torch.get_num_threads()
    fit(x, y, replace(SMALL, max_epochs=2), threads=1)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_missing_targets_give_no_loss():
    """A masked value must not matter, whatever stands there; an empty column stays 0."""
    x, y = _simulated()
    masked = y.copy()
    masked[::3, 0] = np.nan
    masked[:, 1] = np.nan
    fitted = fit(x, masked, SMALL, seed=7)
    assert fitted.untrained.tolist() == [False, True, *[False] * 7]
    assert (fitted.arrays["linear3.weight"][1] == 0).all()
    assert fitted.y_scaling.mean[0] == pytest.approx(np.nanmean(masked[:, 0]))
    assert fitted.y_scaling.sd[0] == pytest.approx(np.nanstd(masked[:, 0]))
    assert np.isfinite(fitted.best.validation_mse)
    network = SicmirNet(40, 9, hidden=32)
    network.load_arrays(fitted.arrays)
    with torch.inference_mode():
        predicted = network.eval()(torch.from_numpy(fitted.x_scaling.apply(x))).numpy()
    assert metrics.pcc_per_mirna(y[::3, :1], predicted[::3, :1])[0] > 0.8


def test_early_stop_keeps_the_best_epoch():
    rng = np.random.default_rng(0)
    fitted = fit(
        rng.normal(size=(60, 10)), rng.normal(size=(60, 3)), replace(SMALL, patience=5), seed=1
    )
    assert len(fitted.history) == fitted.best.number + 5


def test_last_batch_of_one_row_is_dropped():
    x, y = _simulated(n=81)  # 65 rows to train on: a batch of 64 and one of 1
    assert len(fit(x, y, replace(SMALL, max_epochs=2), seed=1).history) == 2


def test_diverging_is_an_error():
    x, y = _simulated(n=60)
    with pytest.raises(InputError, match="diverged at learning rate 1e\\+30"):
        fit(x, y, replace(SMALL, learning_rate=1e30))


def test_a_network_no_better_than_the_mean_is_told(caplog):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 10)), rng.normal(size=(60, 3))
    fit(x, y, replace(SMALL, max_epochs=3), seed=1)
    assert "in validation is no better than that of the mean; learning rate 0.1" in caplog.text


def test_split_is_stratified_and_seeded():
    labels = ["a"] * 50 + ["b"] * 30 + ["c"] * 4
    train, test = split_rows(labels, 0.3, seed=1)
    assert sorted([*train, *test]) == list(range(84))
    assert pd.Series(labels)[test].value_counts().to_dict() == {"a": 15, "b": 9, "c": 1}
    assert np.array_equal(split_rows(labels, 0.3, seed=1)[1], test)
    assert not np.array_equal(split_rows(labels, 0.3, seed=2)[1], test)


@pytest.fixture
def tables(tmp_path):
    x, y = _simulated()
    samples = [f"TCGA-AA-{i:04d}-01" for i in range(len(x))]
    mrna = pd.DataFrame(x, [f"{s}A" for s in samples], [f"G{i}" for i in range(40)])
    mirna = pd.DataFrame(y, samples, [f"hsa-miR-{i}" for i in range(9)])
    mirna = mirna.rename(columns={"hsa-miR-0": "     hsa-miR-0"})
    cohorts = pd.DataFrame({"sample": samples, "cohort": ["A", "B"] * 120})
    paths = [tmp_path / name for name in ("mrna.csv", "mirna.csv", "strata.csv")]
    mrna.to_csv(paths[0])
    mirna.iloc[::-1].to_csv(paths[1])
    cohorts.to_csv(paths[2], index=False)
    return paths


def test_tables_to_model_folder(tables, tmp_path):
    pairs = read_pairs(*tables)
    learner = Averaged("small", (Networks("plain", changes=CHANGES),))
    split = draw_split(pairs.cohorts, test=0.3, validation=0.2, seed=42)
    trained = train_model(pairs, learner, split, model_id="small", about={"licence": "MIT"})
    write_model(trained, tmp_path / "small")
    model = load_model(tmp_path / "small")
    assert model.mirnas[0] == "hsa-miR-0"
    assert model.card["metrics"]["n_samples"] == 72
    assert set(model.card["metrics"]["pcc_within_cohort_each"]) == {"A", "B"}
    assert model.card["metrics"]["pcc_pooled"] > 0.7
    split = pd.read_csv(tmp_path / "small" / "split.tsv", sep="\t")
    assert split["part"].value_counts().to_dict() == {"train": 134, "test": 72, "validation": 34}
    per_mirna = pd.read_csv(tmp_path / "small" / "per_mirna.tsv", sep="\t")
    reliability = model.card["reliability"]
    assert per_mirna["pcc"].tolist() == pytest.approx(list(reliability.values()), abs=1e-4)

    # the figures again, from the files alone
    test = split["part"].to_numpy() == "test"
    x, y = pairs.mrna.to_numpy()[test], pairs.mirna.to_numpy()[test]
    predicted = load_predictor(model).predict((x - x.mean(0)) / x.std(0))
    expected = [np.corrcoef(y[:, k], predicted[:, k])[0, 1] for k in range(9)]
    assert list(reliability.values()) == pytest.approx(expected, abs=1e-4)


def test_tables_that_do_not_fit(tables, tmp_path):
    mrna, mirna, strata = tables
    frame = pd.read_csv(mrna, index_col=0)
    frame.T.to_csv(tmp_path / "turned.csv")
    with pytest.raises(InputError, match="share no sample"):
        read_pairs(tmp_path / "turned.csv", mirna)
    frame.iloc[[0, 0]].to_csv(tmp_path / "twice.csv")
    with pytest.raises(InputError, match="sample TCGA-AA-0000-01 occurs twice"):
        read_pairs(tmp_path / "twice.csv", mirna)
    pd.read_csv(strata).iloc[1:].to_csv(tmp_path / "short.csv", index=False)
    with pytest.raises(InputError, match="no cohort for sample TCGA-AA-0000-01"):
        read_pairs(mrna, mirna, tmp_path / "short.csv")
    frame.iloc[3, 4] = np.nan
    frame.to_csv(tmp_path / "hole.csv")
    with pytest.raises(InputError, match="no value for sample TCGA-AA-0003-01, gene G4"):
        read_pairs(tmp_path / "hole.csv", mirna)
