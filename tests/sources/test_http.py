from __future__ import annotations

import gzip
import json
import threading

import httpx
import pytest

from archives import ArchiveServer, Reply
from sicmir_atlas import __version__
from sicmir_atlas.errors import CorruptError, GoneError, InputError, UnavailableError
from sicmir_atlas.sources.http import Client
from sicmir_atlas.sources.replies import refuse_errors
from sicmir_atlas.sources.retry import retry_after
from sicmir_atlas.sources.services import Services

TEXT = "^SERIES = GSE900001\n!Series_title = µ-simulated\n" * 400
FOLDED = gzip.compress(TEXT.encode(), mtime=0)
CAPTCHA = b"\n<html><script src='https://www.google.com/reCAPTCHA/api.js'></script></html>"
PROBLEM = {"detail": "a private\n dataset", "title": "Forbidden", "type": "about:blank"}


def site(path):
    """Simulated service."""
    bodies = {
        "a.txt": Reply(TEXT.encode()),
        "a.txt?x=1&y=2": Reply(b"asked"),
        "bom.json": Reply(b"\xef\xbb\xbf[1]"),
        "family.soft.gz": Reply(FOLDED),
        "short.gz": Reply(FOLDED[:60]),
        "latin.txt": Reply("Müller".encode("latin-1")),
        "page": Reply(b" <!DOCTYPE html><html>is currently private</html>"),
        "captcha": Reply(CAPTCHA),
        "half.json": Reply(b'{"a": [1,'),
        "deep.json": Reply(b"[" * 100_000),
        "deep": Reply(b"[" * 50_000, 404, {"Content-Type": PROBLEM_TYPE}),
        "coded.json": Reply(gzip.compress(b'{"a": 1}'), 200, {"Content-Encoding": "gzip"}),
        "problem?token=1": Reply(json.dumps(PROBLEM).encode(), 403, {"Content-Type": PROBLEM_TYPE}),
        "bare": Reply(b"[]", 400, {"Content-Type": PROBLEM_TYPE}),
        "busy": Reply(b"", 503, {"Retry-After": "0"}),
        "loop": Reply(b"", 302, {"Location": "loop"}),
        "ftp": Reply(b"", 302, {"Location": "ftp://127.0.0.1/a"}),
        "nohead": Reply(b"", 405),
    }
    return bodies.get(path)


PROBLEM_TYPE = "application/problem+json"


@pytest.fixture
def archive(server):
    """Server of the site; `server` takes proxies out of the environment."""
    with ArchiveServer({"s": site}) as running:
        yield running


@pytest.fixture
def client():
    with Client(Services(requests_per_second=1000), wait=0.001, timeout=5) as asking:
        yield asking


def test_text_and_json(archive, client):
    base = archive.url("s")
    assert client.services.requests_per_second == 1000
    assert client.text(f"{base}/a.txt") == TEXT
    assert client.text(f"{base}/a.txt?x=1&y=2") == "asked"
    assert client.text(f"{base}/family.soft.gz") == TEXT
    assert client.text(f"{base}/latin.txt") == "M�ller"
    assert client.json(f"{base}/bom.json") == [1]
    assert client.json(f"{base}/coded.json") == {"a": 1}
    assert client.content(f"{base}/family.soft.gz") == FOLDED


def test_size_asks_for_no_body(archive, client):
    assert client.size(f"{archive.url('s')}/a.txt") == len(TEXT.encode())
    assert client.size(f"{archive.url('s')}/nohead") is None
    assert [r.method for r in archive.requests] == ["HEAD", "HEAD"]
    with pytest.raises(GoneError, match="HTTP 404"):
        client.size(f"{archive.url('s')}/gone")


def test_size_is_unknown_where_the_server_does_not_say(server, client):
    assert client.size(server.url("sizeless", "a.h5ad")) is None


def test_pages_are_left_to_those_who_read_text(archive, client):
    assert "currently private" in client.text(f"{archive.url('s')}/page")
    assert "reCAPTCHA" in client.text(f"{archive.url('s')}/captcha")
    with pytest.raises(CorruptError, match=r"/s/page: a web page \(HTML\) in place of JSON"):
        client.json(f"{archive.url('s')}/page")
    assert len(archive.requests) == 3


def test_a_captcha_in_place_of_json_is_a_block_that_may_end(archive, client):
    with pytest.raises(UnavailableError, match="after 6 tries; the last said: a captcha"):
        client.json(f"{archive.url('s')}/captcha")
    assert len(archive.requests) == 6


def test_what_does_not_parse_is_corrupt(archive, client):
    with pytest.raises(CorruptError, match=r"/s/half\.json: no JSON: Expecting value"):
        client.json(f"{archive.url('s')}/half.json")
    with pytest.raises(CorruptError, match=r"/s/deep\.json: no JSON: maximum recursion depth"):
        client.json(f"{archive.url('s')}/deep.json")
    with pytest.raises(CorruptError, match=r"/s/short\.gz: broken gzip"):
        client.text(f"{archive.url('s')}/short.gz")


