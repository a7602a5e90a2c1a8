"""Hubs, attributions, modules and enrichment, each from what the one before wrote."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("matplotlib")

from sicmir_atlas.cli.app import main
from sicmir_atlas.model.members import LinearMember
from sicmir_atlas.model.weights import Model, save_model
from sicmir_atlas.names import landmarks

N = 90
GENES = list(landmarks()[:12])
MIRNAS = [f"hsa-miR-{i}-{arm}" for i in (21, 30) for arm in ("5p", "3p")] + ["hsa-miR-107"]


def _run(*tokens):
    with pytest.raises(SystemExit) as stopped:
        main(["study", *map(str, tokens)])
    return stopped.value.code


def _summary(folder, name):
    return json.loads((folder / f"{name}.json").read_text())


@pytest.fixture
def world(tmp_path):
    """Simulated: each miRNA is two genes of its own; the model knows all but the last miRNA."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, len(GENES)))
    weight = np.zeros((len(GENES), len(MIRNAS)), np.float32)
    for k in range(len(MIRNAS)):
        weight[2 * k, k], weight[2 * k + 1, k] = 1, -0.5
    y = x @ weight + 0.2 * rng.normal(size=(N, len(MIRNAS)))
    samples = [f"s{i}" for i in range(N)]
    pd.DataFrame(x + 8, samples, GENES).to_csv(tmp_path / "mrna.csv")
    pd.DataFrame(y + 6, samples, MIRNAS).to_csv(tmp_path / "mirna.csv")
    cohorts = pd.DataFrame({"sample": samples, "cohort": ["A", "B", "B"] * 30})
    cohorts.to_csv(tmp_path / "cohorts.csv", index=False)
    weight[:, -1] = weight[::-1, -1]
    member = LinearMember(weight, np.zeros(len(MIRNAS), np.float32))
    card = {"reliability": dict.fromkeys(MIRNAS[:2], 0.85)}
    model = Model("known", tuple(GENES), tuple(MIRNAS), (member,), card=card)
    save_model(model, tmp_path / "known")
    parts = "".join(f"{name}\t{'train' if i < 50 else 'test'}\n" for i, name in enumerate(samples))
    (tmp_path / "known" / "split.tsv").write_text("sample\tpart\n" + parts)
    return tmp_path


def test_each_command_reads_what_the_one_before_wrote(world):
    tables = [world / "mrna.csv", world / "mirna.csv", "--strata", world / "cohorts.csv"]
    model = ["--model", world / "known"]
    assert _run("hubs", *tables, *model, "-o", world / "hubs") == 0
    found = _summary(world / "hubs", "hubs")
    assert (found["n_samples"], found["n_hubs"], found["n_mirnas"]) == (40, 4, 5)
    assert (found["arms"]["n_pairs"], found["arms"]["n_pairs_both_hubs"]) == (2, 2)

    for folder, options in (("a", []), ("b", ["--hubs", world / "hubs" / "hubs.csv"])):
        sizes = ["--samples", 20, "--background", 30, "--n-draws", 3, "-o", world / folder]
        assert _run("attributions", *tables, *model, *options, *sizes) == 0
    ranked = pd.read_csv(world / "a" / "attributions.csv")
    assert list(ranked.columns) == ["gene", "importance", "rank"]
    assert set(ranked["gene"][:4]) == {GENES[k] for k in (0, 2, 4, 6)}
    told = _summary(world / "a", "attributions")
    assert (told["n_samples"], told["n_background"], told["n_hubs"]) == (20, 30, 4)
    assert told["completeness"]["relative_error"] < 1e-4
    for name in ("attributions.csv", "attributions.svg", "shap_mean.parquet"):
        assert (world / "a" / name).read_bytes() == (world / "b" / name).read_bytes()
    signed = pd.read_parquet(world / "a" / "shap_mean.parquet")
    assert list(signed.columns) == ["gene", *MIRNAS]
    assert list(signed["gene"]) == GENES
    assert set(map(str, signed.dtypes[1:])) == {"float32"}

    attributed = world / "a" / "shap_abs_mean.parquet"
    hubs = world / "hubs" / "hubs.csv"
    assert _run("modules", attributed, hubs, "--top", 2, "-o", world / "m") == 0
    assert _summary(world / "m", "modules")["n_modules"] == 4
    nodes = pd.read_csv(world / "m" / "modules.csv")
    assert list(nodes.columns) == ["node", "kind", "module", "strength"]
    assert set(nodes.groupby("module").size()) == {3}

    gmt = world / "sets.gmt"
    gmt.write_text(f"pair\tsimulated\t{GENES[0]}\t{GENES[1]}\nmiR-30\tnames\t{MIRNAS[2]}\n")
    assert _run("enrichment", world / "m" / "modules.csv", gmt, "-o", world / "e") == 0
    best = pd.read_csv(world / "e" / "enrichment.csv").sort_values("p").iloc[0]
    assert best["members"] == ";".join(sorted(GENES[:2]))
    assert (best["n_universe"], best["overlap"]) == (977, 2)
    kind = ["--kind", "mirna", "-o", world / "e2"]
    assert _run("enrichment", world / "m" / "modules.csv", gmt, *kind) == 0
    assert set(pd.read_csv(world / "e2" / "enrichment.csv")["n_universe"]) == {4}


def test_without_tables_the_card_tells_the_hubs(world, capsys):
    assert _run("hubs", "--model", world / "known", "-o", world / "hubs") == 0
    found = _summary(world / "hubs", "hubs")
    assert (found["from"], found["n_hubs"], found["n_undefined"]) == ("model card", 2, 3)
    code = _run("hubs", world / "mrna.csv", "--model", world / "known", "-o", world / "hubs")
    assert code == 64
    assert "without a table of miRNAs" in capsys.readouterr().err
