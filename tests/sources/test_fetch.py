from __future__ import annotations

import gzip
import hashlib
import logging
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sicmir_atlas
from archives import ArchiveServer, Reply
from sicmir_atlas.errors import CorruptError, GoneError, InputError, UnavailableError
from sicmir_atlas.sources import RemoteFile, fetch
from sicmir_atlas.sources.download import download

PACKAGE = Path(sicmir_atlas.__file__).parents[1]


def remote(server, body, fault, *, promised=True, **options):
    digest = hashlib.sha256(body).hexdigest() if promised else None
    return RemoteFile(server.url(fault, "a.h5ad", **options), "a.h5ad", sha256=digest)


def quick(file, folder, **options):
    return fetch(file, folder, **{"wait": 0.001, "timeout": 5.0} | options)


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir())


def test_ok(server, body, tmp_path):
    seen = []
    path = quick(remote(server, body, "ok"), tmp_path, progress=lambda *what: seen.append(what))
    assert path.read_bytes() == body
    assert leftovers(tmp_path) == ["a.h5ad"]
    assert seen[-1] == ("a.h5ad", len(body), len(body))
    assert [r.status for r in server.requests] == [200]


@pytest.mark.parametrize("promised", [True, False])
def test_503_twice(server, body, tmp_path, promised):
    quick(remote(server, body, "flaky", promised=promised), tmp_path, wait=30)
    # Retry-After 0 was heeded: with the waits of 30 s this test would take a minute
    assert [r.status for r in server.requests] == [503, 503, 200]


def test_429_waits_until_the_date_given(server, body, tmp_path):
    before = time.monotonic()
    quick(remote(server, body, "busy"), tmp_path, wait=30)
    assert [r.status for r in server.requests] == [429, 200]
    assert time.monotonic() - before < 10


@pytest.mark.parametrize("promised", [True, False])
def test_cut_connection_is_resumed_by_range(server, body, tmp_path, promised):
    path = quick(remote(server, body, "cut", promised=promised), tmp_path)
    assert path.read_bytes() == body
    half, rest = len(body) // 2, len(body) - len(body) // 2
    assert [(r.status, r.range, r.if_range) for r in server.requests] == [
        (200, None, None),
        (206, f"bytes={half}-", '"v1"'),
        (206, f"bytes={half + rest // 2}-", '"v1"'),
    ]
    assert sum(r.sent for r in server.requests) == len(body)  # not one byte twice


