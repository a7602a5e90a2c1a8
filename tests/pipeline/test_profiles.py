"""Profiles of clouds: settings by their documented names, and stub runs on this machine.

A misspelt setting passes silently, so names are those of Nextflow's docs/reference/config:

- aws.md: ``aws.region``; ``aws.batch`` with ``cliPath``, ``volumes``, ``maxSpotAttempts`` (tries
  within one task, 0 unless set) and ``maxTransferAttempts``
- google.md: ``google.project``, ``location``; ``google.batch`` with ``spot``,
  ``maxSpotAttempts``, ``autoRetryExitCodes`` ([50001] unless set), ``bootDiskSize`` and
  ``serviceAccountEmail``
- azure.md: ``azure.batch`` with ``location``, ``autoPoolMode``, ``allowPoolCreation``,
  ``deletePoolsOnCompletion`` and ``deleteJobsOnCompletion``
- k8s.md: ``k8s`` with ``namespace``, ``serviceAccount``, ``storageClaimName``,
  ``storageMountPath``, ``runAsUser`` and ``pod``

and docs/reference/process: ``queue``, ``disk`` (``request``, ``type``), ``machineType``,
``accelerator`` (``request``, ``type``), ``scratch``, and ``pod`` with ``emptyDir`` (``sizeLimit``),
``mountPath`` and ``nodeSelector``.
"""

from __future__ import annotations

import json
import os

import pytest

from sicmir_atlas.check import check_samplesheet

AWS = {
    "region": None,
    "batch": {
        "cliPath": None,
        "volumes": None,
        "maxSpotAttempts": 5,
        "maxTransferAttempts": 5,
    },
}
GOOGLE = {
    "project": None,
    "location": None,
    "batch": {
        "spot": False,
        "maxSpotAttempts": 5,
        "autoRetryExitCodes": [50001, 50002, 50003, 50004, 50005],
        "bootDiskSize": "50 GB",
        "serviceAccountEmail": None,
    },
}
AZURE = {
    "batch": {
        "location": None,
        "autoPoolMode": True,
        "allowPoolCreation": True,
        "deletePoolsOnCompletion": True,
        "deleteJobsOnCompletion": True,
    },
}
K8S = {
    "namespace": None,
    "serviceAccount": None,
    "storageClaimName": None,
    "storageMountPath": "/workspace",
    "runAsUser": os.getuid(),
    "pod": [],
}
QUEUE = {"queue": "{ task.accelerator && params.gpu_queue ? params.gpu_queue : params.queue }"}
ROOT = {"containerOptions": "--user root"}
GPU_MACHINE = {"machineType": "{ task.accelerator ? params.gpu_machine : null }"}
DISK = "{ params.scratch_disk ? [request: params.scratch_disk, type: 'pd-balanced'] : null }"
# executor, its scope, what processes get, what GPU tasks get
CLOUDS = {
    "awsbatch": ("awsbatch", {"aws": AWS}, QUEUE | ROOT, {}),
    "googlebatch": (
        "google-batch",
        {"google": GOOGLE},
        {"scratch": True, "disk": DISK, **ROOT},
        {"withLabel:process_gpu": GPU_MACHINE},
    ),
    "azurebatch": (
        "azurebatch",
        {"azure": AZURE},
        QUEUE | ROOT,
        {"withLabel:process_gpu": GPU_MACHINE},
    ),
    "k8s": ("k8s", {"k8s": K8S}, {"scratch": False}, {"withLabel:process_gpu": {"pod": []}}),
}


def resolved(nextflow, profiles):
    done = nextflow.command("config", "-profile", profiles, "-o", "json", nextflow.root)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_settings_unless_parameters_say_others(nextflow, cloud):
    executor, scopes, process, gpu = CLOUDS[cloud]
    plain, config = resolved(nextflow, "test"), resolved(nextflow, cloud)
    assert {
        name: config[name] for name in {"aws", "google", "azure", "k8s"} & set(config)
    } == scopes
    assert config["workDir"] == "work"
    assert config["process"] == {
        **{k: v for k, v in plain["process"].items() if k != "resourceLimits"},
        "resourceLimits": config["process"]["resourceLimits"],
        "executor": executor,
        **process,
        **gpu,
    }
    assert "plugins" not in config


