"""The demo in containers of each engine is the demo without."""

from __future__ import annotations

import csv
import hashlib
import shutil
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest

from debian import NotHereError
from nextflow_runs import Nextflow, contents
from own_apptainer import OwnApptainer
from own_docker import OwnDocker
from own_podman import IMAGE

# one is short of memory at first
SHORT = """\
process {
    withName: PREPARE {
        memory = { task.tag == 'demo_blood' && task.attempt == 1 ? 64.MB : 2.GB }
    }
}
"""
# none but those that look up and download may reach a network
SEALED = """\
process {
    withName: 'CHECK|PREPARE|PREDICT|CONSOLIDATE|VALIDATE|REPORT' {
        containerOptions = '--network none'
    }
}
"""
# of a daemon without networks of its own; no profile needs it
ON_HOST = "docker.runOptions = '-u $(id -u):$(id -g) --network host'\n"


@dataclass
class Engine:
    """What a run needs besides the profile of this name."""

    name: str
    environment: dict[str, str | list[str]]
    settings: str = ""
    options: tuple = ()
    limits_memory: bool = True


@pytest.fixture(scope="module")
def saved(podman):
    """The image in a file, as a cluster without podman gets it."""
    with TemporaryDirectory(dir="/var/tmp") as folder:
        tar = Path(folder) / "cpu.tar"
        podman("save", "--quiet", "--format", "docker-archive", "--output", tar, IMAGE)
        yield tar


@pytest.fixture(scope="module")
def docker(saved):
    try:
        with OwnDocker() as own:
            loaded = own.run("docker", "load", "--input", saved, timeout=600)
            assert loaded.returncode == 0, loaded.stderr
            own.run("docker", "tag", f"localhost/{IMAGE}", IMAGE)
            yield own
    except NotHereError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def apptainer(saved):
    """Apptainer, and the image as a file of its own."""
    with TemporaryDirectory(dir="/var/tmp") as folder:
        try:
            own = OwnApptainer(Path(folder))
        except NotHereError as error:
            pytest.skip(str(error))
        Path(folder).chmod(0o755)
        own.build(saved, Path(folder) / "cpu.sif")
        yield own


@pytest.fixture(scope="module", params=["podman", "docker", "apptainer", "singularity"])
def engine(request):
    """Singularity is Apptainer under the other name, which other variables tell what to do."""
    name = request.param
    own = request.getfixturevalue("apptainer" if name == "singularity" else name)
    if name in ("podman", "docker"):
        settings = SHORT + (SEALED if name == "podman" else ON_HOST)
        return Engine(name, own.environment, settings)
    image = ("--container", own.folder / "cpu.sif")
    environment = {**own.environment, "PATH_FIRST": [str(own.programs)]}
    return Engine(name, environment, options=image, limits_memory=False)


def write(sheet, rows):
    with sheet.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def lab(demo_data):
    """The demo in a folder far from the work folder, one dataset of it behind an address."""
    with TemporaryDirectory(dir="/var/tmp", prefix="the lab's study ") as folder:
        lab = Path(folder)
        for path in demo_data.iterdir():
            shutil.copy2(path, lab)
        with (lab / "datasets.csv").open() as lines:
            rows = list(csv.DictReader(lines))
        server = ThreadingHTTPServer(
            ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=demo_data)
        )
        Thread(target=server.serve_forever, daemon=True).start()
        for row in rows:
            if row["dataset_id"] == "demo_two_types":
                path = lab / row["url"]
                row["source"] = "url"
                row["url"] = f"http://127.0.0.1:{server.server_port}/{path.name}"
                row["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        write(lab / "datasets.csv", rows)
        write(lab / "fetched.csv", [row for row in rows if row["source"] == "url"])
        yield lab
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def run(lab, repo, tmp_path_factory):
    """Run a sheet under profiles, in a folder and with a cache of downloads of its own."""

    def run(name, sheet, profile, *options, **env):
        folder = tmp_path_factory.mktemp(name)
        return folder / "out/atlas", Nextflow(folder, repo).run(
            *("-profile", profile, "--input", lab / sheet),
            *("--outdir", folder / "out", "--download_cache", lab / "cache" / name),
            *options,
            **env,
        )

    return run


@pytest.fixture(scope="module")
def outside(run):
    atlas, done = run("outside", "datasets.csv", "test")
    assert done.code == 0, done.output
    return contents(atlas)


def test_the_demo_in_containers_is_the_demo_without(engine, run, lab, outside, tmp_path):
    """Own files and the cache of downloads lie elsewhere; a step is killed for memory once."""
    settings = tmp_path / "settings.config"
    settings.write_text(engine.settings)
    given = ("-c", settings, *engine.options)
    atlas, done = run(
        engine.name, "datasets.csv", f"test,{engine.name}", *given, **engine.environment
    )
    assert done.code == 0, done.output
    assert "Datasets: 4 included, 2 excluded, 0 failed" in done.output
    tries = [task for task in done.tasks if task["name"] == "ATLAS:PREPARE (demo_blood)"]
    killed = [("FAILED", "137")] if engine.limits_memory else []
    assert [(task["status"], task["exit"]) for task in tries] == [*killed, ("COMPLETED", "0")]
    assert all(task["peak_rss"] != "-" for task in done.tasks if task["exit"] == "0"), "no ps"
    digest = hashlib.sha256((lab / "demo_two_types.h5ad").read_bytes()).hexdigest()
    assert (lab / "cache" / engine.name / "sha256" / digest[:2] / digest).exists()
    assert contents(atlas) == outside


def test_the_other_parser(podman, run):
    """It takes no -c beside -profile."""
    env = {"NXF_SYNTAX_PARSER": "v2", **podman.environment}
    _, done = run("v2", "fetched.csv", "test,podman", **env)
    assert done.code == 0, done.output
    assert "Datasets: 0 included, 1 excluded, 0 failed" in done.output


def test_an_image_file_serves_users_without_rights(apptainer):
    image = apptainer.folder / "cpu.sif"
    done = apptainer.run("apptainer", "exec", image, "smoke-test", user=65534)
    if "user namespace" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith("user 65534")
