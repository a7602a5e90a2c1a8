from __future__ import annotations

import pytest

from archives import ArchiveServer, Reply
from geo_site import CAPTCHA, PENDING, Sample, Series, private_until, withdrawn_on
from sicmir_atlas.errors import GoneError, InputError, UnavailableError
from sicmir_atlas.sources.geo.query import look_up
from sicmir_atlas.sources.http import Client
from sicmir_atlas.sources.services import Services

LUNG = Series("GSE900001", [Sample("GSM9000011", files={"GSM9000011_counts.csv.gz": b"x"})])


def test_the_order_of_parameters_that_no_captcha_guards(geo):
    with geo(LUNG, captcha=["gsm"]) as running:
        (series,) = look_up("GSE900001", running.client)
        (sample,) = look_up("GSM9000011", running.client)
        asked = [path.partition("?")[2] for path in running.asked]
    assert (series.kind, series.accession) == ("SERIES", "GSE900001")
    assert (sample.kind, sample.accession) == ("SAMPLE", "GSM9000011")
    assert asked == [f"targ=self&acc={a}&form=text&view=brief" for a in ("GSE900001", "GSM9000011")]


@pytest.mark.parametrize(
    ("says", "error", "message"),
    [
        (None, GoneError, "knows no such public record: check the accession; a private one may"),
        (
            private_until("Aug 28, 2028"),
            GoneError,
            "private until Aug 28, 2028: leave the row out until then",
        ),
        ("is currently private.", GoneError, "private until a day it does not name"),
        (withdrawn_on("May 02, 2024"), GoneError, "withdrawn by GEO on May 02, 2024: remove it"),
        (PENDING, GoneError, "pending: GEO's curators have not approved it yet"),
        ('<a href="/sites/GDSbrowser">x</a>', InputError, r"a curated DataSet \(GDS\) is not"),
    ],
)
def test_pages_with_status_200_are_told_apart(geo, says, error, message):
    refusals = {"GSE900009": says} if says else {}
    with geo(LUNG, refusals=refusals) as running:
        with pytest.raises(error, match=f"^d1: GSE900009: .*{message}") as caught:
            running.resolve("GSE900009")
        assert len(running.asked) == 1  # the answer stands: no second try
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("page", [CAPTCHA, "<html>GEO is down for maintenance</html>"])
def test_other_pages_are_a_block_never_missing(geo, page):
    with geo(LUNG, tries=3) as running:
        running.server.sites["geo"] = lambda _: Reply(page.encode())
        with pytest.raises(UnavailableError, match=r"^d1: GSE900001: .*3 tries.* blocked"):
            running.resolve("GSE900001")
        assert len(running.asked) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"^SERIES = GSE90000\n!Series_title = of another\n",
        b"^SERIES = GSE900001\n!Series_ti",
        b"^PLATFORM = GPL1\n!Platform_series_id = GSE900001\n",
    ],
)
def test_a_body_that_is_not_the_whole_record_is_asked_for_again(geo, body):
    with geo(LUNG) as running:
        served, replies = running.server.sites["geo"], [Reply(body)]
        running.server.sites["geo"] = lambda path: replies.pop() if replies else served(path)
        assert running.resolve("GSE900001").columns["title"] == "Simulated lung atlas"


def test_a_server_that_is_busy_refuses_for_a_while_or_breaks_off(monkeypatch):
    text = LUNG.soft().encode()
    replies = iter([Reply(status=503), Reply(status=429, headers={"Retry-After": "0"})])
    with ArchiveServer({"geo": lambda _: next(replies, Reply(text))}) as server:
        services = Services(geo_url=server.url("geo"), requests_per_second=1000)
        with Client(services, tries=3, wait=0.001) as client:
            assert look_up("GSE900001", client)[0].accession == "GSE900001"


@pytest.mark.parametrize(
    ("accession", "message"),
    [
        ("GDS5678", r"GDS5678 is a curated DataSet .* give the series it was made from \(GSE…\)"),
        ("GPL24676", "'GPL24676' is no series"),
        ("GSE1|lung", "'LUNG' is no series"),
        ("GSE0", "'GSE0' is no series"),
        ("GSE1,GSE2", r"'GSE1,GSE2' is no series .* several with '\|' between"),
        ("GSE1&targ=all", "'GSE1&TARG=ALL' is no series"),
        ("", "column accession is empty"),
        (None, "column accession is empty"),
    ],
)
def test_accessions_that_are_none_are_refused_unasked(geo, accession, message):
    with geo() as running:
        with pytest.raises(InputError, match=f"^d1: column accession.*{message}|^d1: {message}"):
            running.resolve(accession)
        assert running.asked == []


def test_lower_case_is_accepted(geo):
    with geo(LUNG) as running:
        found = running.resolve(" gse900001 | gsm9000011")
    assert found.accession == "GSE900001|GSM9000011"
    assert list(found.samples) == ["GSM9000011"]
