"""The workflow `train`: stubs, what it refuses, and a model of simulated cohorts."""

from __future__ import annotations

import importlib.util
import json

import pandas as pd
import pytest

import bulk_site
from servers import FaultyServer
from sicmir_atlas.model.weights import load_model

STEPS = ("CHECKPARAMETERS", "SPLITSAMPLES", "PACKAGEMODEL (sicmir-trained)")
COHORTS = ("ACC", "GBM", "LAML")


def steps(run):
    return {name.removeprefix("TRAIN:"): status for name, status in run.statuses().items()}


def addresses(server):
    base = server.url("ok", "")
    return ("--xena_url", base, "--gtex_url", base, "--mirbase_url", base)


@pytest.mark.parametrize("parser", ["v1", "v2"])
def test_stub_run_walks_the_workflow(nextflow, parser):
    options = ("--workflow", "train", "--cohorts", "ACC,LAML", "--gtex", "true", "--outdir", "out")
    run = nextflow.run(*options, "-stub-run", NXF_SYNTAX_PARSER=parser)
    assert run.code == 0, run.output
    expected = {*STEPS, "JOINBULK (2 cohorts)", "EVALUATERUNS (2 runs)", "TRANSFER (GTEX)"}
    expected |= {f"FETCHBULK ({name})" for name in ("ACC", "LAML", "GTEX", "MIRBASE")}
    expected |= {f"PAIRBULK ({name})" for name in ("ACC", "LAML", "GTEX")}
    expected |= {f"TRAINRUN ({name})" for name in ("full-seed42", "fold1-seed42")}
    assert set(steps(run)) == expected
    assert set(run.statuses().values()) == {"COMPLETED"}
    assert "Model: " in run.output
    assert "WARN: The operator" not in run.output
    assert not (nextflow.folder / "out/models").exists(), "a stub run must leave real models alone"
    versions = (nextflow.folder / "out/pipeline_info/versions.yml").read_text()
    assert "TRAINRUN:\n    sicmir-atlas: 0." in versions


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--mrna", "a.csv"], "--mirna is missing: --mrna and --mirna are tables of the same"),
        (["--strata", "a.csv"], "--strata tells the cohorts of --mrna and --mirna: give these"),
    ],
)
def test_tables_that_do_not_come_alone(nextflow, options, said):
    run = nextflow.run("--workflow", "train", *options)
    assert run.code == 1
    assert said in run.output
    assert run.tasks == []


def test_parameters_are_proven_before_anything_is_fetched(nextflow):
    wrong = ("--cohorts", "brca", "--train_seeds", "a,b", "--test_share", "1", "--fold", "2")
    run = nextflow.run("--workflow", "train", *wrong)
    assert run.code == 1
    for said in (
        '--cohorts: "brca": all, or codes of TCGA between commas, such as ACC,BRCA',
        '--train_seeds: "a,b": whole numbers between commas, such as 42,52,62',
        "--test_share: 1 is greater than the maximum of 0.9",
        "--fold: no such parameter; did you mean --folds?",
        "No model was written.",
    ):
        assert said in run.output
    assert list(steps(run)) == ["CHECKPARAMETERS"]


@pytest.mark.skipif(bool(importlib.util.find_spec("torch")), reason="torch is installed")
def test_own_tables_are_taken_and_a_machine_without_torch_is_told(nextflow, tmp_path):
    genes, small = bulk_site.levels(30, seed=1)
    samples = [f"S{i}" for i in range(30)]
    for name, values, columns in (
        ("mrna", genes, bulk_site.landmarks()),
        ("mirna", small, bulk_site.ACCESSIONS.values()),
    ):
        (tmp_path / "the lab's").mkdir(exist_ok=True)
        table = pd.DataFrame(values, samples, list(columns))
        table.to_csv(tmp_path / f"the lab's/{name}.csv.gz")
    folder = tmp_path / "the lab's"
    options = ("--mrna", folder / "mrna.csv.gz", "--mirna", folder / "mirna.csv.gz")
    run = nextflow.run("--workflow", "train", *options, "--folds", "0", "--train_seeds", "7")
    assert run.code == 1
    assert "training needs torch: pip install 'sicmir-atlas[train]'" in run.output
    assert steps(run) == {
        "CHECKPARAMETERS": "COMPLETED",
        "SPLITSAMPLES": "COMPLETED",
        "TRAINRUN (full-seed7)": "FAILED",
    }
    parts = pd.read_csv(nextflow.folder / "results/splits/full-seed7.tsv", sep="\t")
    assert parts["part"].value_counts().to_dict() == {"train": 17, "test": 9, "validation": 4}


@pytest.mark.torch
def test_a_model_of_simulated_cohorts_and_a_restart_that_fetches_only_what_failed(nextflow):
    pytest.importorskip("torch")
    whole = bulk_site.xena(COHORTS, older=["LAML"], n_samples=40)
    files = {name: body for name, body in whole.items() if "GBM" not in name}
    with FaultyServer({**files, **bulk_site.mirbase(), **bulk_site.gtex()}) as server:
        options = (
            *("--workflow", "train", "--cohorts", ",".join(COHORTS), "--gtex", "true"),
            *("--folds", "2", "--train_seeds", "42", "--max_epochs", "30", "--outdir", "out"),
            *("--model_name", "simulated", *addresses(server), "-resume"),
        )
        first = nextflow.run(*options)
        assert first.code == 1, first.output
        assert "TCGA.GBM.sampleMap has no HiSeqV2 at http://127.0.0.1" in first.output
        assert "No model was written." in first.output
        assert not any("TRAINRUN" in name for name in steps(first))
        asked = len(server.requests)

        server.files |= whole
        second = nextflow.run(*options)
        assert second.code == 0, second.output
        again = {request.path for request in server.requests[asked:]}
        assert again
        assert all("GBM" in path for path in again), again
    done = {name for name, status in steps(second).items() if status == "CACHED"}
    assert done >= {f"FETCHBULK ({name})" for name in ("ACC", "LAML", "GTEX", "MIRBASE")}

    out = nextflow.folder / "out"
    model = load_model(out / "models/simulated")
    card = model.card
    assert model.model_id == "simulated"
    assert sorted(model.mirnas) == sorted(bulk_site.ACCESSIONS.values())
    assert card["training_data"]["cohorts"] == "ACC 40, GBM 40, LAML 40"
    assert card["training"]["n_test"] == 36
    assert {"limits", "licence", "reliability", "training_files"} <= set(card)
    figures = json.loads((out / "evaluation/runs.json").read_text())
    assert figures == {key: value for key, value in card["runs"].items() if key != "shipped_seed"}
    # three factors drive all genes and miRNAs: a network that learnt finds them again
    assert figures["full"]["test"]["pcc_pooled"]["mean"] > 0.5
    assert figures["cross_validation"]["test"]["pcc_pooled"]["mean"] > 0.5
    elsewhere = json.loads((out / "transfer/transfer.json").read_text())
    assert elsewhere["n_samples"] == 24
    assert elsewhere["own"]["pcc_within"] > 0.5
    assert {path.name for path in (out / "splits").iterdir()} == {
        f"{design}-seed42.tsv" for design in ("full", "fold1", "fold2")
    }
