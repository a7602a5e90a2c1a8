from __future__ import annotations

import numpy as np
import pytest

from servers import FaultyServer

BODY = b"\x89HDF\r\n\x1a\n" + np.random.default_rng(0).bytes(300_000)
"""Begins as HDF5 does."""


@pytest.fixture
def body():
    return BODY


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with FaultyServer({"a.h5ad": BODY, "b.csv.gz": BODY[:1000]}) as running:
        yield running
