from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.members import LinearMember
from sicmir_atlas.model.pairs import Pairs
from sicmir_atlas.model.weights import Model, load_model, save_model
from sicmir_atlas.study.package import best_run, data_entries, package_model
from sicmir_atlas.study.runs import FIGURES, judge_runs, read_run

GENES, MIRNAS = ("A", "B", "C"), ("hsa-miR-1", "hsa-miR-2")
RUNS = ("full-seed1", "full-seed2", "full-seed3", "fold1-seed1", "fold1-seed2", "fold2-seed1")


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    samples = [f"S{i}" for i in range(40)]
    x = rng.normal(size=(40, 3))
    y = x[:, :2] + rng.normal(size=(40, 2))
    cohorts = pd.Series(["a"] * 20 + ["b"] * 20, index=samples)
    frames = pd.DataFrame(x, samples, list(GENES)), pd.DataFrame(y, samples, list(MIRNAS))
    return Pairs(*frames, cohorts)


@pytest.fixture
def folders(tmp_path, pairs):
    """Runs of linear models, each of other weights and with another half held out."""
    for i, name in enumerate(RUNS):
        rng = np.random.default_rng(i)
        weight = np.eye(3, 2, dtype=np.float32) + rng.normal(0, 0.2, (3, 2)).astype(np.float32)
        card = {
            "training": {"best": {"validation_mse": 0.5 - 0.1 * (name == "full-seed2")}},
            "reliability": {},
        }
        scaling = {"x_mean": np.zeros(3), "x_sd": np.ones(3)}
        member = LinearMember(weight, np.zeros(2, np.float32))
        folder = tmp_path / name
        save_model(Model(name, GENES, MIRNAS, (member,), scaling, card), folder)
        part = np.where(rng.random(40) < 0.5, "test", "train")
        split = pd.DataFrame({"sample": pairs.mrna.index, "part": part})
        split.to_csv(folder / "split.tsv", sep="\t", index=False)
        figures = pd.DataFrame({"mirna": MIRNAS, "pcc": 0.5})
        figures.to_csv(folder / "per_mirna.tsv", sep="\t", index=False)
    return [tmp_path / name for name in RUNS]


def test_every_run_is_judged_on_its_own_samples(pairs, folders):
    runs = [read_run(folder) for folder in folders]
    result, _ = judge_runs(runs, pairs)
    table = result.table.set_index(["design", "seed", "part"])
    assert len(table) == 12
    run = runs[3]
    for part, name in (("train", "train"), ("test", "test")):
        rows = (run.split == part).to_numpy()
        x, y = pairs.mrna.to_numpy()[rows], pairs.mirna.to_numpy()[rows]
        p = (x - x.mean(0)) / x.std(0) @ run.model.members[0].weight
        z = (y - y.mean(0)) / y.std(0)
        mine = table.loc["fold1", 1, name]
        pcc = np.mean([pearsonr(y[:, k], p[:, k])[0] for k in range(2)])
        assert mine["pcc_pooled"] == pytest.approx(pcc, abs=1e-4)
        assert mine["mse"] == pytest.approx(np.square(z - p).mean(), abs=1e-4)
        assert mine["n_samples"] == rows.sum()


def test_spreads_are_over_seeds_and_over_folds(pairs, folders):
    """The published table's way, vector V4: mean, standard error, 4.303 of them."""
    result, per_mirna = judge_runs([read_run(folder) for folder in folders], pairs)
    table = result.table[result.table["part"] == "test"].set_index(["design", "seed"])
    three = table.loc["full", "mse"].to_numpy()
    told = result.summary["full"]["test"]["mse"]
    assert told["mean"] == pytest.approx(three.mean())
    assert told["se"] == pytest.approx(three.std(ddof=1) / np.sqrt(3))
    assert told["half_width"] == pytest.approx(4.303 * told["se"])
    # two folds, of which one has two seeds: each fold counts once, and two have no interval
    folds = [table.loc["fold1", "mse"].mean(), table.loc[("fold2", 1), "mse"]]
    cv = result.summary["cross_validation"]["test"]["mse"]
    assert cv == {"mean": pytest.approx(np.mean(folds)), "se": None, "half_width": None}
    assert set(cv.keys()) == set(told.keys())
    assert set(result.summary["full"]["train"]) == set(FIGURES)
    json.dumps(result.summary, allow_nan=False)

    assert per_mirna["mirna"].tolist() == list(MIRNAS)
    full = table.loc["full", "pcc_pooled"].mean()
    assert per_mirna["pcc_test"].mean() == pytest.approx(full, abs=1e-4)
    ab = [table.loc["fold1", "pcc_pooled"].mean(), table.loc[("fold2", 1), "pcc_pooled"]]
    assert per_mirna["pcc_cv"].mean() == pytest.approx(np.mean(ab), abs=1e-4)


def test_without_folds_there_is_no_cross_validation(pairs, folders):
    result, per_mirna = judge_runs([read_run(folder) for folder in folders[:3]], pairs)
    assert result.summary["cross_validation"] == {}
    assert per_mirna["pcc_cv"].isna().all()


