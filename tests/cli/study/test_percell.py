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
    """Simulated counts of three cell types."""
    rng = np.random.default_rng(0)
    types = np.repeat(["B cell", "T cell", "monocyte"], 20)
    rates = rng.gamma(1, 1, size=(3, 977))
    counts = rng.poisson(rates[np.unique(types, return_inverse=True)[1]]).astype(np.float32)
    obs = pd.DataFrame({"cell_type": types}, index=[f"c{i}" for i in range(60)])
    var = pd.DataFrame(index=list(landmarks()))
    path = tmp_path / "simulated.h5ad"
    anndata.AnnData(counts, obs=obs, var=var).write_h5ad(path)
    return str(path)


def _run(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["study", "percell", *arguments])
    return end.value.code


def test_one_column_serves_all_inputs(file, tmp_path):
    assert _run(file, file, "--by", "cell_type", "-o", str(tmp_path / "out")) == 0
    summary = json.loads((tmp_path / "out" / "percell.json").read_text())
    assert summary["datasets"] == ["simulated", "simulated"]
    assert summary["chosen"]["min_landmarks"] == 0
    assert len(pd.read_csv(tmp_path / "out" / "percell.csv")) == 48


def test_columns_that_do_not_fit_the_inputs_are_refused(file, tmp_path, capsys):
    options = ["--by", "a", "--by", "b", "-o", str(tmp_path / "out")]
    assert _run(file, *options) == 64
    assert "1 inputs, 2 columns: give --by once, or once for each input" in capsys.readouterr().err
