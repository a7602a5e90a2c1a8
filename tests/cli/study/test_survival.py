from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("lifelines")

from sicmir_atlas.cli.app import main

pytestmark = pytest.mark.torch


def _run(*tokens):
    with pytest.raises(SystemExit) as stopped:
        main(["study", "survival", *map(str, tokens)])
    return stopped.value.code


@pytest.fixture
def tables(tmp_path):
    """Simulated: the hazard doubles per unit of the first miRNA, the second says nothing."""
    rng = np.random.default_rng(2)
    names = [f"TCGA-AA-{1000 + i}-01" for i in range(120)]
    x = pd.DataFrame(rng.normal(5, 1, (120, 3)), names, ["m1", "m2", "flat"]).assign(flat=1.0)
    x.to_csv(tmp_path / "mirna.csv")
    time, end = rng.exponential(100 * 2 ** (5 - x["m1"].to_numpy())), rng.exponential(150, 120)
    barcodes = [f"{name}A-11R" for name in names]
    columns = {"sample": barcodes, "OS.time": np.minimum(time, end), "OS": (time <= end) * 1}
    follow_up = pd.DataFrame(columns)
    follow_up.to_csv(tmp_path / "clinical.csv", index=False)
    return tmp_path / "mirna.csv", tmp_path / "clinical.csv"


def test_a_doubled_hazard_is_found(tables, tmp_path):
    columns = ["--time", "OS.time", "--event", "OS"]
    assert _run(*tables, *columns, "-o", tmp_path / "out") == 0
    found = pd.read_csv(tmp_path / "out" / "survival.csv").set_index("mirna")
    assert list(found.index) == ["m1", "m2", "flat"]
    assert found.loc["m1", "hr_low"] < 2 < found.loc["m1", "hr_high"]
    assert found.loc["m1", "q"] < 1e-3 < found.loc["m2", "q"]
    assert found.loc["flat", "reason"] == "constant"
    assert json.loads((tmp_path / "out" / "survival.json").read_text())["n_samples"] == 120


def test_named_mirnas_alone_even_if_none_can_be_fitted(tables, tmp_path):
    options = ["--time", "OS.time", "--event", "OS", "-o", tmp_path / "out", "--mirnas", "flat"]
    assert _run(*tables, *options) == 0
    assert json.loads((tmp_path / "out" / "survival.json").read_text())["n_fitted"] == 0


def test_a_missing_column_is_told(tables, tmp_path, capsys):
    assert _run(*tables, "-o", tmp_path / "out") == 64
    assert "no column time; name the columns with --time" in capsys.readouterr().err