def test_long_files_may_be_cut_more_often_than_there_are_tries(server, body, tmp_path, monkeypatch):
    with pytest.raises(UnavailableError, match="after 2 tries"):
        quick(remote(server, body, "crumbs"), tmp_path, tries=2)
    monkeypatch.setattr("sicmir_atlas.sources.retry._PROGRESS", len(body) // 10)
    assert quick(remote(server, body, "crumbs"), tmp_path, tries=2).read_bytes() == body
    assert sum(r.sent for r in server.requests) == len(body)


def test_range_ignored_starts_over(server, body, tmp_path):
    path = quick(remote(server, body, "norange"), tmp_path)
    assert path.read_bytes() == body
    assert [r.status for r in server.requests] == [200, 200, 200]
    assert server.requests[1].range


def test_changed_file_is_not_mixed(server, body, tmp_path):
    path = quick(remote(server, body, "changed", promised=False), tmp_path)
    assert path.read_bytes() == body[:8] + bytes(255 - byte for byte in body[8:])
    assert [(r.status, r.if_range) for r in server.requests] == [(200, None), (200, '"v1"')]


@pytest.mark.parametrize("fault", ["untagged", "weak"])
def test_without_a_strong_tag_only_a_checksum_lets_it_go_on(server, body, tmp_path, fault):
    path = quick(remote(server, body, fault, promised=False), tmp_path / "no")
    assert path.read_bytes() == body
    assert [r.range for r in server.requests] == [None] * 3
    server.requests.clear()
    server._seen.clear()
    assert quick(remote(server, body, fault), tmp_path / "yes").read_bytes() == body
    assert [r.status for r in server.requests] == [200, 206, 206]
    assert all(r.if_range is None for r in server.requests)


def test_wrong_bytes_are_refused_with_both_digests_and_never_retried(server, body, tmp_path):
    file = remote(server, body, "bad")
    found = hashlib.sha256(body[:-1] + bytes([body[-1] ^ 1])).hexdigest()
    with pytest.raises(CorruptError, match=f"{found}, expected {file.sha256}"):
        quick(file, tmp_path)
    assert len(server.requests) == 1
    assert leftovers(tmp_path) == []


def test_md5_is_proven_too(server, body, tmp_path):
    good = hashlib.md5(body).hexdigest()
    assert quick(RemoteFile(server.url("ok", "a.h5ad"), "a.h5ad", md5=good), tmp_path).is_file()
    with pytest.raises(CorruptError, match=f"md5.*{good}, expected {'0' * 32}"):
        quick(RemoteFile(server.url("ok", "a.h5ad"), "b.h5ad", md5="0" * 32), tmp_path)


def test_size_is_proven(server, body, tmp_path):
    file = RemoteFile(server.url("sizeless", "a.h5ad"), "a.h5ad", size=len(body) + 1)
    with pytest.raises(CorruptError, match=f"{len(body)} bytes, expected {len(body) + 1}"):
        quick(file, tmp_path)
    assert leftovers(tmp_path) == []


def test_gzip_is_read_to_its_end_where_nothing_else_proves_it(server, tmp_path):
    folded = gzip.compress(b"gene,c1\n" + b"A,1\n" * 50_000)
    server.files |= {"whole.csv.gz": folded, "cut.csv.gz": folded[:-9]}
    file = RemoteFile(server.url("sizeless", "cut.csv.gz"), "cut.csv.gz")
    with pytest.raises(CorruptError, match=r"cut\.csv\.gz: cut short or damaged .*fetch it again"):
        quick(file, tmp_path)
    assert leftovers(tmp_path) == []
    file = RemoteFile(server.url("sizeless", "whole.csv.gz"), "whole.csv.gz")
    with pytest.raises(CorruptError, match="unfolds into more than 100,000 bytes"):
        quick(file, tmp_path, max_unpacked=100_000)
    assert quick(file, tmp_path).read_bytes() == folded


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_4xx_is_gone_at_once(server, body, tmp_path, status):
    with pytest.raises(GoneError, match=f"HTTP {status}.*a.h5ad"):
        quick(remote(server, body, f"status{status}"), tmp_path)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 204])
def test_what_may_heal_is_tried_until_tries_are_spent(server, body, tmp_path, status):
    with pytest.raises(UnavailableError, match=f"unavailable after 3 tries.*HTTP {status}"):
        quick(remote(server, body, f"status{status}"), tmp_path, tries=3)
    assert len(server.requests) == 3


def test_nobody_listens(body, tmp_path, server):
    file = remote(server, body, "ok")
    server.close()
    with pytest.raises(UnavailableError, match="ConnectError"):
        quick(file, tmp_path, tries=2)


def test_a_silent_server_is_left_and_resumed(server, body, tmp_path):
    before = time.monotonic()
    path = quick(remote(server, body, "stall"), tmp_path, timeout=0.5)
    assert path.read_bytes() == body
    assert time.monotonic() - before < 10
    assert [r.status for r in server.requests] == [200, 206]


def test_redirects(server, body, tmp_path):
    assert quick(remote(server, body, "away"), tmp_path).read_bytes() == body
    with pytest.raises(GoneError, match="more than 10 redirects"):
        quick(remote(server, body, "loop"), tmp_path / "loop")
    with pytest.raises(InputError, match="no http or https"):
        quick(remote(server, body, "ftp"), tmp_path / "ftp")


@pytest.mark.parametrize("promised", [True, False])
def test_a_web_page_is_no_matrix(server, body, tmp_path, promised):
    with pytest.raises(CorruptError, match=r"web page \(HTML\) instead of a\.h5ad"):
        quick(remote(server, body, "html", promised=promised), tmp_path)
    assert leftovers(tmp_path) == []
    assert len(server.requests) == 1


def test_a_captcha_is_a_block_that_may_end(server, body, tmp_path):
    assert quick(remote(server, body, "captcha"), tmp_path).read_bytes() == body
    assert [r.status for r in server.requests] == [200, 200, 200]
    with pytest.raises(UnavailableError, match="after 2 tries; the last said: a captcha page"):
        quick(RemoteFile(server.url("captcha", "b.csv.gz"), "b.csv.gz"), tmp_path, tries=2)


def test_a_captcha_costs_no_byte_that_is_here(server, body, tmp_path):
    """Cut, then a captcha in the place of the rest, then the rest."""
    path = quick(remote(server, body, "cutcaptcha", promised=False), tmp_path)
    assert path.read_bytes() == body
    half = len(body) // 2
    assert [(r.status, r.range) for r in server.requests] == [
        (200, None),
        (200, f"bytes={half}-"),
        (206, f"bytes={half}-"),
    ]