GIVEN = {
    "work_dir": "s3://bucket/work",
    "region": "eu-west-1",
    "project": "lab",
    "service_account": "runner",
    "namespace": "atlas",
    "storage_claim": "volume",
    "storage_mount": "/data",
    "spot": "true",
    "max_spot_attempts": "2",
    "queue": "cpus",
    "gpu_machine": "gpu=l4",
    "gpu_type": "nvidia-l4",
    "scratch_disk": "500 GB",
    "scratch_volume": "/mnt/nvme:/tmp",
    "aws_cli": "/opt/aws",
}
OPTIONS = [word for name, value in GIVEN.items() for word in (f"--{name}", value)]
SHOW = """\
workflow {
    def config = nextflow.Global.session.config
    def gpu = config.process['withLabel:process_gpu'].subMap(['accelerator', 'pod'])
    def scopes = config.subMap(['aws', 'google', 'azure', 'k8s'])
    println('CONFIG ' + groovy.json.JsonOutput.toJson(scopes + [gpu: gpu]))
}
"""


@pytest.mark.parametrize("parser", ["v1", "v2"])
def test_settings_that_parameters_say(nextflow, tmp_path, parser):
    """All clouds in one run: none is asked for anything."""
    main = tmp_path / "script/main.nf"
    main.parent.mkdir()
    main.write_text(SHOW)
    (main.parent / "nextflow.config").write_text(
        f"includeConfig '{nextflow.root}/nextflow.config'\n"
    )
    clouds = ",".join(["gpu", *CLOUDS])
    local = ("-process.executor", "local", "-profile", clouds)
    run = nextflow.run(*local, *OPTIONS, main=main, NXF_SYNTAX_PARSER=parser)
    assert run.code == 0, run.output
    line = next(line for line in run.output.splitlines() if line.startswith("CONFIG "))
    config = json.loads(line.removeprefix("CONFIG "))
    if parser == "v2":  # 25.04 reads parameters too late for settings outside processes
        assert config["google"] == GOOGLE
        return
    assert config == {
        "aws": {
            "region": "eu-west-1",
            "batch": {
                "cliPath": "/opt/aws",
                "volumes": "/mnt/nvme:/tmp",
                "maxSpotAttempts": 2,
                "maxTransferAttempts": 5,
            },
        },
        "google": {
            "project": "lab",
            "location": "eu-west-1",
            "batch": {
                "spot": True,
                "maxSpotAttempts": 2,
                "autoRetryExitCodes": [50001, 50002, 50003, 50004, 50005],
                "bootDiskSize": "50 GB",
                "serviceAccountEmail": "runner",
            },
        },
        "azure": {
            "batch": {
                "location": "eu-west-1",
                "autoPoolMode": False,
                "allowPoolCreation": False,
                "deletePoolsOnCompletion": False,
                "deleteJobsOnCompletion": True,
            },
        },
        "k8s": {
            "namespace": "atlas",
            "serviceAccount": "runner",
            "storageClaimName": "volume",
            "storageMountPath": "/data",
            "runAsUser": os.getuid(),
            "pod": [{"emptyDir": {"sizeLimit": "500G"}, "mountPath": "/scratch"}],
        },
        "gpu": {
            "accelerator": {"request": 1, "type": "nvidia-l4"},
            "pod": [{"nodeSelector": "gpu=l4"}],
        },
    }


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_rest_of_a_profile_runs_here(nextflow, sheet, cloud):
    row = {"dataset_id": "one", "source": "url", "url": "https://example.org/b.h5ad"}
    local = ("-process.executor", "local", "-stub-run", "-profile", f"gpu,{cloud}")
    gpus = ("--gpu_machine", "x", "--gpu_type", "nvidia-l4")
    run = nextflow.run("--input", sheet(row), *local, "--queue", "cpus", *gpus)
    assert run.code == 0, run.output
    assert "Datasets: 1 included, 0 excluded, 0 failed" in run.output
    assert len(run.tasks) == 9


def test_a_gpu_of_no_type_is_refused_for_google(nextflow, sheet):
    row = {"dataset_id": "one", "source": "url", "url": "https://example.org/b.h5ad"}
    local = ("-process.executor", "local", "-stub-run", "-profile", "gpu,googlebatch")
    run = nextflow.run("--input", sheet(row), *local)
    assert run.code == 1
    assert "--gpu_type is missing" in run.output
    assert run.tasks == []


def test_the_full_test_and_strictness(nextflow, sheet):
    config = resolved(nextflow, "test_full,strict")
    assert config["params"]["allow_files"] is False
    samplesheet = config["params"]["input"]
    assert samplesheet == f"{nextflow.root}/assets/datasets_full.csv"
    rows = check_samplesheet(
        nextflow.root / "assets/datasets_full.csv", base=".", allow_files=False
    )
    assert {row["source"] for row in rows} == {"tabula_sapiens", "geo"}

    (own,) = [{"dataset_id": "own", "source": "file", "url": "/etc/passwd"}]
    run = nextflow.run("--input", sheet(own), "-profile", "strict", "-stub-run")
    assert run.code == 1
    assert "row 1 (line 2), column source: files of this machine are not read here" in run.output
    assert set(run.statuses()) == {"CHECK (datasets.csv)"}
