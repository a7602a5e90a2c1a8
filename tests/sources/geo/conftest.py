from __future__ import annotations

from contextlib import contextmanager

import pytest

from archives import ArchiveServer
from geo_site import geo_files_site, geo_site
from sicmir_atlas.sources.geo import resolve_geo
from sicmir_atlas.sources.http import Client
from sicmir_atlas.sources.services import Services


class Geo:
    """A running simulated GEO and a client of it."""

    def __init__(self, server: ArchiveServer, client: Client) -> None:
        self.server, self.client = server, client

    def resolve(self, accession: str, **cells):
        (found,) = resolve_geo({"dataset_id": "d1", "accession": accession, **cells}, self.client)
        return found

    @property
    def asked(self) -> list[str]:
        return [request.path for request in self.server.requests]

    def address(self, path: str) -> str:
        return f"{self.server.url('geo_files')}/{path}"


@pytest.fixture
def geo(monkeypatch):
    """Start a GEO that serves these series and samples."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    @contextmanager
    def start(*series, samples=(), families=None, tries=4, fault_every=0, **options):
        sites = {
            "geo": geo_site(series, samples=samples, **options),
            "geo_files": geo_files_site(series, samples=samples, families=families),
        }
        with ArchiveServer(sites, fault_every=fault_every) as server:
            services = Services(
                geo_url=server.url("geo"),
                geo_files_url=server.url("geo_files"),
                requests_per_second=1000,
            )
            with Client(services, tries=tries, wait=0.001) as client:
                yield Geo(server, client)

    return start
