from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.learners import Averaged
from sicmir_atlas.model.pairs import Pairs
from sicmir_atlas.model.ridge import Ridge
from sicmir_atlas.model.samples import Samples
from sicmir_atlas.model.splits import draw_split
from sicmir_atlas.model.trainset import require_place, train_model, write_model
from sicmir_atlas.model.weights import load_model

RIDGE = Averaged("ridge", (Ridge(0.5),))


def _pairs(sizes):
    """Simulated: cohorts of these sizes, 5 factors, 20 genes, 6 miRNAs."""
    rng = np.random.default_rng(4)
    n = sum(sizes)
    factors = rng.normal(size=(n, 5))
    samples = pd.Index([f"s{i}" for i in range(n)])
    x = 5 + factors @ rng.normal(size=(5, 20)) + 0.5 * rng.normal(size=(n, 20))
    y = 5 + factors @ rng.normal(size=(5, 6)) + 0.5 * rng.normal(size=(n, 6))
    cohorts = np.repeat([f"c{i}" for i in range(len(sizes))], sizes)
    return Pairs(
        pd.DataFrame(x, samples, [f"G{i}" for i in range(20)]),
        pd.DataFrame(y, samples, [f"hsa-miR-{i}" for i in range(6)]),
        pd.Series(cohorts, samples),
    )


def _all(pairs):
    return draw_split(pairs.cohorts, test=0, seed=0)


def test_a_model_of_all_samples_is_judged_by_folds(tmp_path):
    pairs = _pairs([40, 30])
    trained = train_model(pairs, RIDGE, _all(pairs), model_id="m", n_folds=5)
    write_model(trained, tmp_path / "m", sources=pd.DataFrame({"mirna": ["hsa-miR-0"], "n": [7]}))
    card = load_model(tmp_path / "m").card
    assert (card["training"]["n_train"], card["training"]["n_test"]) == (70, 0)
    assert card["metrics"]["n_folds"] == 5
    assert card["metrics"]["pcc_within_cohort"] > 0.8
    assert set(card["metrics"]["pcc_left_out_cohort_each"]) == {"c0", "c1"}
    seen = load_predictor(trained.model).predict(
        ((pairs.mrna - pairs.mrna.mean()) / pairs.mrna.std(ddof=0)).to_numpy()
    )
    fitted = [np.corrcoef(seen[:, k], pairs.mirna.iloc[:, k])[0, 1] for k in range(6)]
    for k, name in enumerate(pairs.mirna.columns):
        low, high = card["reliability_interval"][name]
        assert low < card["reliability"][name] < high
        assert card["reliability"][name] < fitted[k], "samples that were seen are predicted better"
    table = pd.read_csv(tmp_path / "m" / "per_mirna.tsv", sep="\t")
    assert table["n"].fillna(0).tolist() == [7, 0, 0, 0, 0, 0]
    assert pd.read_csv(tmp_path / "m" / "split.tsv", sep="\t")["part"].unique() == ["train"]


def test_untrained_is_what_no_trained_sample_knows():
    pairs = _pairs([40, 30])
    split = draw_split(pairs.cohorts, test=0.3, validation=0.2, seed=1)
    pairs.mirna.loc[split != "test", "hsa-miR-1"] = np.nan
    pairs.mirna.loc[split == "train", "hsa-miR-2"] = np.nan
    pairs.mirna.loc[:, "hsa-miR-3"] = np.nan
    model = train_model(pairs, RIDGE, split, model_id="m").model
    card, (member,) = model.card, model.members
    assert [name for name, w in zip(model.mirnas, member.weight.T, strict=True) if not w.any()] == (
        card["mirnas_untrained"]
    )
    assert card["mirnas_untrained"] == ["hsa-miR-1", "hsa-miR-2", "hsa-miR-3"]
    assert card["reliability"]["hsa-miR-3"] is None
    other = _pairs([20])
    extra = Samples.of(other, weight=0.5)
    extra.y[:, [1, 2]] = np.nan
    card = train_model(pairs, RIDGE.with_extra(extra), split, model_id="m").model.card
    assert card["mirnas_untrained"] == ["hsa-miR-1", "hsa-miR-2"]


def test_what_small_cohorts_cannot_tell_is_null():
    pairs = _pairs([8, 8, 8])
    metrics = train_model(pairs, RIDGE, _all(pairs), model_id="m", n_folds=4).model.card["metrics"]
    assert metrics["pcc_within_cohort"] is None
    assert metrics["pcc_left_out_cohort"] is None
    assert metrics["pcc_pooled"] > 0.5


def test_nothing_to_judge_on_is_refused():
    pairs = _pairs([40, 30])
    with pytest.raises(InputError, match=r"holding out 0 of 70 samples.*or cross-validate"):
        train_model(pairs, RIDGE, _all(pairs), model_id="m")
    split = draw_split(pairs.cohorts, test=0.97, seed=0)
    with pytest.raises(InputError, match="2 of 70 samples are left to train on; 3 are needed"):
        train_model(pairs, RIDGE, split, model_id="m")


def test_a_model_is_replaced_whole_or_not_at_all(tmp_path):
    pairs = _pairs([40, 30])
    trained = train_model(pairs, RIDGE, _all(pairs), model_id="m", n_folds=4)
    # JSON has no NaN, so that the card fails when other files are written
    broken = replace(trained, model=replace(trained.model, card={"figure": np.nan}))
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_model(broken, tmp_path / "new" / "m")
    assert list((tmp_path / "new").iterdir()) == []

    write_model(trained, tmp_path / "m")
    before = {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()}
    assert set(before) == {"model.json", "model.safetensors", "per_mirna.tsv", "split.tsv"}
    per_mirna = trained.per_mirna.assign(pcc=0.0)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_model(replace(broken, per_mirna=per_mirna), tmp_path / "m")
    assert {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()} == before
    write_model(replace(trained, per_mirna=per_mirna), tmp_path / "m")
    assert (tmp_path / "m" / "per_mirna.tsv").read_bytes() != before["per_mirna.tsv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "new"]


def test_nothing_but_a_model_is_replaced(tmp_path):
    require_place(tmp_path / "none")
    require_place(tmp_path)
    (tmp_path / "model.json").write_text("{}")
    require_place(tmp_path)
    with pytest.raises(InputError, match=r"model\.json is a file; give the folder"):
        require_place(tmp_path / "model.json")
    (tmp_path / "thesis.docx").write_text("years")
    with pytest.raises(InputError, match=r"holds thesis\.docx, which is no part of a model"):
        require_place(tmp_path)
