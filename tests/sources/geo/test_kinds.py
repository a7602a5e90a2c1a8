from __future__ import annotations

import pytest

from geo_site import Series, gsm, sample
from sicmir_atlas.errors import ExcludedDataset

SLIDE = ["filtered_feature_bc_matrix.h5", "tissue_positions_list.csv.gz"]


def test_slides_are_left_out(geo):
    slide = sample(1, *SLIDE)
    cells = sample(3, "filtered_feature_bc_matrix.h5")
    with geo(Series("GSE900001", [slide, cells])) as running:
        found = running.resolve("GSE900001")
    assert list(found.samples) == [gsm(3)]
    assert "left out as spots on slides (spatial): GSM9000001" in found.notes
    with (
        geo(Series("GSE900001", [slide])) as running,
        pytest.raises(ExcludedDataset, match=r"^spatial: GSM9000001: spots on slides"),
    ):
        running.resolve("GSE900001")


@pytest.mark.parametrize(
    ("protocol", "kept"),
    [
        ("Visium slides were imaged.", [2]),
        ("Visium slides; single-cell libraries by Chromium.", [1, 2]),
    ],
)
def test_a_protocol_of_slides_alone_is_believed(geo, protocol, kept):
    name = "filtered_feature_bc_matrix.h5"
    slide = sample(1, name, protocol=protocol, processing="Spots were counted.")
    series = Series("GSE900001", [slide, sample(2, name)])
    with geo(series) as running:
        assert list(running.resolve("GSE900001").samples) == [gsm(n) for n in kept]


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"strategy": "ATAC-seq", "source": "genomic", "title": "donor 1 nuclei"}, "ATAC-seq"),
        ({"strategy": "OTHER", "source": "other", "title": "donor 1 ADT"}, "OTHER"),
        ({"strategy": "OTHER", "source": "transcriptomic", "title": "D1_V(D)J"}, "OTHER"),
        ({"strategy": "OTHER", "source": "transcriptomic", "title": "D1 TCRs"}, "OTHER"),
    ],
)
def test_other_libraries_beside_expression_are_left_out(geo, about, why):
    series = Series("GSE900001", [sample(1, "a.h5"), sample(2, "a.h5", **about)])
    with geo(series) as running:
        found = running.resolve("GSE900001")
    assert list(found.samples) == [gsm(1)]
    assert f"left out as {why}: GSM9000002" in found.notes


def test_libraries_called_otherwise_count_where_they_have_counts(geo):
    other = {"strategy": "OTHER", "source": "transcriptomic single cell"}
    samples = [sample(1, "a.h5"), sample(2, "a.h5", **other), sample(3, **other)]
    with geo(Series("GSE900001", samples)) as running:
        found = running.resolve("GSE900001")
    assert list(found.samples) == [gsm(1), gsm(2)]
    assert "left out, as no file of theirs holds counts: GSM9000003" in found.notes
