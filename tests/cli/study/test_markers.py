from __future__ import annotations

import json

import anndata
import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.cli.app import main
from sicmir_atlas.names import landmarks


@pytest.fixture
def file(tmp_path):
    """Simulated counts of three sorted blood cells."""
    rng = np.random.default_rng(0)
    types = np.repeat(["CD19+ B", "CD34+", "CD14+ Monocyte"], 20)
    rates = rng.gamma(1, 1, size=(3, 977))
    counts = rng.poisson(rates[np.unique(types, return_inverse=True)[1]]).astype(np.float32)
    obs = pd.DataFrame({"sorted": types}, index=[f"c{i}" for i in range(60)])
    var = pd.DataFrame(index=list(landmarks()))
    path = tmp_path / "simulated.h5ad"
    anndata.AnnData(counts, obs=obs, var=var).write_h5ad(path)
    return str(path)


def _run(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["study", "markers", *arguments])
    return end.value.code


def test_known_directions_are_checked(file, tmp_path, caplog):
    options = ["--by", "sorted", "--term", "CD34+=CL:0008001", "-o", str(tmp_path / "out")]
    assert _run(file, *options) == 0
    summary = json.loads((tmp_path / "out" / "markers.json").read_text())
    assert summary["labels"]["CD34+"] == "CL:0008001"
    table = pd.read_csv(tmp_path / "out" / "markers.csv")
    assert set(table["input"]) == {"pooled", "percell"}
    assert len(table) == 2 * summary["n_directions"]
    left_out = "hsa-miR-146a-5p, CL:0000813 against CL:0000898: no cells of CL:0000813"
    assert left_out in summary["left_out"]
    assert f"left out: {left_out}" in caplog.text


def test_a_term_that_is_none_is_refused(file, tmp_path, capsys):
    options = ["--by", "sorted", "--term", "CD34+", "-o", str(tmp_path / "out")]
    assert _run(file, *options) == 64
    assert "--term CD34+: give each as LABEL=CL:0000000" in capsys.readouterr().err
