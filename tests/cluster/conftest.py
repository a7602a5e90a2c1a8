from __future__ import annotations

from pathlib import Path

import pytest

from debian import NotHereError, install
from nextflow_runs import nextflow, repo, sheet
from one_node_slurm import COMMANDS, PACKAGES, OneNodeSlurm
from own_podman import OwnPodman

__all__ = ["nextflow", "repo", "sheet"]


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def slurm():
    """A real Slurm on this machine, with two stand-in GPUs."""
    try:
        install(COMMANDS, PACKAGES)
        with OneNodeSlurm() as started:
            yield started
    except NotHereError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def podman(tmp_path_factory):
    """Podman with the image of CPU tasks."""
    try:
        own = OwnPodman(tmp_path_factory.mktemp("podman"))
        own.build()
    except NotHereError as error:
        pytest.skip(str(error))
    yield own
    own.run("podman", "rm", "--all", "--force")
