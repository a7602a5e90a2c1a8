from __future__ import annotations

import pytest

import browser as chromium
from report_atlases import contents_of, hostile_atlas


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """Hostile atlas of three datasets with results."""
    return hostile_atlas(tmp_path_factory.mktemp("hostile") / "atlas")


@pytest.fixture(scope="session")
def contents(demo_atlas):
    """What a report says of the demo."""
    return contents_of(demo_atlas)


@pytest.fixture(scope="module")
def tab():
    """A tab of a headless browser."""
    if chromium.CHROMIUM is None:
        pytest.skip("no Chromium here")
    with chromium.browser() as opened:
        yield opened
