from __future__ import annotations

import pytest

from geo_site import Series, gsm, sample
from sicmir_atlas.errors import ExcludedDataset


def test_only_what_is_needed_is_unpacked_from_a_raw_tar(geo):
    samples = [
        sample(1, "filtered_feature_bc_matrix.h5", "raw_feature_bc_matrix.h5"),
        sample(2, "filtered_feature_bc_matrix.h5", "contigs[1].csv.gz"),
        sample(3, "sites.bw", strategy="ATAC-seq", source="genomic"),
    ]
    series = Series("GSE900001", samples, only_in_raw=True)
    with geo(series) as running:
        (file,) = (found := running.resolve("GSE900001")).files
        archive = series.suppl()["series/GSE900nnn/GSE900001/suppl/GSE900001_RAW.tar"]
        assert file.url == running.address("series/GSE900nnn/GSE900001/suppl/GSE900001_RAW.tar")
    assert file.size == len(archive)
    assert file.unpack == tuple(f"{gsm(n)}_filtered_feature_bc_matrix.h5" for n in (1, 2))
    assert list(found.samples) == [gsm(1), gsm(2)]
    assert "left out as ATAC-seq: GSM9000003" in found.notes
    assert found.columns["sample"] == "obs:sample_id"


def test_samples_by_themselves_are_found_in_the_raw_tar_of_their_series(geo):
    series = Series("GSE900001", [sample(n, "a.h5") for n in (1, 2, 3)], only_in_raw=True)
    with geo(series) as running:
        found = running.resolve(f"{gsm(3)}|{gsm(1)}")
    (file,) = found.files
    assert (file.name, file.unpack) == ("GSE900001_RAW.tar", (f"{gsm(3)}_a.h5", f"{gsm(1)}_a.h5"))
    assert list(found.samples) == [gsm(3), gsm(1)]


def test_samples_by_themselves_whose_series_has_a_pooled_file_only(geo):
    series = Series("GSE900001", [sample(1)], files={"GSE900001_all.h5ad": b"x"})
    with (
        geo(series) as running,
        pytest.raises(ExcludedDataset, match=r"raw_counts: .* may lie with GSE900001: give that"),
    ):
        running.resolve(gsm(1))


def test_a_raw_tar_without_list_is_unpacked_whole(geo):
    series = Series("GSE900001", [sample(1, "a.h5")], only_in_raw=True, filelist=False)
    with geo(series) as running:
        found = running.resolve("GSE900001")
    assert [(f.name, f.size, f.unpack) for f in found.files] == [
        ("GSE900001_RAW.tar", None, ("*",))
    ]
    assert list(found.samples) == [gsm(1)]


def test_the_row_fixes_the_choice_inside_a_raw_tar(geo):
    offered = ["filtered_feature_bc_matrix.h5", "raw_feature_bc_matrix.h5"]
    series = Series("GSE900001", [sample(1, *offered)], only_in_raw=True)
    with geo(series) as running:
        (file,) = running.resolve("GSE900001", files="*_raw_*").files
        (whole,) = running.resolve("GSE900001", files="GSE900001_RAW.tar").files
    assert file.unpack == ("GSM9000001_raw_feature_bc_matrix.h5",)
    assert whole.unpack == ("*",)


def test_names_with_signs_of_globs_are_taken_as_they_are(geo):
    series = Series("GSE900001", [sample(1, "a[1]*.h5")], only_in_raw=True)
    with geo(series) as running:
        (file,) = running.resolve("GSE900001").files
    assert file.unpack == ("GSM9000001_a[[]1][*].h5",)


def test_archives_of_samples_are_unpacked(geo):
    with geo(Series("GSE900001", [sample(n, "lib.tar.gz") for n in (1, 2)])) as running:
        files = running.resolve("GSE900001").files
    assert [(f.name, f.unpack) for f in files] == [(f"{gsm(n)}_lib.tar.gz", ("*",)) for n in (1, 2)]
