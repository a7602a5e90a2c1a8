"""Buckets: a real s3 client against a small server, and fsspec's files in memory as another."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from sicmir_atlas.errors import GoneError, InputError, MissingExtraError, UnavailableError
from sicmir_atlas.sources import RemoteFile, Services, fetch
from sicmir_atlas.sources.http import Client

ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>said so</Message></Error>"
EMPTY = "<ListBucketResult><Name>b</Name><KeyCount>0</KeyCount></ListBucketResult>"


class _S3(BaseHTTPRequestHandler):
    """Objects of `server.objects` in any bucket; ``private`` wants a signature, ``pays`` a payer.

    The first `server.faults` requests for bytes are answered by 503, the first `server.cuts` are
    cut half-way.
    """

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path, _, query = self.path.partition("?")
        _, bucket, *key = path.split("/", 2)
        server, asked = self.server, self.headers.get("Range")
        server.requests.append((self.command, path, asked))
        if bucket == "private" and "Authorization" not in self.headers:
            return self.answer(403, ERROR.format("AccessDenied").encode())
        if bucket == "pays" and self.headers.get("x-amz-request-payer") != "requester":
            return self.answer(403, ERROR.format("AccessDenied").encode())
        if "list-type" in query:
            return self.answer(200, EMPTY.encode(), {"Content-Type": "application/xml"})
        body = server.objects.get(key[0] if key else "")
        if body is None:
            return self.answer(404, ERROR.format("NoSuchKey").encode())
        headers = {"ETag": f'"{hashlib.md5(body).hexdigest()}"', "Accept-Ranges": "bytes"}
        headers["Last-Modified"] = "Sat, 21 Nov 2026 10:00:00 GMT"
        if self.command == "GET" and server.faults:
            server.faults -= 1
            return self.answer(503, ERROR.format("ServiceUnavailable").encode())
        start, stop = re.fullmatch(r"bytes=(\d+)-(\d+)", asked).groups() if asked else (0, 1 << 40)
        part = body[int(start) : int(stop) + 1]
        if asked:
            last = int(start) + len(part) - 1
            headers["Content-Range"] = f"bytes {start}-{last}/{len(body)}"
        cut = self.command == "GET" and server.cuts > 0
        server.cuts -= cut
        return self.answer(206 if asked else 200, part, headers, cut=cut)

    def answer(self, status, body, headers=None, *, cut=False):
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = cut


@pytest.fixture
def s3(body, monkeypatch):
    """Server of buckets that s3fs asks; ``a.h5ad`` is in all of them."""
    pytest.importorskip("s3fs")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _S3)
    server.objects, server.requests = {"deep/a.h5ad": body}, []
    server.faults = server.cuts = 0
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    running = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    running.start()
    yield server
    server.shutdown()
    server.server_close()
    running.join()


@pytest.fixture
def keys(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulated")


@pytest.fixture
def memory(body):
    """Bucket of az that fsspec keeps in memory."""
    fsspec = pytest.importorskip("fsspec")
    from fsspec.implementations.memory import MemoryFileSystem

    class Bucket(MemoryFileSystem):
        protocol = "az"
        store: ClassVar = {}
        pseudo_dirs: ClassVar = [""]

        @classmethod
        def _strip_protocol(cls, path):
            return "/" + path.removeprefix("az://").strip("/")

        def info(self, path, **kwargs):
            if path == "/pays/a.h5ad":  # as the client of gs says it
                msg = "Bucket is requester pays. Set `requester_pays=True`."
                raise ValueError(msg)
            return super().info(path, **kwargs)

    fsspec.register_implementation("az", Bucket, clobber=True)
    Bucket().pipe_file("/box/a.h5ad", body)


def get(url, folder, **options):
    file = RemoteFile(url, "a.h5ad", sha256=options.pop("sha256", None))
    return fetch(file, folder, **{"wait": 0.001, "timeout": 5.0} | options)


def ranges(s3):
    return [asked for method, _, asked in s3.requests if method == "GET" and asked]


def test_a_public_object_is_asked_for_without_keys(s3, body, tmp_path):
    seen = []
    path = get("s3://open/deep/a.h5ad", tmp_path, progress=lambda *what: seen.append(what))
    assert path.read_bytes() == body
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5ad"]
    assert seen[-1] == ("a.h5ad", len(body), len(body))


def test_keys_are_used_where_an_object_is_not_public(s3, keys, body, tmp_path):
    assert get("s3://private/deep/a.h5ad", tmp_path).read_bytes() == body


def test_without_keys_the_error_says_what_to_set(s3, tmp_path):
    said = r"s3://private/deep/a\.h5ad: forbidden.*AWS_ACCESS_KEY_ID.*requester_pays"
    with pytest.raises(GoneError, match=said):
        get("s3://private/deep/a.h5ad", tmp_path)


def test_requester_pays(s3, keys, body, tmp_path):
    with pytest.raises(GoneError, match="requester_pays"):
        get("s3://pays/deep/a.h5ad", tmp_path)
    path = get("s3://pays/deep/a.h5ad", tmp_path, requester_pays="me")
    assert path.read_bytes() == body


def test_what_is_not_there_is_gone(s3, tmp_path):
    with pytest.raises(GoneError, match=r"s3://open/deep/b\.h5ad: no such object"):
        get("s3://open/deep/b.h5ad", tmp_path)


def test_cut_and_busy_buckets_are_tried_again_from_where_it_broke(s3, body, tmp_path, monkeypatch):
    monkeypatch.setattr("sicmir_atlas.sources.cloud._CHUNK", 100_000)
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    s3.faults, s3.cuts = 1, 1
    assert get("s3://open/deep/a.h5ad", tmp_path).read_bytes() == body
    starts = [int(re.search(r"\d+", asked)[0]) for asked in ranges(s3)]
    assert starts[:3] == [0, 0, 0]
    assert starts[3:] == sorted(set(starts[3:]))


def test_a_bucket_that_stays_away(s3, tmp_path, monkeypatch):
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    s3.faults = 100
    with pytest.raises(UnavailableError, match="unavailable after 2 tries"):
        get("s3://open/deep/a.h5ad", tmp_path, tries=2)


def test_nobody_listens(s3, tmp_path, monkeypatch):
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="EndpointConnectionError"):
        get("s3://open/deep/a.h5ad", tmp_path, tries=2)


@pytest.mark.parametrize("same", [True, False])
def test_an_unfinished_download_is_gone_on_with_if_it_is_the_same(s3, body, tmp_path, same):
    """A part whose notes carry the object's own tag, and one of an object since replaced."""
    part, half = tmp_path / "a.h5ad.part", len(body) // 2
    with pytest.raises(KeyboardInterrupt):
        get("s3://open/deep/a.h5ad", tmp_path, progress=interrupt)
    part.write_bytes(body[:half])
    if not same:
        s3.objects["deep/a.h5ad"] = body[:8] + bytes(255 - byte for byte in body[8:])
    s3.requests.clear()
    assert get("s3://open/deep/a.h5ad", tmp_path).read_bytes() == s3.objects["deep/a.h5ad"]
    assert ranges(s3)[0].startswith(f"bytes={half if same else 0}-")


