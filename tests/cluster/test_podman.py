"""The image of CPU tasks, and the demo in its containers."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from packaging.requirements import Requirement

from debian import NotHereError
from nextflow_runs import Nextflow, contents
from own_podman import OwnPodman
from sicmir_atlas import __version__

ROOT = Path(__file__).parents[2]
IMAGE = f"sicmir-atlas-cpu:{__version__}"
# none but those that look up and download may reach a network; one is short of memory at first
SETTINGS = """\
process {
    withName: 'CHECK|PREPARE|PREDICT|CONSOLIDATE|VALIDATE|REPORT' {
        containerOptions = '--network none'
    }
    withName: PREPARE {
        memory = { task.tag == 'demo_blood' && task.attempt == 1 ? 64.MB : 2.GB }
    }
}
"""


@pytest.fixture(scope="module")
def podman(tmp_path_factory):
    try:
        own = OwnPodman(tmp_path_factory.mktemp("podman"))
        own.build()
    except NotHereError as error:
        pytest.skip(str(error))
    yield own
    own.run("podman", "rm", "--all", "--force")


def locked(image_python):
    """Give the version of every package that the lock names for the Python of the image."""
    lines = (ROOT / "requirements/cpu.txt").read_text().splitlines()
    named = [Requirement(line.rstrip(" \\")) for line in lines if "==" in line]
    here = {"python_full_version": image_python, "sys_platform": "linux"}
    return {
        wanted.name.replace("_", "-").lower(): str(wanted.specifier).removeprefix("==")
        for wanted in named
        if not wanted.marker or wanted.marker.evaluate(here)
    }


def test_the_image_is_small_and_holds_the_lock_for_any_user(podman):
    (image,) = json.loads(podman("image", "inspect", IMAGE))
    assert image["Size"] < 1e9
    assert image["User"] == "1000:1000"
    assert image["Labels"]["org.opencontainers.image.version"] == __version__

    run = ("run", "--rm", "--read-only", "--network", "none", "--user")
    said = podman(*run, "4242:4242", IMAGE, "smoke-test").splitlines()
    _, python, _, user = said[0].replace(",", "").split()
    assert user == "4242"
    seen = dict(line.replace("_", "-").lower().split() for line in said[1:])
    lock = locked(python)
    assert seen == {name: lock[name] for name in seen}

    listed = "from importlib.metadata import distributions as d; print(*(i.name for i in d()))"
    installed = podman(*run, "1000:1000", IMAGE, "python", "-c", listed).split()
    assert {name.replace("_", "-").lower() for name in installed} == set(lock)
    hidden = podman(*run, "4242:4242", IMAGE, "find", "/opt/sicmir-atlas", "!", "-readable")
    assert hidden == ""
    own = podman.run("podman", *run, "1000:1000", IMAGE, "python", "-c", "import sicmir_atlas")
    assert "No module named 'sicmir_atlas'" in own.stderr


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
        yield lab, server
        server.server_close()


def test_the_demo_in_containers_is_the_demo_without(podman, lab, repo, tmp_path):
    """Own files and the cache of downloads lie elsewhere; a step is killed for memory once."""
    lab, server = lab
    settings = tmp_path / "settings.config"
    settings.write_text(SETTINGS)

    def run(name, sheet, profile, *options, **env):
        folder = tmp_path / name
        folder.mkdir()
        nextflow = Nextflow(folder, repo)
        return folder / "out/atlas", nextflow.run(
            *("-profile", profile, "--input", lab / sheet),
            *("--outdir", folder / "out", "--download_cache", lab / "cache"),
            *options,
            **env,
        )

    inside, there = run(
        "inside", "datasets.csv", "test,podman", "-c", settings, **podman.environment
    )
    assert there.code == 0, there.output
    assert "Datasets: 4 included, 2 excluded, 0 failed" in there.output
    tries = [task for task in there.tasks if task["name"] == "ATLAS:PREPARE (demo_blood)"]
    assert [(task["status"], task["exit"]) for task in tries] == [
        ("FAILED", "137"),
        ("COMPLETED", "0"),
    ]
    assert all(task["peak_rss"] != "-" for task in there.tasks if task["exit"] == "0"), "no ps"
    digest = hashlib.sha256((lab / "demo_two_types.h5ad").read_bytes()).hexdigest()
    assert (lab / "cache/sha256" / digest[:2] / digest).exists()
    server.shutdown()

    outside, here = run("outside", "datasets.csv", "test")
    assert here.code == 0, here.output
    assert contents(inside) == contents(outside)

    env = {"NXF_SYNTAX_PARSER": "v2", **podman.environment}  # which takes no -c beside -profile
    _, again = run("again", "fetched.csv", "test,podman", **env)
    assert again.code == 0, again.output
    assert "Datasets: 0 included, 1 excluded, 0 failed" in again.output
