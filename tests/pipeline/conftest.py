from __future__ import annotations

from pathlib import Path

import anndata as ad
import pandas as pd
import pytest

import thirty
from nextflow_runs import nextflow, repo, sheet

__all__ = ["nextflow", "repo", "sheet"]


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.pipeline)


@pytest.fixture
def small():
    """Options for datasets of few cells."""
    return ("--min_cells", "50", "--min_cells_qc", "20", "--requests_per_second", "400")


@pytest.fixture
def own(tmp_path):
    """Write a small simulated dataset, and give its row."""

    def write(name: str, seed: int, **columns: str) -> dict[str, str]:
        counts, cells = thirty.counts(seed)
        var = pd.DataFrame(index=thirty.symbols())
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        ad.AnnData(counts, obs=cells, var=var).write_h5ad(folder / f"{name}.h5ad")
        return {
            "dataset_id": name,
            "source": "file",
            "url": str(folder / f"{name}.h5ad"),
            "organism": "Homo sapiens",
            "tissue": "blood",
            "disease": "normal",
            "cell_type": "obs:cell_type",
            "title": "Simulated counts",
            **columns,
        }

    return write


@pytest.fixture
def script(nextflow, tmp_path):
    """A script of its own that uses the pipeline's functions."""

    def write(text):
        path = tmp_path / "script" / "main.nf"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("UTILS", str(nextflow.root / "subworkflows/local/utils")))
        (path.parent / "nextflow.config").write_text(
            "workflow.failOnIgnore = true\nprocess.maxRetries = 2\n"
        )
        return path

    return write
