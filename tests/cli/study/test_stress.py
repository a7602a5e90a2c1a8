from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.cli.app import main
from sicmir_atlas.model.weights import DEFAULT_MODEL
from sicmir_atlas.names import landmarks, mirnas


@pytest.fixture
def tables(tmp_path):
    """Simulated paired tables, and cohorts."""
    rng = np.random.default_rng(0)
    samples = [f"s{i}" for i in range(24)]
    x = pd.DataFrame(rng.gamma(6, 1, size=(24, 977)), samples, list(landmarks()))
    y = pd.DataFrame(rng.gamma(4, 1, size=(24, 30)), samples, list(mirnas()[:30]))
    cohorts = pd.Series(np.repeat(["a", "b"], 12), samples, name="cohort")
    x.to_csv(tmp_path / "mrna.csv")
    y.to_csv(tmp_path / "mirna.csv")
    cohorts.rename_axis("sample").to_csv(tmp_path / "cohorts.csv")
    return [str(tmp_path / "mrna.csv"), str(tmp_path / "mirna.csv")]


def _run(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["study", "stress", *arguments])
    return end.value.code


def test_a_model_is_stressed(tables, tmp_path, caplog):
    options = ["--model", DEFAULT_MODEL, "--split", "all", "--quick", "-o", str(tmp_path / "out")]
    strata = ["--strata", str(tmp_path / "cohorts.csv")]
    assert _run(*tables, *options, *strata, "--test", "masking,removal,depth") == 0
    assert "removal is left out: it needs --ranking" in caplog.text
    table = pd.read_csv(tmp_path / "out" / "stress.csv")
    assert set(table["test"]) == {"masking", "depth"}
    assert table["pcc_within"].notna().all()
    summary = json.loads((tmp_path / "out" / "stress.json").read_text())
    assert (summary["model_id"], summary["n_samples"]) == (DEFAULT_MODEL, 24)
    assert (tmp_path / "out" / "stress.svg").is_file()


def test_a_test_of_another_name_is_refused(tables, tmp_path, capsys):
    options = ["--model", DEFAULT_MODEL, "--split", "all", "-o", str(tmp_path / "out")]
    assert _run(*tables, *options, "--test", "masking,noise") == 64
    assert "--test masking,noise: choose among masking,removal," in capsys.readouterr().err
