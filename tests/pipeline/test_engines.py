"""Containers: settings of engines, and a stub run with a stand-in for one."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

ENGINES = ("singularity", "apptainer")


@pytest.mark.parametrize("engine", ENGINES)
def test_settings(nextflow, engine):
    done = nextflow.command("config", "-profile", engine, "-o", "json", nextflow.root)
    config = json.loads(done.stdout)
    named = config[engine].pop("envWhitelist").split(",")
    assert named == ["CUDA_VISIBLE_DEVICES"]
    assert config[engine] == {"enabled": True, "autoMounts": True}
    assert config["env"]["TMPDIR"] == "."
    assert not {"docker", "podman", *ENGINES} - {engine} & set(config)


@pytest.mark.parametrize(
    ("job", "docker", "podman"),
    [
        ({}, ["all"], ["all"]),
        ({"CUDA_VISIBLE_DEVICES": "2"}, ['"device=2"'], ["2"]),
        ({"SLURM_JOB_ID": "7", "SLURM_JOB_GPUS": "1,3"}, ['"device=1,3"'], ["1", "3"]),
        ({"SLURM_JOB_ID": "7"}, ['"device=none"'], ["none"]),
    ],
)
def test_the_gpus_that_a_container_sees(nextflow, job, docker, podman):
    """What the engine's command line becomes in the job's shell; a job without a GPU gets none."""
    options = re.findall(
        r"(docker|podman): '(.*)',", (nextflow.root / "conf/gpu.config").read_text()
    )

    def words(text):
        command = f"printf '%s\\n' {text.replace(chr(92) * 2, chr(92))}"
        path = {"PATH": os.environ["PATH"]}
        said = subprocess.check_output(["bash", "-euc", command], text=True, env=path | job)
        return said.splitlines()

    given = {engine: words(text) for engine, text in options}
    assert given["docker"][-len(docker) - 1 :] == ["--gpus", *docker]
    devices = [word for word in given["podman"] if word.startswith("nvidia.com")]
    assert devices == [f"nvidia.com/gpu={name}" for name in podman]


def test_tasks_in_an_image_file(nextflow, sheet, tmp_path):
    """The stand-in notes how it was called, and runs the command at once."""
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / "apptainer").write_text(
        '#!/bin/bash\nwhile [[ $1 != *.sif ]]; do given+="$1 "; shift; done\n'
        f'echo "$given$1" >> {folder}/calls; shift; exec "$@"\n'
    )
    (folder / "apptainer").chmod(0o755)
    image = tmp_path / "cpu.sif"
    image.touch()
    row = {"dataset_id": "one", "source": "url", "url": "https://example.org/a.h5ad"}
    run = nextflow.run(
        *("--input", sheet(row), "-stub-run", "-profile", "apptainer", "--container", image),
        PATH_FIRST=[str(folder)],
    )
    assert run.code == 0, run.output
    calls = (folder / "calls").read_text().splitlines()
    assert len(calls) == 8
    assert all(call.startswith("exec ") and call.endswith(f" {image}") for call in calls)
    cache = nextflow.folder / "results/downloads"
    assert sum(f"--bind {cache} " in call for call in calls) == 1
    assert cache.is_dir(), "a folder that is not there cannot be mounted"
