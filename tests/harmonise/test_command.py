"""`sicmir-atlas harmonise`, run as a person does: on a terminal, with answers typed."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import select
import signal
import subprocess
import sys

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

_PATIENCE = 120
HEADER = ["field", "scope", "label", "term_id", "curator", "curated_on", "source"]


def write_cells(path, **labels):
    names = np.repeat([name.replace("_", " ") for name in labels], list(labels.values()))
    ad.AnnData(
        sparse.csr_matrix(np.ones((len(names), 3), np.float32)),
        obs=pd.DataFrame({"kind": names}, index=[f"c{i}" for i in range(len(names))]),
        var=pd.DataFrame(index=["ACTB", "GAPDH", "CD3E"]),
    ).write_h5ad(path)


@pytest.fixture
def sheet(tmp_path):
    """Two simulated studies of the pancreas and one of blood, and one that is elsewhere."""
    write_cells(tmp_path / "islets.h5ad", blorb=60, T_cell=30, zurkel_fibroblast=10)
    write_cells(tmp_path / "acini.h5ad", blorb=25, quibbix=15)
    write_cells(tmp_path / "blood.h5ad", blorb=5, monocyte=15)
    path = tmp_path / "datasets.csv"
    path.write_text(
        "dataset_id,source,accession,url,organism,tissue,disease,cell_type\n"
        "islets,file,,islets.h5ad,Homo sapiens,islet of Langerhans,normal,obs:kind\n"
        "acini,file,,acini.h5ad,Homo sapiens,pancreas,normal,obs:kind\n"
        "blood,file,,blood.h5ad,Homo sapiens,blood,normal,obs:kind\n"
        "far,geo,GSE1,,Homo sapiens,lung,normal,obs:kind\n"
        "lost,file,,lost.h5ad,Homo sapiens,lung,normal,obs:kind\n"
    )
    return path


@pytest.fixture
def command(root):
    return [sys.executable, str(root / "bin" / "sicmir-step"), "harmonise"]


def _interruptible():
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where tests run in the background


class Terminal:
    """A terminal in which the command runs."""

    def __init__(self, command):
        self._mine, theirs = os.openpty()
        environment = os.environ | {"COLUMNS": "120", "TERM": "dumb"}
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            preexec_fn=_interruptible,  # noqa: PLW1509  no threads here
        )
        os.close(theirs)
        self.said = ""

    def until(self, words):
        """Read until the command has said so; what it said since the last answer."""
        new = ""
        while words is None or words not in new:
            ready, _, _ = select.select([self._mine], [], [], _PATIENCE)
            assert ready, f"silent for {_PATIENCE} s, not saying {words!r}: {self.said}{new}"
            try:
                new += os.read(self._mine, 65536).decode()
            except OSError:  # how a terminal ends
                break
        self.said += new
        assert words is None or words in new, self.said
        return new

    def answer(self, text):
        os.write(self._mine, text.encode() if text == "\x04" else f"{text}\n".encode())

    def interrupt(self):
        """Press Ctrl-C, again where it came just before the command began to listen."""
        for _ in range(10):
            os.kill(self.process.pid, signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                continue
            return

    def rest(self):
        """Read to the end; all that the command said."""
        self.until(None)
        assert self.process.wait(_PATIENCE) == 0, self.said
        os.close(self._mine)
        return self.said


@pytest.fixture
def terminal(command, sheet):
    opened = []

    def start(*options):
        opened.append(Terminal([*command, str(sheet), *options]))
        return opened[-1]

    yield start
    for one in opened:
        one.process.kill()
        one.process.wait()


def listed(command, sheet, *options):
    done = subprocess.run(
        [*command, sheet, "--format", "csv", *options], capture_output=True, text=True, check=True
    )
    return pd.read_csv(io.StringIO(done.stdout)), done.stderr


def written(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_labels_that_no_rule_maps_are_listed_by_number_of_cells(command, sheet):
    table, said = listed(command, sheet)
    got = table[["dataset_id", "organ", "label", "n_cells", "share"]].to_numpy().tolist()
    assert got == [
        ["islets", "pancreas", "blorb", 60, 0.6],
        ["acini", "pancreas", "blorb", 25, 0.625],
        ["acini", "pancreas", "quibbix", 15, 0.375],
        ["islets", "pancreas", "zurkel fibroblast", 10, 0.1],
        ["blood", "blood", "blorb", 5, 0.25],
    ]
    assert table["candidates"][3].startswith("fibroblast (CL:0000057); ")
    assert "far: not looked at: give --atlas, or run it first" in said
    assert "lost: not looked at: " in said
    assert "5 labels of 3 datasets map to no term: 115 cells" in said


def test_without_a_terminal_the_list_is_printed_and_nothing_asked(command, sheet):
    done = subprocess.run(
        [*command, sheet], input="1\nq\n", capture_output=True, text=True, check=True
    )
    assert [line.split()[:4] for line in done.stdout.splitlines()[2:4]] == [
        ["islets", "pancreas", "blorb", "60"],
        ["acini", "pancreas", "blorb", "25"],
    ]
    assert not (sheet.parent / "overrides.tsv").exists()


def test_labels_of_few_cells_may_be_left_out(command, sheet):
    table, _ = listed(command, sheet, "--min-cells", "15")
    assert list(table["n_cells"]) == [60, 25, 15]


def test_every_answer_does_what_is_said(terminal, sheet):
    person = terminal("--curator", "A. Curator")
    assert "blorb   60 cells, 60.0% of islets (pancreas)" in person.until("in islets: ")
    person.answer("99")
    assert "99 is none of the numbers above" in person.until("in islets: ")
    person.answer("CL:9999999")
    assert "CL:9999999 is no term of CL" in person.until("in islets: ")
    person.answer("CL:0000402")
    assert "CL:0000402 is deprecated: take CL:0000099" in person.until("in islets: ")
    person.answer("pancreatic alpha cell")
    assert "  1  pancreatic A cell " in person.until("in islets: ")
    person.answer("o")
    person.until("in pancreas: ")
    person.answer("1")
    assert "blorb is pancreatic A cell (CL:0000171) in pancreas" in person.until("in acini: ")
    person.answer("s")
    person.until("in islets: ")
    person.answer("cl:0000057")
    person.until("in blood: ")
    person.answer("q")
    assert "2 decisions added" in person.rest()
    today = dt.datetime.now().astimezone().date()
    days = {(today - dt.timedelta(days=1)).isoformat(), today.isoformat()}
    first, second = written(sheet.parent / "overrides.tsv")
    assert list(first) == HEADER
    assert (first["scope"], first["label"], first["term_id"]) == ("pancreas", "blorb", "CL:0000171")
    assert second["scope"] == "dataset:islets"
    assert (second["label"], second["term_id"]) == ("zurkel fibroblast", "CL:0000057")
    assert {first["field"], second["field"]} == {"cell_type"}
    assert {first["curator"], second["curator"]} == {"A. Curator"}
    assert {first["curated_on"], second["curated_on"]} <= days


def test_what_was_decided_is_not_asked_again(command, terminal, sheet):
    person = terminal("--curator", "A")
    person.until("in islets: ")
    person.answer("CL:0000171")
    person.until("in acini: ")  # another dataset may mean other cells by it
    person.answer("q")
    person.rest()
    table, _ = listed(command, sheet)
    assert list(table["dataset_id"][table["label"] == "blorb"]) == ["acini", "blood"]


def test_the_curator_is_asked_once(terminal, sheet):
    person = terminal()
    person.until("in islets: ")
    person.answer("CL:0000171")
    person.until("your name")
    person.answer("")
    person.until("your name")
    person.answer("B. Curator")
    person.until("in acini: ")
    person.answer("CL:0000169")
    person.until("in acini: ")
    person.answer("q")
    person.rest()
    assert [row["curator"] for row in written(sheet.parent / "overrides.tsv")] == ["B. Curator"] * 2


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_crash_keeps_what_was_decided(command, terminal, sheet, how):
    person = terminal("--curator", "A")
    person.until("in islets: ")
    person.answer("CL:0000171")
    person.until("in acini: ")
    os.kill(person.process.pid, how)
    assert person.process.wait() == -how
    assert [row["label"] for row in written(sheet.parent / "overrides.tsv")] == ["blorb"]
    assert sorted(path.name for path in sheet.parent.iterdir() if "overrides" in path.name) == [
        "overrides.tsv"
    ]
    table, _ = listed(command, sheet)
    assert table["dataset_id"][0] == "acini"


@pytest.mark.parametrize("how", ["interrupt", "end of input"])
def test_interrupt_and_end_of_input_quit_and_keep(terminal, sheet, how):
    person = terminal("--curator", "A")
    person.until("in islets: ")
    person.answer("CL:0000171")
    person.until("in acini: ")
    if how == "interrupt":
        person.interrupt()
    else:
        person.answer("\x04")
    assert "1 decisions added" in person.rest()
    assert len(written(sheet.parent / "overrides.tsv")) == 1


def test_a_table_of_a_persons_own_is_added_to_and_otherwise_left_alone(terminal, sheet):
    mine = sheet.parent / "mine.csv"
    mine.write_text(
        "label,scope,field,term_id,remark,curator,curated_on,source\n"
        'quibbix,dataset:acini,cell_type,CL:0002064,"seen, twice",C,2020-01-02,a letter'
    )
    before = mine.read_text()
    person = terminal("--overrides", str(mine), "--curator", "A")
    person.until("in islets: ")
    person.answer("CL:0000171")
    person.until("in acini: ")
    person.answer("s")
    person.until("zurkel")  # quibbix is decided
    person.until("in islets: ")
    person.answer("q")
    person.rest()
    after = mine.read_text()
    assert after.startswith(f"{before}\nblorb,dataset:islets,cell_type,CL:0000171,,A,")
    assert after.count("\n") == 3
    assert not (sheet.parent / "overrides.tsv").exists()