def test_a_no_is_final_and_gives_the_services_own_reason(archive, client):
    with pytest.raises(GoneError, match=r"/s/problem\?\*\*\*: HTTP 403 .*: a private dataset$"):
        client.json(f"{archive.url('s')}/problem?token=1")
    with pytest.raises(GoneError, match=r"HTTP 400 .*; check the address"):
        client.json(f"{archive.url('s')}/bare")
    with pytest.raises(GoneError, match=r"HTTP 404 .*; check the address"):
        client.json(f"{archive.url('s')}/deep")
    with pytest.raises(GoneError, match="HTTP 404"):
        client.text(f"{archive.url('s')}/gone")
    assert len(archive.requests) == 4


def test_what_may_heal_is_tried_again(archive, client):
    with pytest.raises(UnavailableError, match="after 6 tries; the last said: HTTP 503"):
        client.text(f"{archive.url('s')}/busy")
    assert len(archive.requests) == 6


@pytest.mark.parametrize("fault", ["503", "429", "cut", "reset", "html"])
def test_faults_of_every_second_request_are_outlived(server, client, fault):
    with ArchiveServer({"s": site}, fault_every=2, faults=(fault,)) as archive:
        for _ in range(4):
            assert client.content(f"{archive.url('s')}/a.txt") == TEXT.encode()
        assert len(archive.requests) == 7


def test_no_address_of_the_web(archive, client):
    with pytest.raises(GoneError, match="leads in circles"):
        client.text(f"{archive.url('s')}/loop")
    for url in (f"{archive.url('s')}/ftp", "ftp://example.org/a", "a.txt"):
        with pytest.raises(InputError, match="no http or https address"):
            client.text(url)


def test_a_trickle_counts_as_silence(server, body):
    with (
        Client(Services(requests_per_second=1000), tries=2, wait=0.001, timeout=0.3) as client,
        pytest.raises(UnavailableError, match=r"the last said: stalled: \d+ bytes in"),
    ):
        client.content(server.url("trickle", "a.h5ad"))


def test_a_body_too_long_is_refused(archive, client, monkeypatch):
    monkeypatch.setattr("sicmir_atlas.sources.http._LONGEST", 1_000_000)
    archive.sites["s"] = lambda _: Reply(bytes(1_000_001))
    with pytest.raises(InputError, match="longer than 1 MB"):
        client.text(f"{archive.url('s')}/a")
    archive.sites["s"] = lambda _: Reply(gzip.compress(bytes(1_000_001)))
    with pytest.raises(InputError, match="longer than 1 MB"):
        client.text(f"{archive.url('s')}/a")


def test_says_who_asks(server):
    with Client(Services(email="me@example.org")) as client:
        client.content(server.url("ok", "a.h5ad"))
    assert server.requests[0].agent == f"sicmir-atlas/{__version__} (me@example.org)"


def test_threads_share_one_pace_for_each_host(archive, monkeypatch):
    """The moments handed out are 1/20 s apart, whoever asks; another host has its own."""
    slept = []
    monkeypatch.setattr("sicmir_atlas.sources.http.time.sleep", slept.append)
    monkeypatch.setattr("sicmir_atlas.sources.http.time.monotonic", lambda: 100.0)
    with Client(Services(requests_per_second=20)) as client:
        asking = [
            threading.Thread(target=client.text, args=(f"{archive.url('s')}/a.txt",))
            for _ in range(5)
        ]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
        client.text(f"http://localhost:{archive.port}/s/a.txt")
    assert sorted(slept) == pytest.approx([0.0, 0.0, 0.05, 0.1, 0.15, 0.2])


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("3", None, 3),
        ("86400", None, 300),
        ("Sat, 21 Nov 2026 10:00:30 GMT", "Sat, 21 Nov 2026 10:00:00 GMT", 30),
        ("Sat, 21 Nov 2026 10:00:00 GMT", "Sat, 21 Nov 2026 10:00:30 GMT", 0),
        ("Sat, 21 Nov 2028 10:00:00 GMT", "Sat, 21 Nov 2026 10:00:00 GMT", 300),
        ("soon", None, None),
        ("-1", None, None),
        (None, None, None),
    ],
)
def test_retry_after(value, date, seconds):
    assert retry_after(value, date) == seconds


def test_a_reason_that_is_cut_is_asked_for_again():
    reply = Reply(json.dumps(PROBLEM).encode(), 410, {"Content-Type": PROBLEM_TYPE})
    with (
        ArchiveServer({"s": lambda _: reply}, fault_every=2, faults=("cut",), seen=1) as server,
        Client(Services(requests_per_second=1000), wait=0.01) as client,
        pytest.raises(GoneError, match=r"HTTP 410 .*: a private dataset$"),
    ):
        client.json(server.url("s") + "/x")
    assert [request.fault for request in server.requests] == ["cut", None]


def test_a_reason_that_repeats_a_secret_is_told_without():
    detail = "no /a?token=0123456789abcdef for me, hush hush"
    body = json.dumps({"detail": detail}).encode()
    address = "http://someone:hush%20hush@x.org/a?token=0123456789abcdef&acc=GSE1"
    asked, headers = httpx.Request("GET", address), {"Content-Type": PROBLEM_TYPE}
    response = httpx.Response(403, headers=headers, content=body, request=asked)
    with pytest.raises(GoneError) as refused:
        refuse_errors(response, "x.org/a")
    assert "0123456789abcdef" not in str(refused.value)
    assert "hush" not in str(refused.value)
