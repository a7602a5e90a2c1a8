from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.model_selection import StratifiedKFold

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.weights import (
    DEFAULT_MODEL,
    list_models,
    load_model,
    save_model,
    shipped_models,
)

PAPER = "sicmir-tcga414-v3"


@pytest.fixture
def folder(tmp_path, random_model):
    save_model(random_model("released"), tmp_path / "m")
    return tmp_path / "m"


def _edit(folder, **changes):
    card = json.loads((folder / "model.json").read_text())
    card.update(changes)
    (folder / "model.json").write_text(json.dumps(card))


def _assert_same_members(found, expected):
    for one, other in zip(found.members, expected.members, strict=True):
        assert (one.kind, one.settings) == (other.kind, other.settings)
        assert one.tensors.keys() == other.tensors.keys()
        for name, values in other.tensors.items():
            np.testing.assert_array_equal(one.tensors[name], values)


def test_round_trip_of_an_ensemble(ensemble, tmp_path):
    save_model(ensemble, tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert [member.kind for member in loaded.members] == ["network", "linear", "kernel"]
    _assert_same_members(loaded, ensemble)


def test_round_trip(folder, random_model):
    model, loaded = random_model("released"), load_model(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "model.safetensors"]
    assert loaded.model_id == "random"
    assert (loaded.landmarks, loaded.mirnas) == (model.landmarks, model.mirnas)
    assert loaded.card["licence"] == "MIT"
    _assert_same_members(loaded, model)
    np.testing.assert_array_equal(loaded.scaling["x_mean"], model.scaling["x_mean"])
    assert list_models(folder.parent) == ["m"]


def test_same_model_same_bytes(folder, tmp_path):
    save_model(load_model(folder), tmp_path / "again")
    for name in ("model.safetensors", "model.json"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_flipped_byte_is_found(folder):
    raw = bytearray((folder / "model.safetensors").read_bytes())
    raw[-1] ^= 1
    (folder / "model.safetensors").write_bytes(raw)
    with pytest.raises(CorruptError, match=r"model\.safetensors has sha256"):
        load_model(folder)


def test_panel_that_does_not_fit_is_found(folder):
    _edit(folder, landmarks=["G0", "G1"])
    with pytest.raises(
        CorruptError, match=r"linear1\.weight of member 0 .*\(17, 31\), not \(17, 2\)"
    ):
        load_model(folder)


def test_name_twice_is_found(folder):
    _edit(folder, mirnas=["hsa-miR-1"] * 13)
    with pytest.raises(CorruptError, match="mirnas holds a name twice"):
        load_model(folder)


def test_unknown_block_order_is_found(folder):
    network = {"kind": "network", "block_order": "backwards", "batch_norm_eps": 1e-5}
    _edit(folder, architecture={"members": [network]})
    with pytest.raises(CorruptError, match="block_order 'backwards'"):
        load_model(folder)


def test_card_without_a_field(folder):
    _edit(folder, architecture={"members": [{"kind": "network", "block_order": "released"}]})
    with pytest.raises(CorruptError, match="lacks 'batch_norm_eps'"):
        load_model(folder)


def test_unknown_member_is_found(folder):
    _edit(folder, architecture={"members": [{"kind": "oracle"}]})
    with pytest.raises(CorruptError, match="kind 'oracle' is none of network, linear, kernel"):
        load_model(folder)


def test_member_with_other_arrays_is_found(folder):
    _edit(folder, architecture={"members": [{"kind": "linear"}]})
    with pytest.raises(CorruptError, match="a linear member holds arrays bn1"):
        load_model(folder)


def test_model_without_members_is_found(folder):
    _edit(folder, architecture={"members": []})
    with pytest.raises(CorruptError, match="it has no members"):
        load_model(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("landmarks", odd) for odd in (5, "G0", None, [1], [["G0"]], {})),
        *(("architecture", odd) for odd in ([], 5, "network", {"members": 5}, {"members": [5]})),
        *((f"reliability{w}", odd) for w in ("", "_within_cohort") for odd in ([], "0.5", None)),
        ("reliability", {"hsa-miR-0": "0.5"}),
        ("reliability", {"hsa-miR-0": [0.5]}),
        *(
            (f"reliability{which}_interval", odd)
            for which in ("", "_within_cohort")
            for odd in ([], "0.5", {"m": [0.5]}, {"m": 0.5}, {"m": [0.1, None]})
        ),
        ("mirnas_untrained", [["m"]]),
        ("metrics", [0.5]),
        ("domain", {}),
        ("model_id", ["m"]),
    ],
)
def test_an_entry_of_another_shape_is_named(folder, key, value):
    _edit(folder, **{key: value})
    with pytest.raises(CorruptError, match=rf"model\.json: {key} is not .*; fetch it again"):
        load_model(folder)


