"""The line without its Python: stubs, configuration, help, and what CHECK refuses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STEPS = ("RESOLVE", "FETCH", "PREPARE", "PREDICT")
ROWS = (
    {"dataset_id": "one", "source": "file", "url": "a.h5ad", "title": 'it\'s "1", $HOME `x` é\\n'},
    {"dataset_id": "two", "source": "url", "url": "https://example.org/b.h5ad"},
)


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    return folder


@pytest.mark.parametrize("parser", ["v1", "v2"])
def test_stub_run_walks_the_line(nextflow, sheet, model, parser):
    samplesheet = sheet(*ROWS)
    (samplesheet.parent / "a.h5ad").touch()
    options = ("--input", samplesheet, "--model", model, "--outdir", "out", "-stub-run", "-resume")
    run = nextflow.run(*options, NXF_SYNTAX_PARSER=parser)
    assert run.code == 0, run.output
    expected = {f"{step} ({row['dataset_id']})" for step in STEPS for row in ROWS}
    expected |= {"CHECK (datasets.csv)", "CONSOLIDATE", "VALIDATE", "REPORT", "PUBLISH"}
    assert set(run.statuses()) == expected
    assert set(run.statuses().values()) == {"COMPLETED"}
    assert "Datasets: 2 included, 0 excluded, 0 failed" in run.output
    out = nextflow.folder / "out"
    assert (out / "stub_atlas/atlas.duckdb").exists()
    assert not (out / "atlas").exists(), "a stub run must leave a real atlas alone"
    versions = (out / "pipeline_info/versions.yml").read_text()
    assert "PREDICT:\n    sicmir-atlas: 0." in versions
    if parser == "v1":  # Nextflow 25.04 reads --outdir too late for its reports under v2
        info = {path.name for path in (out / "pipeline_info").iterdir()}
        assert info >= {"report.html", "timeline.html", "dag.html"}

    # one more dataset, and a new title and tissue of another: what is done stays done
    (samplesheet.parent / "c.h5ad").touch()
    changed = {**ROWS[1], "title": "New", "tissue": "lung"}
    sheet(ROWS[0], changed, {"dataset_id": "three", "source": "file", "url": "c.h5ad"})
    again = nextflow.run(*options, NXF_SYNTAX_PARSER=parser)
    assert again.code == 0, again.output
    assert again.not_cached() == sorted(
        [f"{step} (three)" for step in STEPS]
        + ["CHECK (datasets.csv)", "CONSOLIDATE", "PREDICT (two)", "PREPARE (two)"]
        + ["REPORT", "VALIDATE"]
    )


def test_editing_the_code_reruns_every_task(nextflow, sheet, model, tmp_path):
    """And nothing that ran on the old code goes into the new atlas."""
    nextflow.root = shutil.copytree(nextflow.root, tmp_path / "edited")
    samplesheet = sheet(*ROWS[1:])
    options = ("--input", samplesheet, "--model", model, "--outdir", "out", "-stub-run", "-resume")
    first = nextflow.run(*options)
    assert first.code == 0, first.output
    package = nextflow.root / "bin/sicmir_atlas"
    (package / "__pycache__").mkdir()
    (package / "__pycache__/errors.cpython-311.pyc").touch()
    (package / "errors.py").write_text((package / "errors.py").read_text() + "# edited\n")
    second = nextflow.run(*options)
    assert second.code == 0, second.output
    assert set(second.statuses()) == set(first.statuses())
    assert "CACHED" not in second.statuses().values()
    (package / "__pycache__/names.cpython-311.pyc").touch()
    (model / "model.json").write_text('{"model_id": "other"}')
    third = nextflow.run(*options)
    assert third.not_cached() == ["CONSOLIDATE", "PREDICT (two)", "REPORT", "VALIDATE"]


def test_lint_is_clean(nextflow):
    places = ("main.nf", "nextflow.config", "conf", "workflows", "subworkflows", "modules")
    done = nextflow.command("lint", *(nextflow.root / place for place in places))
    assert done.returncode == 0, done.stdout
    assert "no errors" in done.stdout
    assert "warning" not in done.stdout.lower()


def test_every_module_has_its_parts():
    modules = sorted((ROOT / "modules/local").glob("*/main.nf"))
    assert len(modules) == 19
    for module in modules:
        text = module.read_text()
        assert (module.parent / "meta.yml").exists(), module
        assert "\n    stub:\n" in text, module
        assert "label 'process_" in text, module
        assert "emit: " in text, module
        assert not re.search(r"\bparams\.(?!json)", text), module


def resolved(nextflow, profiles, *more):
    args = ("config", "-profile", profiles, "-o", "json", *more, nextflow.root)
    done = nextflow.command(*args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_gpu_and_slurm_settings_reach_gpu_tasks_only(nextflow):
    config = resolved(nextflow, "gpu,slurm")
    process = config["process"]
    assert process["executor"] == "slurm"
    gpu = process["withLabel:process_gpu"]
    assert gpu["accelerator"] == 1
    assert gpu["container"] == "sicmir-atlas-gpu:0.1.0"
    assert gpu["maxForks"] == 0
    assert process["container"] == "sicmir-atlas-cpu:0.1.0"
    assert not {"accelerator", "containerOptions", "array"} & set(process)
    assert process["withName:PREPARE|PREDICT|TRAINRUN"] == {"array": 0}
    assert config["executor"] == {
        "queueSize": 200,
        "submitRateLimit": "10/1sec",
        "pollInterval": "10 sec",
        "queueStatInterval": "30 sec",
        "exitReadTimeout": "90 sec",
    }
    assert config["workflow"] == {"failOnIgnore": True}
    threads = {key: config["env"][key] for key in config["env"] if key.endswith("_NUM_THREADS")}
    assert threads == {f"{lib}_NUM_THREADS": "2" for lib in ("OMP", "OPENBLAS", "MKL")}


def test_without_gpu_profile_nothing_asks_for_one(nextflow):
    config = resolved(nextflow, "test,docker")
    assert "withLabel:process_gpu" not in config["process"]
    assert config["process"]["resourceLimits"] == {"cpus": 2, "memory": "4.GB", "time": "1.h"}
    assert config["params"]["input"] == f"{nextflow.root}/demo/datasets.csv"
    assert config["docker"]["enabled"] is True


DEVICES = {
    "docker": '--gpus\n"device=1,3"\n',
    "podman": "--device\nnvidia.com/gpu=1\n--device\nnvidia.com/gpu=3\n",
}


@pytest.mark.parametrize("engine", DEVICES)
def test_slurm_jobs_and_containers_get_what_they_need(nextflow, sheet, model, tmp_path, engine):
    """Against a stand-in sbatch that runs jobs at once and keeps them, and a stand-in engine."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    scripts = {
        "sbatch": f"n=$(mktemp {jobs}/XXXXXX); s=${{!#}}; cat $s > $n\n"
        "( cd $(dirname $s); bash $s > .command.log 2>&1 ) & echo Submitted batch job $$",
        engine: "[[ $1 == run ]] || exit 0\n"
        f'while [[ $1 != sicmir-atlas-* ]]; do echo "$1" >> {jobs}/{engine}; shift; done\n'
        f'echo "image $1" >> {jobs}/{engine}; shift; exec "$@"',
        "squeue": "exit 0",
        "scancel": "exit 0",
    }
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/bash\n{script}\n")
        (folder / name).chmod(0o755)
    run = nextflow.run(
        *("--input", sheet(ROWS[1]), "--model", model, "-stub-run"),
        *("-profile", f"gpu,slurm,{engine}", "--account", "lab", "--qos", "long"),
        *("--gpu_queue", "a100", "--gpu_gres", "gpu:a100", "--cpu_fallback"),
        *("-executor.pollInterval", "500 ms", "-executor.queueStatInterval", "1 sec"),
        PATH_FIRST=[str(folder)],
        SLURM_JOB_GPUS="1,3",  # as Slurm counts on the node
        CUDA_VISIBLE_DEVICES="0,1",  # as the job does, which sees no others
    )
    assert run.code == 0, run.output
    headers = {}
    told, devices = (jobs / engine).read_text(), DEVICES[engine]
    assert told.count("image sicmir-atlas-gpu:0.1.0") == told.count(devices) == 1
    assert told.count("gpu=") + told.count("device=") == devices.count("=")
    assert "CUDA_VISIBLE_DEVICES" not in told, "an engine counts from 0 what it lets in"
    assert told.count("image sicmir-atlas-cpu:0.1.0") == 7
    cache = f"{nextflow.folder}/results/downloads"
    assert told.count(f"-v\n{cache}:{cache}\n") == 1
    (jobs / engine).unlink()
    for job in jobs.iterdir():
        lines = [line for line in job.read_text().splitlines() if line.startswith("#SBATCH")]
        (name,) = [line.split("nf-ATLAS_")[1] for line in lines if "-J nf-" in line]
        headers[name] = [line.removeprefix("#SBATCH ") for line in lines]
    assert set(headers) == {
        *(f"{step}_(two)" for step in STEPS),
        *("CHECK_(datasets.csv)", "CONSOLIDATE", "VALIDATE", "REPORT"),
    }
    gpu = headers.pop("PREDICT_(two)")
    assert "--account=lab --qos=long --gres=gpu:a100:1" in gpu
    assert "-p a100" in gpu
    for lines in headers.values():
        assert not any(line.startswith("-p") or "gpu" in line for line in lines)
        assert "--account=lab --qos=long" in lines
    assert {"-c 2", "--mem 1024M"} <= set(headers["CONSOLIDATE"])


