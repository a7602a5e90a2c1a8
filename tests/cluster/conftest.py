from __future__ import annotations

from pathlib import Path

import pytest

from debian import NotHereError, install
from nextflow_runs import nextflow, repo, sheet
from one_node_slurm import COMMANDS, PACKAGES, OneNodeSlurm

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
