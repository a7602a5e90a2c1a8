from __future__ import annotations

import json

import anndata
import numpy as np
import pandas as pd
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("xgboost")

from sicmir_atlas.cli.app import main
from sicmir_atlas.model.members import LinearMember
from sicmir_atlas.model.weights import Model, save_model
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


@pytest.fixture
def model(tmp_path):
    """A linear model drawn at random that has not seen the last 20 samples."""
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(20, 3)).astype(np.float32)
    mirnas = tuple(f"hsa-miR-{i}-5p" for i in (21, 22, 23))
    member = LinearMember(weight, weight[0])
    save_model(Model("drawn", tuple(landmarks()[:20]), mirnas, (member,)), tmp_path / "drawn")
    parts = "".join(f"s{i}\t{'test' if i >= 40 else 'train'}\n" for i in range(60))
    (tmp_path / "drawn" / "split.tsv").write_text("sample\tpart\n" + parts)
    return str(tmp_path / "drawn")


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


def test_mirscape_of_the_clusters_of_cells(tables, model, tmp_path):
    """The cells lack a landmark; the first cluster has more of the gene that miR-21 follows."""
    rng = np.random.default_rng(1)
    rates = np.full((2, 976), 3.0)
    rates[0, 0] = 60
    labels = np.repeat(["high", "low"], 30)
    counts = rng.poisson(np.repeat(rates, 30, axis=0)).astype(np.float32)
    genes = pd.DataFrame(index=[*landmarks()[:10], *landmarks()[11:]])
    obs = pd.DataFrame({"cluster": labels}, index=[f"c{i}" for i in range(60)])
    anndata.AnnData(counts, obs=obs, var=genes).write_h5ad(tmp_path / "cells.h5ad")
    mrna, mirna, _ = tables
    output = tmp_path / "out"
    cells = ["--cells", str(tmp_path / "cells.h5ad"), "--by", "cluster"]
    assert _run("study", "mirscape", mrna, mirna, "--model", model, *cells, "-o", str(output)) == 0
    assert json.loads((output / "mirscape.json").read_text())["n_genes"] == 19
    clusters = pd.read_csv(output / "clusters.csv", index_col="mirna")
    assert clusters.columns.tolist() == ["high", "low"]
    assert clusters.index.tolist() == [f"hsa-miR-{i}-5p" for i in (21, 22, 23)]
    difference = clusters["high"] - clusters["low"]
    assert difference["hsa-miR-21-5p"] == difference.max() > 0.1


def test_mirscape_of_one_cohort_and_then_its_time(tables, model, tmp_path):
    mrna, mirna, strata = tables
    output = tmp_path / "out"
    options = ["--model", model, "--strata", strata, "--cohort", "A", "-o", str(output)]
    assert _run("study", "mirscape", mrna, mirna, *options) == 0
    names = ["importance.csv", "mirscape.csv", "mirscape.json", "mirscape.svg", "mirscape.zip"]
    assert sorted(p.name for p in output.iterdir()) == [*names, "pred.csv"]
    summary = json.loads((output / "mirscape.json").read_text())
    assert (summary["n_train"], summary["n_samples"]) == (20, 20)
    assert pd.read_csv(output / "pred.csv", index_col=0).shape == (20, 3)

    timed = ["--model", model, "-o", str(tmp_path / "time"), "--repeats", "1"]
    assert _run("study", "inference-time", mrna, mirna, *timed) == 0
    assert pd.read_csv(tmp_path / "time" / "inference_time.csv").shape == (3, 6)
    # that of one cohort is not what training on all samples gives
    of_one = ["--mirscape", str(output / "mirscape.zip")]
    assert _run("study", "inference-time", mrna, mirna, *timed, *of_one) == 64
