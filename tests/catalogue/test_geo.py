from __future__ import annotations

import pytest

from geo_site import Sample, Series, geo_files_site, geo_site, private_until
from sicmir_atlas.catalogue.geo import read_accessions, rows
from sicmir_atlas.catalogue.sheet import write_sheet
from sicmir_atlas.check import check_samplesheet
from sicmir_atlas.errors import ExcludedDataset, GoneError, InputError
from sicmir_atlas.sources import resolve

H5 = "GSM{0}_filtered_feature_bc_matrix.h5"


def sample(number, *said, **fields):
    said = said or ("tissue: lung", "disease state: normal", f"donor_id: D{number}")
    files = {H5.format(number): b"matrix", f"GSM{number}_raw_feature_bc_matrix.h5": b"raw"}
    return Sample(f"GSM{number}", characteristics=said, files=files, **fields)


def sites(*series, **options):
    return {"geo": geo_site(series, **options), "geo_files": geo_files_site(series)}


LUNG = Series("GSE1", [sample(1), sample(2)], title="Simulated lungs", pubmed=["123"])
MIXED = Series("GSE2", [sample(3, "tissue: lung"), sample(4, "tissue: liver")], pubmed=[])
MOUSE = Series("GSE3", [sample(5, organisms=(("Mus musculus", "10090"),))])


def test_rows_hold_what_geo_says(serve, tmp_path):
    _, client = serve(sites(LUNG, MIXED))
    listing = rows(client, ["gse1", "GSE2", "GSM1|GSM2", "GSE1"])
    assert listing.problems == {}
    assert listing.rows[0] == {
        "dataset_id": "GSE1",
        "source": "geo",
        "accession": "GSE1",
        "title": "Simulated lungs",
        "organism": "Homo sapiens",
        "tissue": "lung",
        "disease": "normal",
        "assay": listing.rows[0]["assay"],
        "sample": "obs:sample_id",
        "donor": "obs:donor_id",
        "same_as": "PMID:123",
    }
    assert listing.rows[0]["assay"].startswith("10x 3' v3")
    assert [(r["dataset_id"], r["accession"], r["tissue"]) for r in listing.rows[1:]] == [
        ("GSE2", "GSE2", "obs:tissue"),
        ("GSM1-GSM2", "GSM1|GSM2", "lung"),
    ]
    write_sheet(tmp_path / "d.csv", listing.rows)
    checked = check_samplesheet(tmp_path / "d.csv", base="")
    for row, before in zip(checked, listing.rows, strict=True):
        (found,) = resolve(row, client)
        assert {**found.columns, **row} == row | found.columns
        assert {k: v for k, v in row.items() if v} == before


def test_the_choice_of_files_is_explained(serve):
    _, client = serve(sites(LUNG))
    notes = rows(client, ["GSE1"]).notes["GSE1"]
    assert notes[0] == f"takes 2 files: {H5.format(1)}, {H5.format(2)}"
    assert any("raw_feature_bc_matrix" in note for note in notes[1:])
    assert notes[-1] == "to take others, name them in column files"
    assert notes.count(notes[-1]) == 1


def test_what_gives_no_row_has_its_reason_and_hides_no_other(serve):
    refusals = {"GSE8": private_until("Aug 28, 2028")}
    _, client = serve(sites(LUNG, MIXED, MOUSE, refusals=refusals), fault_every=3)
    asked = ["GSE8", "GSE3", "GSE1", "GSE7", "lung", "GDS5", "GSE2"]
    listing = rows(client, asked, blocked={"gse2": "cell lines"})
    assert [r["dataset_id"] for r in listing.rows] == ["GSE1"]
    said = {name: (type(problem), str(problem)) for name, problem in listing.problems.items()}
    assert set(said) == set(asked) - {"GSE1"}
    assert said["GSE8"][0] is said["GSE7"][0] is GoneError
    assert "Aug 28, 2028" in said["GSE8"][1]
    assert said["lung"][0] is said["GDS5"][0] is InputError
    assert said["GSE3"][0] is ExcludedDataset
    assert said["GSE2"] == (ExcludedDataset, "blocklist: GSE2: cell lines")


def test_many_samples_have_a_short_name(serve):
    _, client = serve(sites(LUNG))
    asked = "|".join(["GSM1", "GSM2", *(f"GSM{n}" for n in range(100, 120))])
    assert len(asked) > 64
    site = Series("GSE9", [sample(n) for n in range(100, 120)])
    _, client = serve(sites(LUNG, site))
    assert [r["dataset_id"] for r in rows(client, [asked]).rows] == ["GSM1-and-21-more"]


def test_progress_ends_with_all(serve):
    _, client = serve(sites(LUNG, MIXED))
    told = []
    rows(client, ["GSE1", "GSE2", "GSM1"], progress=told.append)
    assert told[-1] == 3


def test_accessions_from_a_file(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("\ufeffGSE1\n\n# lungs\n  GSE2  # the second\nGSM1|GSM2\n")
    assert read_accessions(path) == ["GSE1", "GSE2", "GSM1|GSM2"]
    path.write_text("# none\n")
    with pytest.raises(InputError, match="no accession"):
        read_accessions(path)
    with pytest.raises(GoneError, match="no such file"):
        read_accessions(tmp_path / "gone.txt")
    path.write_bytes(b"GSE1\xff")
    with pytest.raises(InputError, match="UTF-8"):
        read_accessions(path)
