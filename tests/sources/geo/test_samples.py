from __future__ import annotations

import pytest

from geo_site import Sample, Series
from sicmir_atlas.sources.resolved import completed


def resolve(geo, *characteristics, **about):
    """Resolve a series with one sample for each list of characteristics."""
    samples = [
        Sample(
            f"GSM{9000000 + n}",
            characteristics=texts,
            files={f"GSM{9000000 + n}_a.h5": b"x"},
            **{key: value[n] for key, value in about.items()},
        )
        for n, texts in enumerate(characteristics)
    ]
    with geo(Series("GSE900001", samples, pubmed=["30000001", "30000002"])) as running:
        return running.resolve("GSE900001")


def test_characteristics_become_columns(geo):
    found = resolve(
        geo,
        [
            "Tissue: lung",
            "disease state: normal",
            "cell-line: none",
            "marker: CD45+",
            "marker: CD3: bright",
            "time point (h): 24",
            "untreated",
            "also untreated",
            "age: ",
            "Title: other",
            "sample id: S1",
        ],
    )
    assert found.samples["GSM9000000"] == {
        "sample_id": "GSM9000000",
        "title": "donor 1 lung",
        "source_name": "lung",
        "assay": "10x 3' v3",
        "tissue": "lung",
        "disease_state": "normal",
        "cell_line": "none",
        "marker": "CD45+; CD3: bright",
        "time_point_h": "24",
        "characteristics": "untreated; also untreated",
        "characteristics_title": "other",
        "characteristics_sample_id": "S1",
    }


def test_columns_that_a_series_fills(geo):
    found = resolve(geo, ["tissue: lung", "disease: asthma", "donor: D1"])
    assert found.columns == {
        "title": "Simulated lung atlas",
        "organism": "Homo sapiens",
        "tissue": "lung",
        "disease": "asthma",
        "assay": "10x 3' v3",
        "sample": "obs:sample_id",
        "donor": "obs:donor_id",
        "same_as": "PMID:30000001|PMID:30000002",
    }
    assert found.version == "2024-06-06"
    row = {"dataset_id": "mine", "tissue": "bronchus", "disease": None, "donor": "one"}
    filled = completed(row, found.facts("d1"))
    assert [filled[k] for k in ("tissue", "disease", "donor")] == ["bronchus", "asthma", "one"]
    assert filled["accession"] == "GSE900001"


@pytest.mark.parametrize(
    ("first", "second", "donors"),
    [
        (["donor: A"], ["donor: B"], ["A", "B"]),
        (["Patient ID: 1"], ["patient id: 2"], ["1", "2"]),
        (["donor: A", "subject: 1"], ["subject: 2"], ["1", "2"]),  # donor is not complete
        (["donor: A", "individual: 1"], ["donor: NA", "individual: 2"], ["1", "2"]),
        (["donor: A"], ["age: 3"], [None, None]),
        (["donor id: A"], ["donor id: "], [None, None]),
    ],
)
def test_donors(geo, first, second, donors):
    found = resolve(geo, first, second)
    assert [about.get("donor_id") for about in found.samples.values()] == donors
    assert found.columns.get("donor") == ("obs:donor_id" if donors[0] else None)


@pytest.mark.parametrize(
    ("first", "second", "column"),
    [
        (["tissue: lung"], ["tissue: Lung"], "lung"),
        (["tissue: lung"], ["tissue: liver"], "obs:tissue"),
        (["organ: lung"], ["organ: liver"], "obs:organ"),
        (["Tissue-type: lung"], ["tissue type: lung"], "lung"),
        (["age: 1"], ["age: 2"], "obs:source_name"),
        (["tissue: lung"], ["age: 2"], "obs:source_name"),
    ],
)
def test_tissue(geo, first, second, column):
    found = resolve(geo, first, second, source_name=["airway", "colon"])
    assert found.columns["tissue"] == column


@pytest.mark.parametrize(
    ("first", "second", "column", "texts"),
    [
        ("disease: asthma", "disease: asthma", "asthma", ["asthma", "asthma"]),
        ("disease: Healthy", "disease: healthy", "normal", ["normal", "normal"]),
        ("diagnosis: none", "diagnosis: asthma", "obs:diagnosis", ["normal", "asthma"]),
        ("disease state: normal", "disease state: COPD", "obs:disease_state", ["normal", "COPD"]),
        ("condition: Control", "condition: tumor", "obs:condition", ["normal", "tumor"]),
        ("disease: asthma", "age: 2", "obs:disease", ["asthma", None]),
    ],
)
def test_disease(geo, first, second, column, texts):
    found = resolve(geo, [first], [second])
    key = first.partition(":")[0].replace(" ", "_")
    assert found.columns["disease"] == column
    assert [about.get(key) for about in found.samples.values()] == texts
    given = first.partition(": ")[2]
    changed = given != texts[0]
    assert found.samples["GSM9000000"].get(f"{key}_original") == (given if changed else None)


def test_a_study_that_says_no_disease_leaves_it_open(geo):
    assert "disease" not in resolve(geo, ["tissue: lung"]).columns


def test_assays_that_differ_are_told_by_sample(geo):
    protocol = ["Chromium Single Cell 3' v2 was used.", "Chromium Single Cell 3' v3 was used."]
    found = resolve(geo, ["a: b"], ["a: b"], protocol=protocol)
    assert found.columns["assay"] == "obs:assay"
    assert found.samples["GSM9000001"]["assay"] == "10x 3' v3"
