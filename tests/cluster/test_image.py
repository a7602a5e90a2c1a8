"""The image of CPU tasks: its size, and what it holds for whom."""

from __future__ import annotations

import json
from pathlib import Path

from packaging.requirements import Requirement

from own_podman import IMAGE
from sicmir_atlas import __version__

ROOT = Path(__file__).parents[2]


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
