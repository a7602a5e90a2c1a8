from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("matplotlib")

from sicmir_atlas.cli.app import main
from sicmir_atlas.names import landmarks

pytestmark = pytest.mark.torch


@pytest.fixture
def tables(tmp_path):
    """Simulated pairs of 60 samples in two cohorts."""
    rng = np.random.default_rng(0)
    samples = [f"s{i}" for i in range(60)]
    x = 8 + rng.normal(size=(60, 20))
    y = 6 + x[:, :3] - 8 + 0.3 * rng.normal(size=(60, 3))
    paths = [tmp_path / name for name in ("mrna.csv", "mirna.csv", "cohorts.csv")]
    pd.DataFrame(x, samples, landmarks()[:20]).to_csv(paths[0])
    pd.DataFrame(y, samples, [f"hsa-miR-{i}-5p" for i in (21, 22, 23)]).to_csv(paths[1])
    cohorts = pd.DataFrame({"sample": samples, "cohort": ["A", "B"] * 30})
    cohorts.to_csv(paths[2], index=False)
    return [str(path) for path in paths]


def _run(*tokens):
    with pytest.raises(SystemExit) as stopped:
        main([*tokens])
    return stopped.value.code


def test_features(tables, tmp_path):
    mrna, mirna, strata = tables
    wide = pd.read_csv(mrna, index_col=0).mul(100).round().astype(np.int16)
    wide.to_parquet(tmp_path / "wide.parquet")
    output = tmp_path / "out"
    options = ["--strata", strata, "--mrna-wide", str(tmp_path / "wide.parquet")]
    sizes = ["--sizes", "5", "--sizes", "10"]
    assert _run("study", "features", mrna, mirna, *options, *sizes, "-o", str(output)) == 0
    assert sorted(p.name for p in output.iterdir()) == [
        "features.csv",
        "features.json",
        "features.svg",
    ]
    assert pd.read_csv(output / "features.csv")["n_genes"].tolist() == [5, 10, 20] * 2


def test_cancers(tables, tmp_path):
    mrna, mirna, strata = tables
    output = tmp_path / "out"
    options = ["--strata", strata, "--min-train", "20", "-o", str(output)]
    assert _run("study", "cancers", mrna, mirna, *options) == 0
    assert json.loads((output / "cancers.json").read_text())["left_out"] == {}


def test_an_unknown_learner_is_named_with_those_there_are(tables, tmp_path, capsys):
    mrna, mirna, strata = tables
    options = ["--strata", strata, "--learner", "forest", "-o", str(tmp_path / "out")]
    assert _run("study", "cancers", mrna, mirna, *options) == 64
    assert "no learner 'forest'; take one of" in capsys.readouterr().err
