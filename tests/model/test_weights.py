from __future__ import annotations

import json

import numpy as np
import pytest

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.model.weights import DEFAULT_MODEL, list_models, load_model, save_model


@pytest.fixture
def folder(tmp_path, random_model):
    save_model(random_model("released"), tmp_path / "m")
    return tmp_path / "m"


def _edit(folder, **changes):
    card = json.loads((folder / "model.json").read_text())
    card.update(changes)
    (folder / "model.json").write_text(json.dumps(card))


def test_round_trip(folder, random_model):
    model, loaded = random_model("released"), load_model(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "model.safetensors"]
    assert (loaded.model_id, loaded.block_order) == ("random", "released")
    assert (loaded.landmarks, loaded.mirnas) == (model.landmarks, model.mirnas)
    assert loaded.card["licence"] == "MIT"
    for name, values in model.parameters.items():
        np.testing.assert_array_equal(loaded.parameters[name], values)
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
    with pytest.raises(CorruptError, match=r"linear1\.weight has shape \(17, 31\), not \(17, 2\)"):
        load_model(folder)


def test_name_twice_is_found(folder):
    _edit(folder, mirnas=["hsa-miR-1"] * 13)
    with pytest.raises(CorruptError, match="mirnas holds a name twice"):
        load_model(folder)


def test_unknown_block_order_is_found(folder):
    _edit(folder, architecture={"block_order": "backwards", "batch_norm_eps": 1e-5})
    with pytest.raises(CorruptError, match="block_order 'backwards'"):
        load_model(folder)


def test_card_without_a_field(folder):
    _edit(folder, architecture={"block_order": "released"})
    with pytest.raises(CorruptError, match="lacks 'batch_norm_eps'"):
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
    parameters = {k: v for k, v in model.parameters.items() if k != "bn2.bias"}
    with pytest.raises(InputError, match=r"parameter bn2\.bias is missing"):
        type(model)("m", "released", model.landmarks, model.mirnas, parameters)


def test_full_size_has_the_published_number_of_parameters(random_model):
    model = random_model("released", n_in=977, hidden=(1024, 1024), n_out=1298)
    assert model.n_parameters == 3_385_618