@pytest.mark.parametrize("kind", [[], None, {"kind": "linear"}])
def test_a_kind_that_is_none_is_found(folder, kind):
    _edit(folder, architecture={"members": [{"kind": kind}]})
    with pytest.raises(CorruptError, match=f"^{folder}: "):
        load_model(folder)


@pytest.mark.parametrize("kept", [0, 3, 100, -1])
def test_weights_cut_before_their_checksum_was_taken_are_found(folder, kept):
    raw = (folder / "model.safetensors").read_bytes()[:kept]
    (folder / "model.safetensors").write_bytes(raw)
    _edit(folder, sha256=hashlib.sha256(raw).hexdigest())
    with pytest.raises(CorruptError, match=f"^{folder}: "):
        load_model(folder)


def test_broken_json(folder):
    (folder / "model.json").write_text("{")
    with pytest.raises(CorruptError, match="not valid JSON"):
        load_model(folder)


def test_other_format_version(folder):
    _edit(folder, format_version=99)
    with pytest.raises(InputError, match="format_version 99"):
        load_model(folder)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        load_model(folder)


def test_no_such_folder(tmp_path):
    with pytest.raises(InputError, match="no model folder"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(InputError, match=f"no model folder no-such-model.*{DEFAULT_MODEL}"):
        load_model("no-such-model")


def test_missing_parameter_is_found(random_model):
    model = random_model("released")
    (network,) = model.members
    parameters = {k: v for k, v in network.parameters.items() if k != "bn2.bias"}
    with pytest.raises(InputError, match=r"parameter bn2\.bias of member 0 is missing"):
        replace(model, members=(replace(network, parameters=parameters),))


def test_centres_that_are_one_number_are_found(ensemble):
    *_, kernel = ensemble.members
    odd = replace(kernel, centres=np.float32(1))
    with pytest.raises(InputError, match=r"centres of member 0 has shape \(\), not \("):
        replace(ensemble, members=(odd,))


def test_full_size_has_the_published_number_of_parameters(random_model):
    model = random_model("released", n_in=977, hidden=(1024, 1024), n_out=1298)
    assert model.n_parameters == 3_385_618


@pytest.mark.parametrize("name", list_models())
def test_shipped_models_are_whole_and_say_what_they_are(name):
    model = load_model(name)
    assert (len(model.landmarks), len(model.mirnas)) == (977, 1298)
    assert (model.landmarks[0], model.mirnas[0]) == ("PSME1", "hsa-miR-4739")
    assert "not the published model" in model.card["limits"][0]
    assert "stem-loops stand in for mature miRNAs" in model.card["limits"][1]
    assert list(model.card["reliability"]) == list(model.mirnas)
    untrained = [model.mirnas.index(mirna) for mirna in model.card["mirnas_untrained"]]
    assert {model.mirnas[i] for i in untrained} == {"hsa-miR-122b-5p", "hsa-miR-892c-3p"}
    z = np.random.default_rng(0).normal(size=(5, 977))
    assert (load_predictor(model).predict(z)[:, untrained] == 0).all()


def test_the_default_and_the_papers_architecture_are_shipped():
    assert DEFAULT_MODEL in list_models()
    (paper,) = load_model(PAPER).members
    assert (paper.kind, paper.block_order) == ("network", "released")
    assert len(load_model().members) > 1


@pytest.mark.real
def test_shipped_panels_are_the_published_ones(shared_data):
    facts = shared_data / "facts"
    genes = [row.split("\t")[0] for row in (facts / "l1000_landmarks.tsv").read_text().splitlines()]
    assert list(load_model().landmarks) == genes[1:]
    assert list(load_model().mirnas) == (facts / "mirna_panel.txt").read_text().split()


def _tcga(shared_data):
    bulk = shared_data / "bulk"
    x = pd.read_csv(bulk / "tcga_rnaseq_log2_977.csv.gz", index_col=0)
    loops = pd.read_csv(bulk / "tcga_rnaseq_stemloop_log2rpm.csv.gz", index_col=0)
    mature = pd.read_csv(bulk / "tcga_mature_log2rpm_TNBC67_CHOL45.csv.gz", index_col=0)
    cohorts = pd.read_csv(bulk / "tcga_rnaseq_samples.csv", index_col=0)["cohort"]
    return x, loops.loc[x.index], ~x.index.isin(mature.index), cohorts.loc[x.index].to_numpy()


@pytest.mark.real
def test_the_papers_network_predicts_its_held_out_samples_as_the_card_says(shared_data):
    """For miRNAs whose targets are plain stem-loops, in the samples where they are."""
    model = load_model(PAPER)
    x, loops, estimated, _ = _tcga(shared_data)
    split = pd.read_csv(shipped_models() / PAPER / "split.tsv", sep="\t", index_col=0)["part"]
    assert split.value_counts().to_dict() == {"train": 232, "test": 124, "validation": 58}
    test = (split.loc[x.index] == "test").to_numpy()
    predicted = load_predictor(model).predict(stats.zscore(x[test].to_numpy()))
    for name, loop in {"hsa-miR-21-5p": "hsa-mir-21", "hsa-miR-200c-3p": "hsa-mir-200c"}.items():
        column = predicted[:, model.mirnas.index(name)][estimated[test]]
        r = np.corrcoef(column, loops.loc[test & estimated, loop])[0, 1]
        low, high = model.card["reliability_interval"][name]
        assert low - 0.1 < r < high + 0.1


@pytest.mark.real
def test_the_default_models_reliability_is_that_of_scikit_learn(shared_data):
    """Its recipe with scikit-learn, other folds, no arrays, a kernel on all samples: close."""
    card = load_model().card
    x, loops, estimated, cohorts = _tcga(shared_data)
    for name, loop in {"hsa-miR-21-5p": "hsa-mir-21", "hsa-miR-200c-3p": "hsa-mir-200c"}.items():
        y = loops[loop].to_numpy()
        predicted = np.empty(len(y))
        for train, test in StratifiedKFold(5, shuffle=True, random_state=7).split(x, cohorts):
            z, rows = (stats.zscore(x.to_numpy()[part]) for part in (train, test))
            gaussians = KernelRidge(alpha=0.1, kernel="rbf", gamma=1 / (2 * 977))
            within = [np.flatnonzero(cohorts[train] == c) for c in np.unique(cohorts)]
            ridge = Ridge(alpha=977, fit_intercept=False).fit(
                np.vstack([np.nan_to_num(stats.zscore(x.to_numpy()[train][r])) for r in within]),
                np.concatenate([stats.zscore(y[train][r]) for r in within]),
            )
            gaussians.fit(z, stats.zscore(y[train]))
            predicted[test] = (gaussians.predict(rows) + ridge.predict(rows)) / 2
        inside = [
            np.corrcoef(predicted[cohorts == c], y[cohorts == c])[0, 1]
            for c in np.unique(cohorts[estimated])
        ]
        low, high = card["reliability_within_cohort_interval"][name]
        assert low - 0.1 < np.mean(inside) < high + 0.1
        assert card["reliability_within_cohort"][name] > 0.3
