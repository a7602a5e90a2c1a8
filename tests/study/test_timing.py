from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("xgboost")
pytest.importorskip("matplotlib")

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.members import LinearMember
from sicmir_atlas.model.mirscape import Settings
from sicmir_atlas.model.mirscape_output import load_mirscape
from sicmir_atlas.model.pairs import Pairs
from sicmir_atlas.model.weights import Model, save_model
from sicmir_atlas.study.result import write_result
from sicmir_atlas.study.timing import inference_time

pytestmark = pytest.mark.torch

QUICK = Settings(rounds=3)


@pytest.fixture
def model_folder(tmp_path):
    """A linear model drawn at random."""
    rng = np.random.default_rng(3)
    member = LinearMember(
        rng.normal(size=(31, 6)).astype(np.float32), rng.normal(size=6).astype(np.float32)
    )
    genes = tuple(f"G{i}" for i in range(31))
    names = tuple(f"hsa-miR-{i}" for i in range(6))
    save_model(Model("drawn", genes, names, (member,)), tmp_path / "drawn")
    return tmp_path / "drawn"


def _pairs(n=30, seed=0):
    rng = np.random.default_rng(seed)
    samples = [f"s{i}" for i in range(n)]
    return Pairs(
        pd.DataFrame(rng.gamma(4, 2, (n, 32)), samples, ["OTHER", *(f"G{i}" for i in range(31))]),
        pd.DataFrame(rng.gamma(4, 2, (n, 6)), samples, [f"hsa-miR-{i}" for i in range(6)]),
        pd.Series("A", samples),
    )


def test_the_three_ways_of_one_run(model_folder, tmp_path):
    saved = tmp_path / "mirscape.zip"
    pairs, mrna = _pairs(), _pairs(9, seed=1).mrna
    result = inference_time(model_folder, pairs, mrna, saved, settings=QUICK, repeats=2, jobs=2)
    table = result.table.set_index("method")
    assert table.index.tolist() == ["model", "mirscape_saved", "mirscape_retrained"]
    assert (table["predict"] > 0).all()
    assert (table["load"] > 0).tolist() == [True, True, False]
    assert (table["train"] > 0).tolist() == [False, False, True]
    np.testing.assert_allclose(table["total"], table[["load", "train", "predict"]].sum(axis=1))
    assert table["ratio"]["model"] == 1
    assert result.summary["n_samples"] == 9
    assert result.summary["n_train"] == 30
    assert load_mirscape(saved).genes == tuple(f"G{i}" for i in range(31))
    write_result(result, tmp_path / "out")
    assert (tmp_path / "out" / "inference_time.svg").is_file()


def test_a_saved_mirscape_is_used_again_and_must_be_of_the_same_data(model_folder, tmp_path):
    saved, mrna = tmp_path / "mirscape.zip", _pairs(9, seed=1).mrna
    inference_time(model_folder, _pairs(), mrna, saved, settings=QUICK, repeats=1)
    before = saved.stat().st_mtime_ns
    inference_time(model_folder, _pairs(), mrna, saved, settings=QUICK, repeats=1)
    assert saved.stat().st_mtime_ns == before
    with pytest.raises(InputError, match=r"mirscape\.zip does not predict what miRSCAPE trained"):
        inference_time(model_folder, _pairs(seed=5), mrna, saved, settings=QUICK, repeats=1)


def test_both_methods_need_all_landmarks(model_folder, tmp_path):
    pairs = _pairs()
    few = pairs.mrna.drop(columns=["G4", "G9"])
    with pytest.raises(InputError, match=r"2 landmarks of the model are not in the mRNA table.*G4"):
        inference_time(model_folder, pairs, few, tmp_path / "mirscape.zip")
    with pytest.raises(InputError, match="0 repeats time nothing"):
        inference_time(model_folder, pairs, pairs.mrna, tmp_path / "mirscape.zip", repeats=0)