def test_where_things_are_kept_and_run_is_no_part_of_a_result(
    nextflow, sheet, own, small, tmp_path
):
    """A resume with another cache, and without --cpu_fallback, predicts nothing again."""
    cache = tmp_path / "the lab's cache"
    options = ("--input", sheet(own("one", 0)), "-profile", "gpu", *small)
    run = nextflow.run(*options, "--cpu_fallback")
    assert run.code == 0, run.output
    run = nextflow.run(*options, "--download_cache", cache, "-resume")
    assert run.code == 0, run.output
    steps = {f"{step} (one)" for step in ("RESOLVE", "FETCH", "PREPARE", "PREDICT")}
    assert steps <= run.statuses().keys()
    assert not steps & set(run.not_cached())
    assert cache.is_dir()


@pytest.mark.parametrize("parser", ["v1", "v2"])
def test_help_is_made_from_the_schema(nextflow, parser):
    run = nextflow.run("--help", NXF_SYNTAX_PARSER=parser)
    assert run.code == 0, run.output
    text = run.output.split("sicmir-atlas: ", 1)[1]
    said = " ".join(text.split())
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    for group in schema["$defs"].values():
        assert f"{group['title']}: " in said
        for name, entry in group["properties"].items():
            own = said.partition(f" --{name} <")[2].partition("> ")[2]
            assert own.startswith(entry["description"])
            if entry.get("default") is not None:
                assert own.split("[")[1].lower().startswith(f"default: {entry['default']}".lower())
    examples = [line for line in text.splitlines() if line.strip().startswith("nextflow run")]
    assert all(len(line) <= 80 or line in examples or "://" in line for line in text.splitlines())