def test_folds_alone_have_no_figures_of_all_training_samples(pairs, folders):
    result, per_mirna = judge_runs([read_run(folder) for folder in folders[3:]], pairs)
    assert result.summary["full"] == {}
    assert set(result.summary["cross_validation"]) == {"train", "test"}
    assert per_mirna["mirna"].tolist() == list(MIRNAS)
    assert per_mirna["pcc_test"].isna().all()
    assert per_mirna["pcc_cv"].notna().all()


def test_tables_that_lack_what_a_run_was_trained_on(pairs, folders):
    run = read_run(folders[0])
    fewer = Pairs(pairs.mrna[["A"]], pairs.mirna, pairs.cohorts)
    with pytest.raises(InputError, match=r"full, seed 1: 2 of its 3 genes are not .* such as B; g"):
        judge_runs([run], fewer)
    fewer = Pairs(pairs.mrna, pairs.mirna[["hsa-miR-2"]], pairs.cohorts)
    with pytest.raises(InputError, match="1 of its 2 miRNAs are not in the tables, such as hsa"):
        judge_runs([run], fewer)
    with pytest.raises(InputError, match="no run to judge: give model folders called full-seed42"):
        judge_runs([], pairs)


def test_the_shipped_run_is_chosen_without_the_test_samples(folders, pairs, tmp_path):
    runs = [read_run(folder) for folder in folders]
    best = best_run(runs)
    assert (best.design, best.seed) == ("full", 2)
    result, per_mirna = judge_runs(runs, pairs)
    made = tmp_path / "my-model"
    about = {"title": "simulated", "licence": "MIT"}
    package_model(best, folders[1], made, summary=result.summary, per_mirna=per_mirna, about=about)
    model = load_model(made)
    assert model.model_id == "my-model"
    np.testing.assert_array_equal(model.members[0].weight, best.model.members[0].weight)
    assert model.card["runs"]["shipped_seed"] == 2
    assert model.card["runs"]["full"] == result.summary["full"]
    assert model.card["licence"] == "MIT"
    assert any("bulk tissue" in limit for limit in model.card["limits"])
    assert (made / "split.tsv").read_bytes() == (folders[1] / "split.tsv").read_bytes()
    told = pd.read_csv(made / "per_mirna.tsv", sep="\t")
    assert list(told.columns) == ["mirna", "pcc", "pcc_test", "pcc_cv", "pcc_cv_se"]
    with pytest.raises(InputError, match="none of the runs is on all training samples"):
        best_run(runs[3:])


def test_a_network_that_diverged_is_not_shipped(folders):
    """A run whose error is above that of the training mean, 1, says nothing."""
    runs = [read_run(folder) for folder in folders]
    for run in runs:
        run.model.card["training"]["best"]["validation_mse"] = 158.2
    with pytest.raises(InputError, match="the least validation error is 158, that of the mean 1"):
        best_run(runs)


@pytest.mark.parametrize("training", [{}, {"training": {"learner": "ridge"}}])
def test_runs_without_an_error_on_validation_samples_cannot_be_chosen(folders, training):
    run = read_run(folders[0])
    other = replace(run, model=replace(run.model, card=training))
    with pytest.raises(InputError, match="full, seed 1: its card tells no error on validation"):
        best_run([other])


def test_the_card_says_which_tables():
    file = {"name": "HiSeqV2", "url": "https://example.org/HiSeqV2", "sha256": "1" * 64, "size": 9}
    tables = {
        "cohorts": [{"name": "ACC", "n_paired": 79, "files": [file]}],
        "n_paired": 79,
        "mirnas_never_measured": 3,
    }
    said = data_entries(tables)
    assert said["training_data"]["cohorts"] == "ACC 79"
    with pytest.raises(InputError, match=r"--tables tells no mirnas_never_measured, n_paired;"):
        data_entries({"cohorts": []})
    assert said["training_files"] == [{key: file[key] for key in ("url", "sha256", "size")}]


def test_folders_that_are_no_runs(folders, pairs, tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match="other is no run: a run is a model folder called"):
        read_run(tmp_path / "other")
    run = read_run(folders[0])
    save_model(replace(run.model, scaling={}), folders[0])
    with pytest.raises(InputError, match="full-seed1 is no run: its model does not tell the mean"):
        read_run(folders[0])
    save_model(run.model, folders[0])
    (folders[0] / "split.tsv").write_text("")
    with pytest.raises(InputError, match=r"full-seed1/split\.tsv is empty"):
        read_run(folders[0])
    (folders[0] / "split.tsv").unlink()
    with pytest.raises(InputError, match="full-seed1 is no run"):
        read_run(folders[0])
    strange = Pairs(pairs.mrna.set_axis(range(40)), pairs.mirna, pairs.cohorts)
    with pytest.raises(InputError, match="full, seed 2: 0 of its samples are in the tables"):
        judge_runs([read_run(folders[1])], strange)
