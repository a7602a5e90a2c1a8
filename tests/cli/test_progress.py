"""What a person sees while files come: on a terminal, and in a task's log."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from servers import FaultyServer

BODY = b"\x89HDF\r\n\x1a\n" + bytes(2 << 20)


@pytest.fixture
def fetching(root, tmp_path, monkeypatch):
    """Words of a fetch whose first two connections are cut."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with FaultyServer({"a.h5ad": BODY}) as server:
        files = tmp_path / "files.json"
        files.write_text(json.dumps([{"url": server.url("cut", "a.h5ad"), "name": "a.h5ad"}]))
        yield [sys.executable, root / "bin/sicmir-step", "fetch", "--files", files, "-o", "out"]


def on_a_terminal(command, folder):
    """Text that a terminal of 120 columns gets on standard error."""
    mine, theirs = os.openpty()
    environment = os.environ | {"COLUMNS": "120", "TERM": "xterm"}
    with subprocess.Popen(command, cwd=folder, stderr=theirs, env=environment) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                said += os.read(mine, 65536)
            except OSError:  # how a terminal ends
                break
    os.close(mine)
    assert process.returncode == 0, said
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode())


def test_a_person_sees_bytes_rate_and_time_left(fetching, tmp_path):
    said = on_a_terminal(fetching, tmp_path)
    last = [line for line in re.split(r"[\r\n]+", said) if line.startswith("a.h5ad")][-1]
    assert re.search(r"2\.1/2\.1 MB \S+ \S+/s 0:00:00", last), last
    assert said.count("; again in ") == 2
    assert "started" not in said  # the bar shows it


def test_a_log_has_one_line_for_each_event(fetching, tmp_path):
    done = subprocess.run(fetching, cwd=tmp_path, capture_output=True, text=True, check=True)
    events = ("started", "again in", "resumed", "again in", "resumed", "done")
    lines = done.stderr.splitlines()
    assert len(lines) == len(events), lines
    for line, event in zip(lines, events, strict=True):
        assert event in line
    assert done.stdout == ""