def test_help_of_one_parameter(nextflow):
    run = nextflow.run("--help", "qc_profile")
    entry = json.loads((ROOT / "nextflow_schema.json").read_text())["$defs"]["quality_control"]
    said = " ".join(run.output.split())
    for text in ("description", "help_text"):
        assert entry["properties"]["qc_profile"][text] in said
    assert "Value atlas|case|adaptive Default atlas" in said
    assert "--outdir" not in said
    assert not (nextflow.folder / "results").exists()


def test_help_of_a_parameter_that_is_none(nextflow):
    run = nextflow.run("--help", "max_percent_mt")
    assert run.code == 1
    assert "No parameter --max_percent_mt: do you mean" in run.output
    assert "--max_pct_mt" in run.output


def test_no_input_says_what_to_give(nextflow):
    run = nextflow.run()
    assert run.code == 1
    assert "Give a samplesheet with --input datasets.csv" in run.output


def test_bad_samplesheet_and_parameters_are_told_at_once(nextflow, sheet, model):
    bad = sheet(
        {"dataset_id": "a", "source": "url", "url": "a.h5ad", "tisue": ""},
        {"dataset_id": "A", "source": "file", "url": "", "tisue": ""},
    )
    run = nextflow.run("--input", bad, "--model", model, "--min_gene", "5", "--seed", "x")
    assert run.code == 1
    for said in (
        "--min_gene: no such parameter; did you mean --min_genes?",
        "--seed: 'x' is not of type 'integer'",
        "column 'tisue': no such column; did you mean tissue?",
        "row 1 (line 2), column url: 'a.h5ad' is no http, https, s3 or gs address",
        "row 2 (line 3), column url: missing",
        "row 2 (line 3), column dataset_id: 'A' is taken by row 1",
        "No atlas was written.",
    ):
        assert said in run.output
    assert list(run.statuses()) == ["CHECK (datasets.csv)"]
    assert "groovy" not in run.output
    assert len(run.output.splitlines()) < 30
