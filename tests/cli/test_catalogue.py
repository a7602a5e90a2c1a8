"""`sicmir-atlas catalogue …` as a person calls it: files, what is said, and exit codes."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from archives import ArchiveServer
from cellxgene_site import cellxgene_sites, many, uid
from geo_site import Sample, Series, geo_files_site, geo_site, withdrawn_on
from sicmir_atlas.check import check_samplesheet
from sicmir_atlas.cli._commands import CATALOGUE
from sicmir_atlas.cli.app import main


def series(number, **fields):
    name = f"GSM{number}_filtered_feature_bc_matrix.h5"
    return Series(f"GSE{number}", [Sample(f"GSM{number}", files={name: b"x" * 1500})], **fields)


@pytest.fixture(scope="module")
def archive():
    """CELLxGENE of 400 datasets and a small GEO."""
    datasets = []
    for i, one in enumerate(many(400)):
        url = f"https://datasets.cellxgene.cziscience.com/{one.version_id}.h5ad"
        assets = [{"filesize": 10**6 * (i + 1), "filetype": "H5AD", "url": url}]
        datasets.append(replace(one, fields={**one.fields, "assets": assets}))
    links = [{"link_name": "GSE1", "link_url": None, "link_type": "RAW_DATA"}]
    collections = {"Invented atlas 0": {"links": links}}
    studies = [series(1, pubmed=["1"]), series(2, pubmed=["2"])]
    sites = {
        **cellxgene_sites(datasets, collections=collections),
        "geo": geo_site(studies, refusals={"GSE9": withdrawn_on("Jan 01 2024")}),
        "geo_files": geo_files_site(studies),
    }
    with ArchiveServer(sites) as server:
        yield server


@pytest.fixture
def catalogue(archive, tmp_path, monkeypatch, capsys, caplog):
    """Run a command of `catalogue` in an empty folder: exit code, standard output, what is said."""
    monkeypatch.chdir(tmp_path)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    names = ("geo", "geo-files", "cellxgene", "cellxgene-files")
    addresses = [w for n in names for w in (f"--{n}-url", archive.url(n.replace("-", "_")))]

    def run(command, *arguments):
        caplog.clear()
        caplog.set_level("INFO", "sicmir_atlas")
        words = [] if command == "merge" else [*addresses, "--requests-per-second", "10000"]
        with pytest.raises(SystemExit) as stopped:
            main(["catalogue", command, *words, *map(str, arguments)])
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, "\n".join([*caplog.messages, captured.err])

    return run


def sheet(path):
    return list(csv.DictReader(io.StringIO(path.read_text(), newline="")))


@pytest.mark.parametrize("command", CATALOGUE, ids=lambda c: c.name)
def test_help_has_examples(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*command.name.split(), "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert f"Usage: sicmir-atlas {command.name}" in out
    assert "Examples:" in out


def test_four_hundred_datasets_are_written_and_checked(catalogue, tmp_path):
    code, out, said = catalogue("cellxgene", "-o", "datasets.csv")
    assert (code, out) == (0, "")
    rows = sheet(tmp_path / "datasets.csv")
    assert len(rows) > 150
    assert f"{len(rows)} of 400 datasets" in said
    assert f"datasets.csv: {len(rows)} rows" in said
    assert check_samplesheet(tmp_path / "datasets.csv", base="")
    code, out, said = catalogue("check", "datasets.csv", "--format", "json")
    assert code == 0, said
    found = json.loads(out)
    assert [f["dataset_id"] for f in found] == [r["dataset_id"] for r in rows]
    assert [f["version"] for f in found] == [r["accession"] for r in rows]
    total = sum(f["bytes"] for f in found)
    assert all(f["seconds"] == pytest.approx(f["bytes"] / 20e6, abs=0.06) for f in found)
    assert f"{len(rows)} ready; {total / 1e9:.1f} GB to download, about" in said
    assert f"{sum(int(r['n_cells'] or 0) for r in rows):,} cells announced" in said


def test_a_search_narrows(catalogue, tmp_path):
    words = ("--tissue", "liver", "--disease", "normal", "--min-cells", 20_000)
    assert catalogue("cellxgene", *words, "-o", "liver.csv")[0] == 0
    rows = sheet(tmp_path / "liver.csv")
    assert rows
    assert all(int(r["n_cells"]) >= 20_000 for r in rows)
    assert {"liver" in r["title"].lower() for r in rows if r["title"]} == {True}
    code, _, said = catalogue("cellxgene", "--tissue", "livr", "-o", "x.csv")
    assert (code, "livr" in said) == (64, True)
    code, _, said = catalogue("cellxgene", "--min-cells", 10**9, "-o", "x.csv")
    assert (code, "ask for less" in said) == (64, True)
    assert not (tmp_path / "x.csv").exists()


def test_a_blocklist_may_name_any_id(catalogue, tmp_path):
    assert catalogue("cellxgene", "-o", "all.csv")[0] == 0
    rows = sheet(tmp_path / "all.csv")
    found = json.loads(catalogue("check", "all.csv", "--format", "json")[1])
    version, dataset, doi = rows[0]["accession"], found[1]["accession"], rows[2]["doi"]
    atlas = uid("Invented atlas 50")
    lines = [f"{name},not wanted" for name in (version, dataset, doi, atlas)]
    (tmp_path / "no.csv").write_text("\n".join(["accession,reason", *lines]))
    code, _, said = catalogue("cellxgene", "-o", "some.csv", "--blocklist", "no.csv")
    assert code == 0
    kept = {r["accession"] for r in sheet(tmp_path / "some.csv")}
    left = [r for r in rows if r["accession"] not in kept]
    assert {r["dataset_id"] for r in rows[:3]} <= {r["dataset_id"] for r in left}
    atlas_doi = f"10.5555/{atlas[:8]}"
    assert any(r["doi"] == atlas_doi for r in rows)
    assert not any(r["doi"] == atlas_doi for r in sheet(tmp_path / "some.csv"))
    for row in left:
        assert f"left out: {row['dataset_id']}: blocklist: " in said


def test_accessions_of_geo(catalogue, tmp_path):
    (tmp_path / "list.txt").write_text("GSE2\nGSE9 # withdrawn\n")
    code, _, said = catalogue("geo", "GSE1", "--from-file", "list.txt", "-o", "geo.csv")
    assert code == 0
    assert [(r["dataset_id"], r["tissue"]) for r in sheet(tmp_path / "geo.csv")] == [
        ("GSE1", "lung"),
        ("GSE2", "lung"),
    ]
    assert "GSE1: takes 1 file: GSM1_filtered_feature_bc_matrix.h5" in said
    last = said.strip().splitlines()[-1]
    assert last.startswith("no row: GSE9: ")
    assert "Jan 01 2024" in last


def test_accessions_that_fail_make_an_error_where_asked(catalogue, tmp_path):
    code, _, said = catalogue("geo", "GSE1", "GSE9", "--strict", "-o", "geo.csv")
    assert code == 66
    assert "1 of 2 accessions give no row" in said
    assert len(sheet(tmp_path / "geo.csv")) == 1
    code, _, _ = catalogue("geo", "GSE9", "GSE404", "-o", "none.csv")
    assert code == 66
    assert not (tmp_path / "none.csv").exists()
    assert catalogue("geo", "-o", "none.csv")[0] == 64
    assert catalogue("geo", "lung", "GSE404", "-o", "none.csv")[0] == 64


def test_edits_survive_an_update(catalogue, tmp_path):
    assert catalogue("geo", "GSE1", "-o", "d.csv")[0] == 0
    path = tmp_path / "d.csv"
    path.write_text(path.read_text().replace(",lung,", ",bronchus,"))
    before = path.read_text()
    code, _, said = catalogue("geo", "GSE1", "GSE2", "-o", "d.csv")
    assert (code, "--update keeps its rows" in said) == (64, True)
    assert path.read_text() == before
    code, _, said = catalogue("geo", "GSE1", "GSE2", "-o", "d.csv", "--update")
    assert code == 0
    assert [(r["dataset_id"], r["tissue"]) for r in sheet(path)] == [
        ("GSE1", "bronchus"),
        ("GSE2", "lung"),
    ]
    assert "1 rows kept as they were, 1 added" in said
    assert catalogue("cellxgene", "-o", "d.csv", "--update", "--tissue", "liver")[0] == 0
    assert path.read_text().splitlines()[1].startswith("GSE1,geo,GSE1,")


def test_the_worst_problem_gives_the_code(catalogue, tmp_path):
    row = "dataset_id,source,accession,url,organism\n"
    mouse = "mouse,url,,https://example.org/a.h5ad,Mus musculus\n"
    (tmp_path / "d.csv").write_text(f"{row}GSE1,geo,GSE1,,\n{mouse}")
    code, out, said = catalogue("check", "d.csv")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[2:]] == ["GSE1", "mouse"]
    assert "1.5 kB" in out
    assert "excluded: mouse: organism: Mus musculus" in said
    assert "1 ready, 1 excluded; 1.5 kB to download, about 0 s at 20 MB/s" in said
    (tmp_path / "d.csv").write_text(f"{row}GSE9,geo,GSE9,,\n{mouse}")
    code, out, said = catalogue("check", "d.csv", "--format", "csv", "-o", "out.csv")
    assert (code, out) == (66, "")
    assert "d.csv: 1 of 2 datasets failed; see above" in said
    found = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert [(f["dataset_id"], f["status"]) for f in found] == [
        ("GSE9", "failed"),
        ("mouse", "excluded"),
    ]
    assert "Jan 01 2024" in found[0]["problem"]


def test_a_sheet_that_is_wrong_is_refused_before_anything_is_asked(catalogue, archive, tmp_path):
    asked = len(archive.requests)
    (tmp_path / "d.csv").write_text("dataset_id,source,accesion\nGSE1,geo,GSE1\n")
    for command in (("check", "d.csv"), ("merge", "d.csv", "-o", "x.csv")):
        code, _, said = catalogue(*command)
        assert code == 64
        assert "did you mean accession?" in said
    assert catalogue("check", "gone.csv")[0] == 66
    assert catalogue("check", "d.csv", "--megabytes-per-second", 0)[0] == 64
    assert len(archive.requests) == asked


def test_two_catalogues_become_one(catalogue, tmp_path):
    words = ("--collection", "Invented atlas 0", "-o", "c.csv")
    assert catalogue("cellxgene", *words, "--assay", "10x", "--min-cells", 0)[0] == 0
    assert catalogue("geo", "GSE1", "GSE2", "-o", "g.csv")[0] == 0
    code, _, said = catalogue("merge", "c.csv", "g.csv", "-o", "d.csv", "--dropped", "no.csv")
    assert code == 0
    kept = sheet(tmp_path / "c.csv")
    assert [r["dataset_id"] for r in sheet(tmp_path / "d.csv")] == [
        *(r["dataset_id"] for r in kept),
        "GSE2",
    ]
    assert sheet(tmp_path / "no.csv") == [
        {
            "accession": "GSE1",
            "reason": f"the same data as {kept[0]['dataset_id']}: accession GSE1 is in its same_as",
            "dataset_id": "GSE1",
            "kept": kept[0]["dataset_id"],
        }
    ]
    assert "dropped: GSE1 (GSE1): the same data as" in said
    assert catalogue("check", "d.csv")[0] == 0
    # the list of what was dropped leaves it out from then on
    code, _, said = catalogue("geo", "GSE1", "GSE2", "-o", "h.csv", "--blocklist", "no.csv")
    assert (code, "no row: GSE1: blocklist: GSE1: the same data as" in said) == (0, True)
    assert catalogue("merge", "g.csv", "-o", "d.csv")[0] == 64
    assert catalogue("merge", "g.csv", "-o", "e.csv", "--dropped", "no.csv")[0] == 64
    code, _, said = catalogue("merge", "g.csv", "-o", "d.csv", "--update")
    assert (code, "2 dropped" in said) == (0, True)


def test_as_a_process(archive, tmp_path, root):
    words = ["--geo-url", archive.url("geo"), "--geo-files-url", archive.url("geo_files")]

    def run(*arguments):
        return subprocess.run(
            [sys.executable, root / "bin/sicmir-step", "catalogue", *arguments, *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    done = run("geo", "GSE1", "-o", "d.csv")
    assert (done.returncode, done.stdout) == (0, "")
    assert "GSE1: takes 1 file" in done.stderr
    done = run("check", "d.csv")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].split()[:2] == ["dataset_id", "source"]
    assert "1 ready; 1.5 kB to download" in done.stderr
