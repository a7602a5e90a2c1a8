"""What goes wrong between an atlas and its server is said in one line; the rest stays shut."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess

import pandas as pd
import pytest

import sicmir_atlas as sa
from atlas_server import AtlasServer
from sicmir_atlas.atlas.query import QueryError
from sicmir_atlas.errors import CorruptError, GoneError, InputError, UnavailableError


@pytest.fixture
def server(atlas):
    with AtlasServer(atlas) as server:
        yield server


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def test_replies_that_are_cut_are_asked_for_again(server, cache, atlas):
    for path in [p for p in atlas.rglob("*") if p.is_file()]:
        server.cut[path.relative_to(atlas).as_posix()] = 1
    with sa.open_atlas(server.address, cache=cache) as there, sa.open_atlas(atlas) as here:
        query = "FROM cell_mirna ORDER BY ALL"
        pd.testing.assert_frame_equal(there.sql(query), here.sql(query))


def test_a_server_that_goes_away(server, cache):
    with sa.open_atlas(server.address, cache=cache, tries=2) as atlas:
        assert len(atlas.sql("FROM cells WHERE dataset_id = 'labelled'")) == 21
        server.close()
        with pytest.raises(UnavailableError, match=r"unavailable after 2 tries.*later") as refused:
            atlas.sql("FROM cells")
        assert "\n" not in str(refused.value)
        assert len(atlas.sql("FROM cells WHERE dataset_id = 'labelled'")) == 21
        with pytest.raises(QueryError, match="nowhere"):
            atlas.sql("FROM nowhere")


def test_a_server_that_is_not_there(cache):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/atlas"
        with pytest.raises(UnavailableError, match=f"{address}/manifest.json: unavailable"):
            sa.open_atlas(address, cache=cache, tries=1)


@pytest.mark.parametrize("change", [b"PAR1 and more", "other bytes"], ids=["size", "bytes"])
@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_that_changed_on_the_server(server, cache, atlas, ranges, change):
    server.ranges = ranges
    path = next((atlas / "cell_mirna").glob("labelled-*"))
    name, body = path.relative_to(atlas).as_posix(), path.read_bytes()
    with sa.open_atlas(server.address, cache=cache) as opened:
        if ranges:
            opened.sql("SELECT \"hsa-miR-21-5p\" FROM cell_mirna WHERE dataset_id = 'labelled'")
        server.replies[name] = change if isinstance(change, bytes) else body[:-9] + b"x" + body[-8:]
        with pytest.raises(CorruptError, match=r"published anew: open the atlas again") as refused:
            opened.sql("FROM cell_mirna")
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("replies", "error", "said"),
    [
        ({"manifest.json": 404}, GoneError, r"no atlas here \(manifest\.json: HTTP 404\); check"),
        ({"manifest.json": b"<!DOCTYPE html><p>hi"}, GoneError, r"no atlas here: .*web page"),
        ({"manifest.json": b"<html>recaptcha"}, UnavailableError, "captcha"),
        ({"manifest.json": b"{"}, CorruptError, r"manifest\.json cannot be read"),
        ({"manifest.json": b'{"schema_version": "9.0.0"}'}, InputError, r"schema 9\.0\.0"),
        ({"manifest.json": b'{"schema_version": "1.0.0"}'}, CorruptError, "cannot be opened"),
        ({"manifest.json": 403}, GoneError, "HTTP 403 Forbidden: the server refuses"),
        ({"manifest.json": 500}, UnavailableError, r"HTTP 500; run it again later"),
        ({"atlas.duckdb": 404}, GoneError, r"atlas\.duckdb: HTTP 404"),
        ({"atlas.duckdb": b"<html><p>sign in</html>"}, GoneError, "web page"),
        ({"atlas.duckdb": b"x" * 5000}, CorruptError, "cannot be opened"),
    ],
)
def test_there_is_no_atlas(server, cache, replies, error, said):
    server.replies.update(replies)
    with pytest.raises(error, match=said) as refused:
        sa.open_atlas(server.address, cache=cache, tries=1)
    assert "127.0.0.1" in str(refused.value)
    assert not list(cache.glob("atlases/*/*"))


def test_a_page_in_place_of_a_large_file(server, cache, atlas):
    name = next((atlas / "cells").glob("labelled-*")).relative_to(atlas).as_posix()
    server.replies[name] = b"<html><p>sign in</html>"
    server.ranges = False
    with (
        sa.open_atlas(server.address, cache=cache) as opened,
        pytest.raises(CorruptError, match="a web page in place of the file"),
    ):
        opened.sql("FROM cells")


def test_an_address_that_is_none(cache):
    for address in ("s3://bucket/atlas", "ftp://127.0.0.1/atlas"):
        with pytest.raises(InputError, match="over http or https, or in a folder"):
            sa.open_atlas(address, cache=cache)


def test_no_such_host(cache, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(GoneError, match=r"no such host \(Name or service not known\); check the"):
        sa.open_atlas("https://atlas.invalid/atlas", cache=cache)


def test_http_where_https_was_asked_for(server, cache):
    with pytest.raises(GoneError, match=r"no TLS there .* check whether it is http or https"):
        sa.open_atlas(server.address.replace("http:", "https:"), cache=cache)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_a_certificate_of_nobody(atlas, cache, tmp_path, monkeypatch):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    server = AtlasServer(atlas)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
    address = server.address.replace("http:", "https:")
    with server:
        with pytest.raises(GoneError, match=r"certificate is not trusted .*SSL_CERT_FILE"):
            sa.open_atlas(address, cache=cache)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with sa.open_atlas(address, cache=cache) as opened:
            assert len(opened.sql("FROM cells")) == 42


# what stays shut


@pytest.mark.parametrize(
    "source",
    [
        "'{address}/datasets.parquet'",
        "read_parquet('{address}/{own}')",
        "read_text('{address}/manifest.json')",
        "'atlas://secret.parquet'",
        "'atlas://cells/secret.parquet'",
        "read_text('atlas://manifest.json')",
        "read_parquet('atlas://cells/*')",
        "read_parquet('atlas://cells/**/*.parquet')",
        "read_parquet('atlas://cells/dataset_id=labelled/../dataset_id=labelled/{file}')",
        "glob('atlas://**')",
        "read_text('{cached}/manifest.json')",
        "glob('{cached}/*')",
        "'{other}'",
        "read_blob('file://{cached}/manifest.json')",
    ],
)
def test_only_the_files_of_the_atlas_can_be_read(server, cache, atlas, source, tmp_path):
    own = next((atlas / "cells").glob("labelled-*"))
    with sa.open_atlas(server.address, cache=cache) as opened:
        (cached,) = cache.glob("atlases/*/*")
        server.counted()
        text = source.format(
            address=server.address,
            own=own.relative_to(atlas),
            file=own.name,
            cached=cached,
            other=shutil.copy(cached / "atlas.duckdb", tmp_path / "other.duckdb"),
        )
        with pytest.raises(QueryError, match="disabled by configuration"):
            opened.sql(f"FROM {text}")
        assert server.counted() == 0


def test_the_file_system_itself_refuses(server, cache, atlas):
    own = next((atlas / "cells").glob("labelled-*"))
    name = f"cells/dataset_id=labelled/{own.name}"
    with sa.open_atlas(server.address, cache=cache) as opened:
        files = opened._home._filesystem
        assert files.cat_file(f"atlas://{name}") == own.read_bytes()
        assert files.cat_file(name, 4, 20) == own.read_bytes()[4:20]
        assert files.cat_file(name, -4) == b"PAR1"
        with files.open(name) as body:
            body.seek(100)
            assert body.read(50) == own.read_bytes()[100:150]
        server.counted()
        for other in ("cells/other.parquet", own.relative_to(atlas).as_posix(), "/etc/passwd", ""):
            assert files.glob(other) == []
            assert not files.exists(other)
            for refused in (files.info, files.open, files.cat_file, files.modified, files.ls):
                with pytest.raises(PermissionError, match="no file of this atlas"):
                    refused(other)
        for mode in ("wb", "ab", "r+b", "xb"):
            with pytest.raises(PermissionError, match="cannot be written"):
                files.open(name, mode)
        assert server.counted() == 0


def test_secrets_of_an_address_are_sent_and_not_shown(server, cache, caplog):
    caplog.set_level("DEBUG", "sicmir_atlas")
    address = server.address.replace("http://", "http://me:hush@") + "?token=hush"
    with sa.open_atlas(address, cache=cache, tries=1) as atlas:
        assert len(atlas.sql("FROM cells")) == 42
        assert {(r.query, bool(r.authorization)) for r in server.requests} == {("token=hush", True)}
        server.close()
        with pytest.raises(UnavailableError) as refused:
            atlas.sql("FROM cell_mirna")
        shown = [repr(atlas), str(refused.value), caplog.text, *map(str, cache.rglob("*"))]
    assert not [text for text in shown if "hush" in text]
    kept = b"".join(path.read_bytes() for path in cache.rglob("*") if path.is_file())
    assert b"hush" not in kept
