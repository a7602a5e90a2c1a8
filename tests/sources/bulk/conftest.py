from __future__ import annotations

import pytest

import bulk_site
from servers import FaultyServer


@pytest.fixture(scope="module")
def site():
    """Simulated TCGA, GTEx and miRBase behind one address."""
    files = bulk_site.xena(["ACC", "LAML"], older=["LAML"])
    with FaultyServer({**files, **bulk_site.mirbase(), **bulk_site.gtex()}) as server:
        yield server


@pytest.fixture
def table(tmp_path):
    """Write lines between tabs, and give the path."""

    def write(*rows, name="table.tsv"):
        path = tmp_path / name
        path.write_text("\n".join("\t".join(map(str, row)) for row in rows) + "\n")
        return path

    return write
