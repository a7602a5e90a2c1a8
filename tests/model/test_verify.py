"""A sound folder passes every check; each way to break it is found, and all at once."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.disk import digest_of
from sicmir_atlas.errors import InputError
from sicmir_atlas.model.card import card_facts, card_metrics, card_reliability, full_card
from sicmir_atlas.model.probe import probe
from sicmir_atlas.model.verify import verify_model
from sicmir_atlas.model.weights import load_model, save_model
from sicmir_atlas.names import landmarks, mirnas


@pytest.fixture
def folder(random_model, tmp_path):
    """A sound folder: drawn weights, simulated figures."""
    drawn = random_model("released", n_in=977, hidden=(5, 4), n_out=1298)
    rng = np.random.default_rng(0)
    reliability = dict(zip(mirnas(), np.linspace(-0.2, 1, 1298).round(4).tolist(), strict=True))
    reliability[mirnas()[7]] = None
    card = {
        "title": "simulated",
        "licence": "MIT",
        "training_data": {"cohorts": "none", "n_samples": 3},
        "training": {"seed": 1, "best": {"train_mse": 0.123456}},
        "metrics": {
            "pcc_pooled": 0.5,
            "pcc_within_cohort": 0.25,
            "pcc_within_cohort_each": {"A": 0.25},
            "mse": 0.75,
        },
        "reliability": reliability,
        "limits": ["nothing is real", "nothing was measured"],
    }
    sizes = {"x_mean": 977, "x_sd": 977, "y_mean": 1298, "y_sd": 1298}
    model = replace(
        drawn,
        landmarks=landmarks(),
        mirnas=mirnas(),
        scaling={name: rng.gamma(2, size=n) for name, n in sizes.items()},
        card=card,
    )
    save_model(replace(model, card={**card, "probe": probe(model)}), tmp_path / "m")
    split = pd.DataFrame({"sample": ["a", "b", "c"], "part": ["train", "validation", "test"]})
    split.to_csv(tmp_path / "m" / "split.tsv", sep="\t", index=False)
    return tmp_path / "m"


def edit(folder, **changes):
    path = folder / "model.json"
    card = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in card.items() if v is not ...}))


def rewrite(folder, change):
    """Change arrays, and the checksum with them."""
    from safetensors.numpy import load_file, save_file

    path = folder / "model.safetensors"
    tensors = {name: values.copy() for name, values in load_file(path).items()}
    change(tensors)
    save_file(tensors, path)
    edit(folder, sha256=digest_of(path))


def failed(folder):
    return {check.name: check.said for check in verify_model(folder) if check.status == "FAILED"}


def test_a_sound_folder(folder):
    assert {check.status for check in verify_model(folder)} == {"ok"}


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        ({"format_version": 9}, "format", "format_version is 9, not 2"),
        ({"sha256": "0"}, "checksum", "says 0"),
        ({"landmarks": ["A", "A"]}, "panels", "landmarks holds a name twice"),
        ({"mirnas": list(mirnas()[::-1])}, "panels", "1298 names, 0 others"),
        ({"architecture": {"members": []}}, "shapes", "there is no member"),
        ({"architecture": {"members": [{"kind": "oracle"}]}}, "shapes", "member 0 cannot be made"),
        ({"licence": ..., "limits": []}, "card", "licence is missing; limits is missing"),
        ({"training_data": None}, "card", "training_data is missing"),
        ({"metrics": {"pcc_pooled": 0.5}}, "metrics", "pcc_within_cohort is missing"),
        ({"reliability": {"hsa-miR-4739": 1.5}}, "reliability", "1297 miRNAs have none, such as"),
        ({"reliability": {"hsa-miR-4739": 1.5}}, "reliability", "no correlation, such as that of"),
        ({"probe": [0.0] * 16}, "prediction", "the fixed input gives values up to"),
        ({"probe": [0.0]}, "prediction", "the fixed input gives values up to inf"),
    ],
)
def test_card_that_is_wrong(folder, changes, name, said):
    edit(folder, **changes)
    assert said in failed(folder)[name]


@pytest.mark.parametrize("odd", [None, 3, "text", [], [1], {}, {"a": {}}, {"members": 1}])
def test_no_card_is_too_odd_for_a_verdict(folder, odd):
    for key in json.loads((folder / "model.json").read_text()):
        before = (folder / "model.json").read_text()
        edit(folder, **{key: odd})
        assert len(verify_model(folder)) == 11
        (folder / "model.json").write_text(before)


def test_a_model_judged_by_folds_needs_no_test_sample(folder):
    (folder / "split.tsv").write_text("sample\tpart\na\ttrain\nb\ttrain\n")
    assert list(failed(folder)) == ["split"]
    edit(folder, metrics={"n_folds": 5, "pcc_pooled": 0.5, "pcc_within_cohort": 0.25})
    assert failed(folder) == {}


def test_weights_that_are_wrong(folder):
    def spoil(tensors):
        tensors["members.0.linear1.weight"][2, 3] = np.nan
        tensors["members.0.bn1.weight"] = np.ones(9, np.float32)
        del tensors["members.0.linear2.bias"], tensors["scaling.x_mean"]
        tensors["scaling.y_sd"] = np.ones(3)

    rewrite(folder, spoil)
    (folder / "split.tsv").write_text("sample\tpart\na\ttrain\na\tvalidation\n")
    edit(folder, title="")
    said = failed(folder)
    assert list(said) == ["shapes", "finite", "scaling", "card", "split", "prediction"]
    assert "linear2.bias of member 0 is missing" in said["shapes"]
    assert "bn1.weight of member 0 has shape (9,), not (5,)" in said["shapes"]
    assert said["finite"] == "members.0.linear1.weight holds 1 values that are NaN or infinite"
    assert "x_mean is missing; y_sd has 3 values" in said["scaling"]
    assert said["split"].endswith("split.tsv names 1 samples twice, such as a; each has one part")
    (folder / "split.tsv").write_text("")
    assert failed(folder)["split"].endswith("split.tsv is empty")


def test_weights_that_do_other_things_are_found_by_the_probe(folder):
    rewrite(folder, lambda tensors: tensors["members.0.linear3.bias"].__iadd__(0.01))
    assert "up to 0.01 from those in the card" in failed(folder)["prediction"]
    rewrite(folder, lambda tensors: tensors["members.0.linear3.bias"].__isub__(0.01))
    assert failed(folder) == {}


def test_an_imported_model_need_not_have_figures(folder):
    bare = dict.fromkeys(("metrics", "reliability"), ...)
    edit(folder, **bare)
    (folder / "split.tsv").unlink()
    assert list(failed(folder)) == ["metrics", "reliability", "split"]
    edit(folder, imported={"content": "state_dict"})
    checks = {check.name: check.status for check in verify_model(folder)}
    assert [name for name, status in checks.items() if status == "note"] == [
        "metrics",
        "reliability",
        "split",
    ]
    edit(folder, licence="")
    assert list(failed(folder)) == ["card"]


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_what_is_no_model_folder(tmp_path, content):
    if content is not None:
        (tmp_path / "model.json").write_text(content)
    with pytest.raises(InputError, match=r"is no model folder: model\.json"):
        verify_model(tmp_path)


def test_missing_or_broken_weights(folder):
    (folder / "model.safetensors").write_bytes(b"no weights")
    assert {"checksum", "shapes", "prediction"} <= failed(folder).keys()
    (folder / "model.safetensors").unlink()
    assert failed(folder)["checksum"] == "model.safetensors is missing"


def test_weights_cut_before_their_checksum_was_taken(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    edit(folder, sha256=digest_of(weights))
    assert list(failed(folder)) == ["shapes", "scaling", "prediction"]


def test_card_for_a_reader(folder):
    model = load_model(folder)
    facts = dict(card_facts(model))
    assert facts["input"] == "977 landmark genes, the published panel"
    assert facts["members"] == "1 × network, block_order released, batch_norm_eps 1e-05"
    assert facts["training: best"] == "train_mse 0.1235"
    assert [v for k, v in card_facts(model) if k == "limits"] == model.card["limits"]
    edit(folder, limits=5)
    assert ("limits", "5") in card_facts(load_model(folder))
    edit(folder, limits=model.card["limits"])
    metrics = card_metrics(model).set_index("metric")
    assert metrics.loc["mean PCC per miRNA"].tolist() == [0.5, 0.25]
    assert metrics.loc["… in A", "within_cohort"] == 0.25
    assert metrics.loc["mse", "pooled"] == 0.75
    assert full_card(model) == json.loads((folder / "model.json").read_text())


def test_reliability_is_summed_up(folder):
    table = card_reliability(load_model(folder)).set_index("reliability")["pooled"]
    known = pd.Series(load_model(folder).card["reliability"], dtype=float).dropna()
    assert table["miRNAs judged"] == len(known) == 1297
    assert table["hubs (≥ 0.8)"] == (known >= 0.8).sum()
    assert table["90 %"] == pytest.approx(known.quantile(0.9))
    assert (table["lowest"], table["highest"]) == (known.min(), known.max())
