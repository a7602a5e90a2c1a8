"""An existing atlas is extended: what is the same is taken over, whatever else happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

import cellxgene_site as cxg
from archives import ArchiveServer, Reply
from sicmir_atlas.atlas.validate import validate

if TYPE_CHECKING:
    from pathlib import Path


def parquet(atlas: Path) -> dict[str, bytes]:
    """Every Parquet file that the manifest lists, and the manifest."""
    manifest = json.loads((atlas / "manifest.json").read_text())
    names = ["manifest.json", *(entry["path"] for entry in manifest["files"])]
    return {name: (atlas / name).read_bytes() for name in names}


def statuses(atlas: Path) -> dict[str, str]:
    table = pq.read_table(atlas / "datasets.parquet", columns=["dataset_id", "status"])
    return {row["dataset_id"]: row["status"] for row in table.to_pylist()}


def steps(*names: str) -> set[str]:
    line = ("RESOLVE", "FETCH", "PREPARE", "PREDICT")
    return {f"{step} ({name})" for step in line for name in names}


ALWAYS = {"CHECK (datasets.csv)", "CONSOLIDATE", "VALIDATE", "REPORT"}


def test_only_what_changed_is_done_again(nextflow, sheet, own, small, tmp_path):
    mouse = {**own("mouse", 4), "organism": "Mus musculus"}
    two = own("two", 5, filter="obs:cell_type=T cell|B cell")  # two types: degenerate
    first = [own("same", 0), own("other_row", 1), own("other_file", 2), own("gone", 3), mouse, two]
    out = tmp_path / "out"
    options = ("--outdir", out, *small, "--input")
    built = nextflow.run(*options, sheet(*first))
    assert built.code == 0, built.output
    assert statuses(out / "atlas")["two"] == "excluded"
    was = parquet(out / "atlas")

    changed = [
        {**first[0], "title": "Simulated counts, named anew"},
        {**first[1], "tissue": "lung"},
        own("other_file", 6),
        own("new", 7),
        mouse,
        two,
    ]
    extended = nextflow.run("--atlas", out / "atlas", *options, sheet(*changed))
    assert extended.code == 0, extended.output
    redone = steps("other_row", "other_file", "new") | {"RESOLVE (mouse)"}
    assert set(extended.not_cached()) == ALWAYS | redone | {"UNCHANGED:CHECKSUM (3 datasets)"}
    assert "Taken over from the existing atlas: 2" in extended.output  # same, and two's verdict
    assert statuses(out / "atlas") == {
        **dict.fromkeys(("same", "other_row", "other_file", "new"), "included"),
        **dict.fromkeys(("mouse", "two"), "excluded"),
    }
    assert validate(out / "atlas") == []

    anew = nextflow.run(*("--outdir", tmp_path / "anew", *small, "--input"), sheet(*changed))
    assert anew.code == 0, anew.output
    now = parquet(out / "atlas")
    assert now == parquet(tmp_path / "anew/atlas")
    assert {n: b for n, b in was.items() if "/same-" in n} == {
        n: b for n, b in now.items() if "/same-" in n
    }
    # what a reader of the former build has open is still there
    assert all((out / "atlas" / name).exists() for name in was)
    page = (out / "report.html").read_text()
    assert "other_row" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_curators_and_parameters_redo_what_they_concern(nextflow, sheet, own, small, tmp_path):
    rows = [own("one", 0), own("two", 1, tissue="lung")]
    out = tmp_path / "out"
    options = ("--outdir", out, *small, "--input", sheet(*rows))
    assert nextflow.run(*options).code == 0
    overrides = tmp_path / "overrides.tsv"
    columns = ("field", "scope", "label", "term_id", "curator", "curated_on", "source")
    entry = ("cell_type", "dataset:two", "monocyte", "CL:0000860", "A. Curator", "2026-11-21", "")
    overrides.write_text("\t".join(columns) + "\n" + "\t".join(entry) + "\n")

    extend = ("--atlas", out / "atlas", *options)
    curated = nextflow.run(*extend, "--overrides", overrides)
    assert curated.code == 0, curated.output
    assert "PREPARE (two)" in curated.not_cached()
    assert not [name for name in curated.not_cached() if "(one)" in name]

    wrong = tmp_path / "wrong.tsv"
    wrong.write_text(overrides.read_text().replace("CL:0000860", "CL:9999999"))
    refused = nextflow.run(*extend, "--overrides", wrong)
    assert refused.code == 1
    assert "CL:9999999" in refused.output
    assert "wrong.tsv" in refused.output

    seeded = nextflow.run(*extend, "--overrides", overrides, "--seed", "1")
    assert {f"PREDICT ({name})" for name in ("one", "two")} <= set(seeded.not_cached())

    manifest = json.loads((out / "atlas/manifest.json").read_text())
    former = tmp_path / "former"
    former.mkdir()
    text = json.dumps({**manifest, "processing_version": 1, "datasets": {}})
    (former / "manifest.json").write_text(text)
    other = nextflow.run("--atlas", former, *options, "-stub-run")
    assert "processing 1; this is" in other.output
    assert "every dataset is done again" in other.output
    nothing = nextflow.run("--atlas", tmp_path / "data", *options)
    assert nothing.code == 1
    assert "No atlas in" in nothing.output


def test_an_archive_that_cannot_be_asked_loses_nothing(nextflow, sheet, own, small, tmp_path):
    """What is unchanged is looked up and not fetched; without an answer it stays as it was."""
    few = {"T cell": 80, "B cell": 80, "monocyte": 80}
    lung = cxg.Simulated(title="Lung", collection="Several", cells=few)
    liver = cxg.Simulated(title="Liver", collection="Several", cells=few, tissue=(cxg.LIVER,))
    mouse = cxg.Simulated(
        title="Mouse", collection="Several", organism=(cxg.MOUSE,), has_file=False
    )
    row = {"dataset_id": "several", "source": "cellxgene", "accession": lung.collection_id}
    out = tmp_path / "out"
    with ArchiveServer(cxg.cellxgene_sites([lung, liver, mouse])) as server:
        options = (
            *("--outdir", out, *small),
            *("--cellxgene_url", server.url("cellxgene")),
            *("--cellxgene_files_url", server.url("cellxgene_files")),
        )
        built = nextflow.run(*options, "--input", sheet(row))
        assert built.code == 0, built.output
        was = parquet(out / "atlas")
        names = sorted(statuses(out / "atlas"))
        assert len(names) == 3

        extend = ("--atlas", out / "atlas", *options, "--input")
        again = nextflow.run(*extend, sheet(row, own("new", 0)))
        assert again.code == 0, again.output
        assert set(again.not_cached()) == ALWAYS | {"RESOLVE (several)"} | steps("new")

        more = {**few, "T cell": 90}
        refined = cxg.Simulated(title="Lung", collection="Several", cells=more, version=2)
        server.sites.update(cxg.cellxgene_sites([lung, refined, liver, mouse]))
        revised = nextflow.run(*extend, sheet(row))
        assert revised.code == 0, revised.output
        fetched = [name for name in revised.not_cached() if name.startswith("FETCH")]
        assert fetched == [f"FETCH (several.{lung.dataset_id[:8]})"]
        now = parquet(out / "atlas")

        server.sites["cellxgene"] = lambda _: Reply(b"down", 404)
        overrides = tmp_path / "overrides.csv"  # of another dataset, so that nothing changes
        overrides.write_text(
            "field,scope,label,term_id,curator,curated_on\n"
            "cell_type,dataset:other,x,CL:0000084,A. Curator,2026-11-21\n"
        )
        down = nextflow.run(*extend, sheet(row), "--overrides", overrides)
        assert down.code == 1, "what could not be asked is not a success"
        assert "several: not looked up this time (RESOLVE: " in down.output
        assert "3 taken over as they were" in down.output
        assert sorted(statuses(out / "atlas")) == names
        assert parquet(out / "atlas") == now
        assert was.keys() != now.keys()
