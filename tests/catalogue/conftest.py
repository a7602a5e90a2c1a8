from __future__ import annotations

import contextlib

import pytest

from archives import ArchiveServer
from sicmir_atlas.sources import Services
from sicmir_atlas.sources.http import Client


@pytest.fixture
def serve(monkeypatch):
    """Serve sites, and give the server and a client of it."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with contextlib.ExitStack() as stack:

        def start(sites, *, tries=4, **options):
            server = stack.enter_context(ArchiveServer(sites, **options))
            services = Services(
                geo_url=server.url("geo"),
                geo_files_url=server.url("geo_files"),
                cellxgene_url=server.url("cellxgene"),
                cellxgene_files_url=server.url("cellxgene_files"),
                scbasecount_url=server.url("scbasecount"),
                requests_per_second=10_000,
            )
            return server, stack.enter_context(Client(services, tries=tries, wait=0.001))

        yield start
