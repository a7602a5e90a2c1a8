"""Addresses with passwords and tokens: what a run writes shows none of them."""

from __future__ import annotations

import json
import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pyarrow.parquet as pq
import pytest

from sicmir_atlas.check import InvalidInputError, check_parameters

PASSWORD, TOKEN = "hush-hush-password", "X-Signature-0123456789abcdef"
ASKED = []
SECRETS = (PASSWORD.encode(), TOKEN.encode())
SCHEMA = json.loads((Path(__file__).parents[2] / "nextflow_schema.json").read_text())


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder to who knows the secrets; a refusal repeats what was asked."""

    def do_GET(self):
        ASKED.append((self.path, self.headers.get("Authorization")))
        if "refused" not in self.path:
            return super().do_GET()
        body = json.dumps({"detail": f"no {self.path} for {PASSWORD}"}).encode()
        self.send_response(403)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def served(own, tmp_path):
    own("small", 1)
    handler = partial(Handler, directory=tmp_path / "data")
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://me:{PASSWORD}@127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def with_secrets(folder):
    """Files that hold a secret; links count for what they lead to."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and any(secret in path.read_bytes() for secret in SECRETS)
    }


def test_a_whole_run_shows_no_secret(nextflow, sheet, own, small, served):
    row = own("small", 1) | {"source": "url"}
    samplesheet = sheet(
        row | {"dataset_id": "good", "url": f"{served}/small.h5ad?token={TOKEN}"},
        row | {"dataset_id": "refused", "url": f"{served}/refused.h5ad?token={TOKEN}"},
        row | {"dataset_id": "gone", "url": f"{served}/gone.h5ad?token={TOKEN}"},
    )
    options = ("--input", samplesheet, "--outdir", "out", *small, "-resume")
    run = nextflow.run(*options)
    assert "Datasets: 1 included, 0 excluded, 2 failed" in run.output
    assert any(TOKEN in path for path, _ in ASKED), "the server has to be told"
    assert not any(secret.decode() in run.output for secret in SECRETS)

    found = with_secrets(nextflow.folder)
    tasks = {re.sub(r"^work/../[0-9a-f]{30}/", "TASK/", path) for path in found}
    plain = {re.sub(r"/[0-9a-f]{64}\.json$", "/*.json", path) for path in tasks}
    assert plain == {
        "TASK/datasets.csv",  # CHECK's, a link to the samplesheet
        "TASK/checked.json",  # its rows, also as CONSOLIDATE sees them
        "work/private/*.json",
        "TASK/dataset.json",  # links to those, RESOLVE's and FETCH's
        "TASK/files.json",
        *(f"TASK/resolved/{name}/files.json" for name in ("good", "refused", "gone")),
    }
    private = nextflow.folder / "work/private"
    assert {path.stat().st_mode & 0o777 for path in private.iterdir()} == {0o600}
    table = pq.read_table(nextflow.folder / "out/atlas/datasets.parquet").to_pylist()
    url = next(row["source_url"] for row in table if row["dataset_id"] == "good")
    assert re.fullmatch(r"http://\*\*\*@127\.0\.0\.1:\d+/small\.h5ad\?\*\*\*", url)

    again = nextflow.run(*options)
    assert not {name for name in again.not_cached() if "(good)" in name}


SERVICES = [n for g in SCHEMA["$defs"].values() for n in g["properties"] if n.endswith("_url")]


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_named_with_a_secret(name):
    for address in ("https://me:secret@example.org/x", "https://example.org/x?token=1"):
        with pytest.raises(InvalidInputError, match=f"--{name}: ") as refused:
            check_parameters({name: address}, schema=SCHEMA)
        assert "secret" not in str(refused.value)