def test_a_trickle_counts_as_silence(server, body, tmp_path):
    said = r"after 2 tries; the last said: stalled: \d+ bytes in \d+ s"
    with pytest.raises(UnavailableError, match=said):
        quick(remote(server, body, "trickle"), tmp_path, timeout=0.4, tries=2)
    assert server.requests[1].range  # what trickled in is not asked for again


def test_one_line_for_each_event(server, body, tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="sicmir_atlas")
    file = remote(server, body, "cut")
    quick(file, tmp_path / "one", cache=tmp_path / "cache")
    quick(file, tmp_path / "two", cache=tmp_path / "cache")
    quick(RemoteFile(str(tmp_path / "two" / "a.h5ad"), "a.h5ad"), tmp_path / "three")
    size, half = len(body), len(body) // 2
    expected = [
        f"a.h5ad: started, {size} bytes",
        rf".*/cut/a.h5ad: try 1 of 6: .*; {half} bytes kept; again in \S+ s",
        f"a.h5ad: resumed from byte {half}, {size} bytes in all",
        rf".*/cut/a.h5ad: try 2 of 6: .*; {half + half // 2} bytes kept; again in \S+ s",
        f"a.h5ad: resumed from byte {half + half // 2}, {size} bytes in all",
        rf"a.h5ad: done, {size} bytes in \S+ s, \S+ MB/s",
        "a.h5ad: from the cache",
        f"a.h5ad: from disk, {size} bytes",
    ]
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == len(expected), said
    for line, pattern in zip(said, expected, strict=True):
        assert re.fullmatch(pattern, line), (line, pattern)


@pytest.mark.parametrize("fault", ["ok", "status404", "bad", "cut", "html", "status503"])
def test_secrets_stay_out_of_messages(server, body, tmp_path, fault, caplog):
    caplog.set_level(logging.DEBUG, logger="sicmir_atlas")
    file = remote(server, body, fault, user="me:geheim", query="?token=geheim")
    said = ""
    try:
        quick(file, tmp_path, tries=2)
    except (CorruptError, GoneError, UnavailableError) as error:
        said = str(error)
    notes = "".join(p.read_text("latin-1") for p in tmp_path.glob("*.json"))
    assert "geheim" not in said + caplog.text + notes
    assert all("token=geheim" in r.path for r in server.requests)


def test_other_schemes_are_refused(tmp_path):
    with pytest.raises(InputError, match="ftp is not supported; known are http, https, file, s3"):
        quick(RemoteFile("ftp://example.org/a.h5ad", "a.h5ad"), tmp_path)


@pytest.mark.parametrize(
    "named",
    [
        "attachment; filename=../../evil",
        "attachment; filename=/etc/evil",
        "attachment; filename*=UTF-8''..%2F..%2Fevil",
        "attachment; filename=source.json",
    ],
)
def test_a_servers_own_name_for_a_file_is_not_asked(server, tmp_path, named):
    headers = {"Content-Disposition": named}
    site = {"s": lambda path: Reply(b"a,b\n1,2\n", 200, headers) if path == "a.csv" else None}
    out = tmp_path / "deep/er/out"
    with ArchiveServer(site) as archive:
        quick(RemoteFile(f"{archive.url('s')}/a.csv", "a.csv"), out)
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()] == [
        "deep/er/out/a.csv"
    ]


def test_cache_serves_without_a_request(server, body, tmp_path):
    file = remote(server, body, "ok")
    quick(file, tmp_path / "one", cache=tmp_path / "cache")
    entry = tmp_path / "cache" / "sha256" / file.sha256[:2] / file.sha256
    assert entry.read_bytes() == body
    path = quick(file, tmp_path / "two", cache=tmp_path / "cache")
    assert path.read_bytes() == body
    assert path.samefile(entry)
    assert leftovers(tmp_path / "two") == ["a.h5ad"]
    assert len(server.requests) == 1


def test_spoilt_cache_entry_is_fetched_anew(server, body, tmp_path):
    file = remote(server, body, "ok")
    path = quick(file, tmp_path / "one", cache=tmp_path / "cache")
    path.write_bytes(body[::-1])  # a hard link: this spoils the cache
    two = quick(file, tmp_path / "two", cache=tmp_path / "cache")
    assert two.read_bytes() == body
    assert len(server.requests) == 2
    three = quick(file, tmp_path / "three", cache=tmp_path / "cache")
    assert three.read_bytes() == body
    assert len(server.requests) == 2


