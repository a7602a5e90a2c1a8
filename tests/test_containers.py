"""Recipes of the images and conda's environments, against the locks and what the code imports."""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from pathlib import Path

import pytest
import yaml

from sicmir_atlas import __version__

ROOT = Path(__file__).parents[1]
KINDS = {
    "cpu": ("cpu.txt", "environment.yml"),
    "gpu": ("gpu.txt", "environment-train.yml"),
}


def imported():
    """Give the packages that any module of the package imports, be it late."""
    names = set()
    for path in (ROOT / "bin/sicmir_atlas").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"sicmir_atlas"}


def smoke_tested(kind):
    recipe = (ROOT / f"containers/{kind}/Containerfile").read_text()
    (line,) = re.findall(r"^    smoke-test(.*)$", recipe, re.MULTILINE)
    text = (ROOT / "containers/smoke_test.py").read_text()
    (modules,) = [
        ast.literal_eval(node.value)
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MODULES"
    ]
    return {name.split(".")[0] for name in (*modules, *line.split())}


def test_the_smoke_tests_import_what_the_steps_import():
    training, study = {"matplotlib", "torch"}, {"lifelines", "xgboost"}
    asked_for_by_fsspec = {"gcsfs", "s3fs"}
    assert smoke_tested("cpu") == imported() - training - study | asked_for_by_fsspec
    assert smoke_tested("gpu") == imported() - study


def pins(name):
    """Give the lines of a lock that name a version."""
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    return {line.rstrip(" \\") for line in lines if "==" in line}


def test_the_image_of_training_holds_what_its_tests_ran_with():
    runtime, trained = pins("runtime.txt"), pins("gpu.txt")
    assert runtime < trained
    assert trained - runtime < pins("torch.txt")
    tools = {"ruff", "pytest", "mypy", "lifelines", "xgboost"}
    assert not tools & {line.split("==")[0] for line in trained}


def test_images_are_named_after_the_version():
    settings = (ROOT / "nextflow.config").read_text()
    named = dict(re.findall(r"'sicmir-atlas-(cpu|gpu):(\S+)'", settings))
    assert named == {"cpu": __version__, "gpu": __version__}
    assert re.search(r"version += '(\S+)'", settings)[1] == __version__
    documented = re.findall(r"sicmir-atlas-[cg]pu:([\d.]+)", (ROOT / "docs/usage.md").read_text())
    assert set(documented) == {__version__}


@pytest.mark.parametrize("kind", KINDS)
def test_images_and_environments_hold_one_lock(kind):
    lock, environment = KINDS[kind]
    recipe = (ROOT / f"containers/{kind}/Containerfile").read_text()
    assert re.findall(r"requirements/(\S+)", recipe) == [lock]
    assert "--require-hashes" in recipe
    path = ROOT / "modules/local" / environment
    *_, given = yaml.safe_load(path.read_text())["dependencies"]
    hashes, file = given["pip"]
    assert hashes == "--require-hashes"
    wanted = ROOT / "requirements" / lock
    assert (path.parent / file.removeprefix("-r ")).resolve() == wanted
    named = re.search(r"^# lock (\w+)$", path.read_text(), re.MULTILINE)[1]
    assert named == hashlib.sha256(wanted.read_bytes()).hexdigest()[:12], "make lock writes it"
