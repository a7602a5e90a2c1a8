from __future__ import annotations

import contextlib

import pytest

from archives import ArchiveServer
from sicmir_atlas.sources import Services
from sicmir_atlas.sources.http import Client


@pytest.fixture
def ask():
    """Serve sites, and give the server and a client of it."""
    with contextlib.ExitStack() as stack:

        def start(sites, **options):
            server = stack.enter_context(ArchiveServer(sites, **options))
            services = Services(
                cellxgene_url=server.url("cellxgene"),
                cellxgene_files_url=server.url("cellxgene_files"),
                requests_per_second=1000,
            )
            return server, stack.enter_context(Client(services, tries=3, wait=0.01))

        yield start
