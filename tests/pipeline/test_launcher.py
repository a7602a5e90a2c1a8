from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("bash", "env", "readlink", "dirname", "sed", "head", "cat", "sha256sum", "cut", "mkdir")
TOOLS += ("flock", "mktemp", "rm", "grep", "wc", "find", "chmod", "mv", "touch")


@pytest.fixture
def machine(tmp_path):
    """A PATH with the plain tools and whatever a test adds."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for tool in TOOLS:
        (bin_folder / tool).symlink_to(shutil.which(tool))

    def add(name, script):
        path = bin_folder / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def launch(*args, launcher=ROOT / "tools/nextflow", **env):
        return subprocess.run(
            [launcher, *args],
            env={"PATH": str(bin_folder), "HOME": str(tmp_path), **env},
            capture_output=True,
            text=True,
            check=False,
        )

    launch.add = add
    return launch


def java(version):
    return f"echo 'openjdk version \"{version}\" 2025-01-01' >&2"


@pytest.mark.parametrize(
    ("version", "said"),
    [(None, "no Java found at 'java'"), ("1.8.0_402", "older than 17"), ("11.0.2", "Java 11.0.2")],
)
def test_java_is_asked_for_in_one_line(machine, version, said):
    if version:
        machine.add("java", java(version))
    done = machine("-version")
    assert done.returncode == 127
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr
    assert "install a JDK 17 or newer" in done.stderr


def test_neither_nextflow_nor_maven(machine):
    machine.add("java", java("17.0.9"))
    done = machine("-version")
    assert done.returncode == 127
    assert "neither nextflow nor mvn is on PATH: install one" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "no nextflow on PATH" in machine("-version", NXF_BOOT="path").stderr


def test_nextflow_on_path_comes_first_and_is_not_this_launcher(machine, tmp_path):
    machine.add("java", java("21"))
    machine.add("nextflow", 'echo "theirs: $*"')
    assert machine("run", "x y").stdout == "theirs: run x y\n"
    (tmp_path / "bin/nextflow").unlink()
    (tmp_path / "bin/nextflow").symlink_to(ROOT / "tools/nextflow")
    assert "neither nextflow nor mvn" in machine("-version").stderr


@pytest.mark.parametrize(
    ("maven", "said"),
    [
        ("echo '[ERROR] Could not transfer artifact'; exit 1", "Could not transfer artifact"),
        (
            "for a; do case $a in -DoutputDirectory=*) d=${a#*=};; esac; done; "
            "while read -r _ f; do echo changed > $d/$f; done < $LOCK",
            "differs from",
        ),
        ("true", "differs from"),
    ],
)
def test_what_maven_brings_is_checked_against_the_lock(machine, tmp_path, maven, said):
    machine.add("java", java("17.0.9"))
    machine.add("mvn", maven)
    done = machine("-version", LOCK=str(ROOT / "tools/nextflow-dist/jars.sha256"))
    assert done.returncode == 127
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr
    kept = list((tmp_path / ".cache/nextflow-boot").glob("[0-9a-f]*"))
    assert kept == []