def interrupt(*_):
    raise KeyboardInterrupt


def test_the_client_reads_small_objects(s3, body):
    with Client(Services(), wait=0.001) as client:
        assert client.content("s3://open/deep/a.h5ad") == body
        assert client.size("s3://open/deep/a.h5ad") == len(body)


def test_any_bucket_that_fsspec_knows(memory, body, tmp_path):
    digest = hashlib.sha256(body).hexdigest()
    assert get("az://box/a.h5ad", tmp_path / "one", sha256=digest).read_bytes() == body
    half = len(body) // 2
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "a.h5ad.part").write_bytes(body[:half])
    assert get("az://box/a.h5ad", tmp_path / "two", sha256=digest).read_bytes() == body
    with pytest.raises(GoneError, match="no such object"):
        get("az://box/b.h5ad", tmp_path)
    with pytest.raises(InputError, match="a folder: name the files in it"):
        get("az://box", tmp_path)
    with pytest.raises(GoneError, match=r"Bucket is requester pays.*set credentials, and"):
        get("az://pays/a.h5ad", tmp_path)


def test_a_part_that_is_too_long_starts_over(memory, body, tmp_path):
    (tmp_path / "a.h5ad.part").write_bytes(body + b"more")
    digest = hashlib.sha256(body).hexdigest()
    assert get("az://box/a.h5ad", tmp_path, sha256=digest).read_bytes() == body


@pytest.mark.parametrize(
    ("scheme", "package"), [("s3", "'sicmir-atlas[cloud]'"), ("gs", "'sicmir-atlas[cloud]'")]
)
def test_without_the_extra_the_error_names_it(monkeypatch, tmp_path, scheme, package):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingExtraError, match=re.escape(f"pip install {package}")):
        get(f"{scheme}://bucket/a.h5ad", tmp_path)


def test_the_command_exits_with_69(root, tmp_path):
    files = tmp_path / "files.json"
    files.write_text(json.dumps([{"url": "az://box/a.h5ad", "name": "a.h5ad"}]))
    command = [sys.executable, root / "bin/sicmir-step", "fetch", "--files", files, "-o", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 69
    assert done.stderr.strip().endswith("az://box/a.h5ad: for az addresses: pip install adlfs")
