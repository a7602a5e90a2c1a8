"""`sicmir-atlas sql` and `summary` of an address, with bars for who watches."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from atlas_server import AtlasServer

QUERY = 'SELECT cell_type, avg("hsa-miR-21-5p") AS m FROM cell_mirna GROUP BY ALL ORDER BY ALL'


@pytest.fixture
def run(root, tmp_path, monkeypatch):
    """Run the command with a cache of its own."""
    monkeypatch.setenv("SICMIR_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    def run(*arguments, **options):
        command = [sys.executable, str(root / "bin/sicmir-step"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, **options)

    return run


@pytest.mark.parametrize(
    "arguments", [("sql", QUERY), ("sql", QUERY, "--format", "csv"), ("summary",)]
)
def test_an_address_is_as_good_as_a_folder(run, demo_atlas, arguments):
    command, *rest = arguments
    with AtlasServer(demo_atlas) as server:
        there = run(command, server.address, *rest)
    assert there.returncode == 0, there.stderr
    assert there.stdout == run(command, demo_atlas, *rest).stdout


def test_what_is_wrong_is_one_line(run, demo_atlas):
    with AtlasServer(demo_atlas) as server:
        done = run("sql", f"{server.address}/nowhere", QUERY)
        assert done.returncode == 66
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"sicmir-atlas: error: {server.address}/nowhere/: no atlas here")
        done = run("sql", server.address, "FROM nowhere")
        assert done.returncode == 64
        assert done.stdout == ""


@pytest.mark.parametrize("large", [True, False])
def test_bars_for_large_downloads_alone(demo_atlas, run, tmp_path, root, large):
    """A person watches: standard error is a terminal, standard output a file."""
    mine, theirs = os.openpty()
    command = [sys.executable, root / "bin/sicmir-step"]
    answer = tmp_path / "answer.txt"
    with AtlasServer(demo_atlas, ranges=False) as server, answer.open("w") as out:
        if large:
            body = (demo_atlas / "atlas.duckdb").read_bytes()
            server.replies["atlas.duckdb"] = body + bytes(12_000_000 - len(body))
        environment = os.environ | {"COLUMNS": "120", "TERM": "xterm"}
        command += ["sql", server.address, "SELECT 1 AS one"]
        with subprocess.Popen(command, stdout=out, stderr=theirs, env=environment) as process:
            os.close(theirs)
            said = b""
            while True:
                try:
                    said += os.read(mine, 65536)
                except OSError:  # how a terminal ends
                    break
    os.close(mine)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode())
    assert process.returncode == 0, text
    assert bool(re.search(r"atlas\.duckdb .*12\.0/12\.0 MB", text)) == large
    assert large or not text.strip()
    assert answer.read_text().split() == ["one", "───", "1"]