def test_without_a_promise_nothing_is_cached(server, body, tmp_path):
    quick(remote(server, body, "ok", promised=False), tmp_path, cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_cache_on_another_device_is_copied(server, body, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    file = remote(server, body, "ok")
    quick(file, tmp_path / "one", cache=tmp_path / "cache")
    two = quick(file, tmp_path / "two", cache=tmp_path / "cache")
    assert two.read_bytes() == body
    assert len(server.requests) == 1


def test_what_is_there_and_right_is_not_asked_again(server, body, tmp_path):
    file = remote(server, body, "ok")
    quick(file, tmp_path)
    quick(file, tmp_path)
    assert len(server.requests) == 1
    (tmp_path / "a.h5ad").write_bytes(b"else")
    assert quick(file, tmp_path).read_bytes() == body


@pytest.mark.parametrize("promised", [True, False])
def test_a_killed_download_is_gone_on_with(server, body, tmp_path, promised):
    file = remote(server, body, "stall", promised=promised)
    code = (
        "from pathlib import Path; from sicmir_atlas.sources import RemoteFile, fetch\n"
        f"file = RemoteFile({file.url!r}, 'a.h5ad', sha256={file.sha256!r})\n"
        f"fetch(file, Path({str(tmp_path)!r}))"
    )
    environment = os.environ | {"PYTHONPATH": str(PACKAGE)}
    part, half = tmp_path / "a.h5ad.part", len(body) // 2
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as process:
        until = time.monotonic() + 30
        while not (part.is_file() and part.stat().st_size == half) and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "a.h5ad").exists()

    assert quick(file, tmp_path).read_bytes() == body
    last = server.requests[-1]
    assert (last.status, last.range, last.sent) == (206, f"bytes={half}-", len(body) - half)
    assert leftovers(tmp_path) == ["a.h5ad"]


def test_killed_between_the_last_byte_and_the_name(server, body, tmp_path):
    (tmp_path / "a.h5ad.part").write_bytes(body)
    assert quick(remote(server, body, "ok"), tmp_path).read_bytes() == body
    assert [r.status for r in server.requests] == [416]


def test_part_longer_than_the_file_starts_over(server, body, tmp_path):
    (tmp_path / "a.h5ad.part").write_bytes(body + b"more")
    assert quick(remote(server, body, "ok"), tmp_path).read_bytes() == body
    assert [r.status for r in server.requests] == [416, 200]


def test_part_of_unknown_origin_is_dropped_without_a_checksum(server, body, tmp_path):
    (tmp_path / "a.h5ad.part").write_bytes(b"something else")
    path = quick(remote(server, body, "ok", promised=False), tmp_path)
    assert path.read_bytes() == body
    assert server.requests[0].range is None


@pytest.mark.parametrize("as_url", [True, False])
def test_local_file(tmp_path, as_url):
    source = tmp_path / "in put" / "a.csv"
    source.parent.mkdir()
    source.write_bytes(b"abc")
    digest = hashlib.sha256(b"abc").hexdigest()
    file = RemoteFile(source.as_uri() if as_url else str(source), "a.csv", sha256=digest)
    for _ in range(2):
        path = fetch(file, tmp_path / "out")
    assert path.read_bytes() == b"abc"
    assert source.is_file()
    source.write_bytes(b"abd")
    with pytest.raises(CorruptError, match=rf"^column url: sha256 of a\.csv .*expected {digest}"):
        fetch(file, tmp_path / "out2")
    source.unlink()
    with pytest.raises(GoneError, match=r"a\.csv: no such file"):
        fetch(file, tmp_path / "out3")


def test_says_who_asks(server, body, tmp_path):
    download(remote(server, body, "ok"), tmp_path / "a.part", email="lab@example.org")
    assert server.requests[0].agent.endswith(" (lab@example.org)")


def test_local_folder(tmp_path):
    source = tmp_path / "triplet"
    source.mkdir()
    for name in ("matrix.mtx", ".hidden"):
        (source / name).write_bytes(b"x")
    path = fetch(RemoteFile(f"{source}/", "triplet"), tmp_path / "out")
    assert leftovers(path) == ["matrix.mtx"]
    with pytest.raises(InputError, match="folder and has no checksum"):
        fetch(RemoteFile(str(source), "triplet", sha256="0" * 64), tmp_path / "out2")
