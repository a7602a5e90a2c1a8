from __future__ import annotations

import pytest

from geo_site import FTP, Sample, Series, gsm, sample
from sicmir_atlas.errors import ExcludedDataset, InputError

PARTS = ("barcodes.tsv.gz", "features.tsv.gz", "matrix.mtx.gz")


def triplet(lib: str) -> list[str]:
    return [f"{lib}_{part}" for part in PARTS]


def names(found):
    return [file.name for file in found.files]


def test_files_are_taken_from_the_files_server_with_the_same_tree(geo):
    with geo(Series("GSE900001", [sample(11, "d1_matrix.h5")])) as running:
        (file,) = running.resolve("GSE900001").files
        assert file.url == running.address(
            "samples/GSM9000nnn/GSM9000011/suppl/GSM9000011_d1_matrix.h5"
        )
    assert (file.name, file.size, file.unpack) == ("GSM9000011_d1_matrix.h5", None, None)


@pytest.mark.parametrize(
    ("link", "name", "last"),
    [
        ("{0}/GSM9000001_a%2Bb.h5", "GSM9000001_a+b.h5", "GSM9000001_a%2Bb.h5"),
        ("{0}/GSM9000001_a b#1.h5", "GSM9000001_a_b_1.h5", "GSM9000001_a%20b%231.h5"),
        ("{0}/counts.h5", "GSM9000001_counts.h5", "counts.h5"),
    ],
)
def test_names_and_addresses_of_odd_links(geo, link, name, last):
    folder = "samples/GSM9000nnn/GSM9000001/suppl"
    one = Sample("GSM9000001", links=[link.format(f"{FTP}/{folder}")])
    with geo(samples=[one]) as running:
        (file,) = running.resolve("GSM9000001").files
        assert file.name == name
        assert file.url == running.address(f"{folder}/{last}")


def test_names_differ_where_samples_call_theirs_alike(geo):
    samples = [
        Sample(gsm(n), links=[f"{FTP}/samples/GSM9000nnn/{gsm(n)}/suppl/counts.h5"])
        for n in range(3)
    ]
    with geo(Series("GSE900001", samples)) as running:
        assert names(running.resolve("GSE900001")) == [f"{gsm(n)}_counts.h5" for n in range(3)]


def test_400_samples_of_three_files(geo):
    series = Series("GSE900001", [sample(n, *triplet("lib")) for n in range(400)], raw=True)
    with geo(series) as running:
        found = running.resolve("GSE900001")
        assert len(running.asked) == 3  # series, samples, filelist
    assert len(set(names(found))) == 1200
    assert len(found.samples) == 400
    assert found.notes == ()
    assert {file.size for file in found.files} == {len(f"lib_{part}") for part in PARTS}


def test_several_libraries_of_a_sample_are_all_taken(geo):
    with geo(Series("GSE900001", [sample(1, *triplet("a"), *triplet("b"))])) as running:
        assert len(running.resolve("GSE900001").files) == 6


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        (
            ["filtered_feature_bc_matrix.h5", "raw_feature_bc_matrix.h5"],
            ["filtered_feature_bc_matrix.h5"],
        ),
        (["filtered_feature_bc_matrix.h5", *triplet("x")], ["filtered_feature_bc_matrix.h5"]),
        (["counts.csv.gz", "counts_normalized.csv.gz"], ["counts.csv.gz"]),
        ([*triplet("x"), "filtered_contig_annotations.csv.gz"], triplet("x")),
        ([*triplet("x"), "object.rds"], triplet("x")),
    ],
)
def test_among_several_files_of_a_sample_the_choice_is_explained(geo, offered, taken):
    with geo(Series("GSE900001", [sample(1, *offered)])) as running:
        found = running.resolve("GSE900001")
    assert sorted(names(found)) == sorted(f"GSM9000001_{name}" for name in taken)
    silent = all("contig" in name or name.endswith(".rds") or name in taken for name in offered)
    assert silent or any("GSM9000001: " in note for note in found.notes)
    assert silent or "to take others, name them in column files" in found.notes


def test_the_row_fixes_the_choice(geo):
    offered = ["filtered_feature_bc_matrix.h5", "raw_feature_bc_matrix.h5"]
    pooled = {"GSE900001_all.h5ad": b"x"}
    series = Series("GSE900001", [sample(n, *offered) for n in (1, 2)], files=pooled)
    with geo(series) as running:
        found = running.resolve("GSE900001", files="*_raw_*")
        assert names(found) == [f"{gsm(n)}_raw_feature_bc_matrix.h5" for n in (1, 2)]
        assert list(found.samples) == [gsm(1), gsm(2)]
        one = running.resolve("GSE900001", files="GSM9000002_filtered_feature_bc_matrix.h5")
        assert list(one.samples) == [gsm(2)]
        assert names(running.resolve("GSE900001", files="*.h5ad")) == ["GSE900001_all.h5ad"]
        with pytest.raises(InputError, match=r"^d1: column files: 'nothing' is none of GSE900001_"):
            running.resolve("GSE900001", files="nothing")


def test_the_row_fixes_the_format(geo):
    samples = [sample(1, "x.h5", *triplet("x")), sample(2, *triplet("x"))]
    with geo(Series("GSE900001", samples)) as running:
        found = running.resolve("GSE900001", format="mtx")
        assert len(running.resolve("GSE900001", format="auto").files) == 4
        said = r"^d1: column format: nothing among GSM9000001_x\.h5, .* can be loom$"
        with pytest.raises(InputError, match=said):
            running.resolve("GSE900001", format="loom")
    assert len(found.files) == 6
    assert all(file.name.endswith(PARTS) for file in found.files)


def test_objects_of_r_are_refused_with_the_command(geo):
    with (
        geo(Series("GSE900001", [sample(1, "seurat.rds.gz")])) as running,
        pytest.raises(InputError, match=r"^d1: GSM9000001_seurat.rds.gz .*write10xCounts"),
    ):
        running.resolve("GSE900001")


def test_a_sample_that_cannot_be_read_is_left_out_and_said(geo):
    with geo(Series("GSE900001", [sample(1, "x.rds"), sample(2, "x.h5")])) as running:
        found = running.resolve("GSE900001")
    assert list(found.samples) == [gsm(2)]
    assert any(note.startswith("left out: GSM9000001: GSM9000001_x.rds") for note in found.notes)


def test_a_table_of_genes_shared_by_all_samples(geo):
    own = ["a_barcodes.tsv.gz", "a_matrix.mtx.gz"]
    series = Series(
        "GSE900001", [sample(n, *own) for n in (1, 2)], files={"GSE900001_features.tsv.gz": b"x"}
    )
    with geo(series) as running:
        found = running.resolve("GSE900001")
        fixed = running.resolve("GSE900001", files="*")
    assert sorted(names(found)) == sorted(
        [f"{gsm(n)}_{name}" for n in (1, 2) for name in own] + ["GSE900001_features.tsv.gz"]
    )
    assert found.columns["sample"] == fixed.columns["sample"] == "obs:sample_id"
    assert sorted(names(fixed)) == sorted(names(found))
    assert fixed.columns["tissue"] == "lung"


def test_samples_files_come_before_a_pooled_one(geo):
    series = Series("GSE900001", [sample(1, "a.h5")], files={"GSE900001_all.h5ad": b"x"})
    with geo(series) as running:
        found = running.resolve("GSE900001")
    assert names(found) == ["GSM9000001_a.h5"]
    note = "samples' own files are taken; left beside the series: GSE900001_all.h5ad"
    assert note in found.notes


@pytest.mark.parametrize("word", ["NONE", "none", "None"])
def test_none_of_any_case_is_no_file(geo, word):
    samples = [Sample(gsm(n), links=[word], characteristics=[f"donor: {n}"]) for n in (1, 2)]
    pooled = {f"GSE900001_{part}": b"x" for part in PARTS}
    with geo(Series("GSE900001", samples, files=pooled)) as running:
        found = running.resolve("GSE900001")
        urls = {file.url for file in found.files}
        folder = running.address("series/GSE900nnn/GSE900001/suppl")
    assert urls == {f"{folder}/{name}" for name in pooled}
    assert list(found.samples) == [gsm(1), gsm(2)]  # in order: barcodes end in -1, -2
    assert found.columns["sample"] == "obs:sample_id"
    assert found.columns["donor"] == "obs:donor_id"


def test_a_pooled_h5ad_tells_its_cells_apart_itself(geo):
    samples = [Sample(gsm(n), characteristics=["tissue: lung", f"donor: {n}"]) for n in (1, 2)]
    with geo(Series("GSE900001", samples, files={"GSE900001_all.h5ad": b"x"})) as running:
        columns = running.resolve("GSE900001").columns
    assert columns["tissue"] == "lung"  # one value holds for all
    assert not {"sample", "donor"} & set(columns)


def test_nothing_anywhere_is_in_sra_only(geo):
    with (
        geo(Series("GSE900001", [sample(1)])) as running,
        pytest.raises(ExcludedDataset) as caught,
    ):
        running.resolve("GSE900001")
    assert caught.value.rule == "raw_counts"
    assert caught.value.figure.startswith("GEO holds no file of it; reads only in SRA have to be")


def test_files_that_hold_no_counts(geo):
    with (
        geo(Series("GSE900001", [sample(1, "peaks.bw")])) as running,
        pytest.raises(ExcludedDataset, match=r"no count file among GSM9000001_peaks.bw"),
    ):
        running.resolve("GSE900001")


def test_links_to_other_places_are_no_files(geo):
    links = ["ftp://ftp-trace.ncbi.nlm.nih.gov/sra/sra-instant/reads/SRX1", "javascript:x"]
    with (
        geo(samples=[Sample(gsm(1), links=links)]) as running,
        pytest.raises(ExcludedDataset, match=r"^raw_counts: GEO holds no file"),
    ):
        running.resolve(gsm(1))


def test_children_of_a_super_series_choose_for_themselves(geo):
    own = Series("GSE900001", [sample(1, "a.h5")])
    pooled = Series(
        "GSE900002", [sample(2), sample(3)], files={f"GSE900002_{part}": b"x" for part in PARTS}
    )
    relations = ["SuperSeries of: GSE900001", "SuperSeries of: GSE900002"]
    top = Series("GSE900000", relations=relations, also_lists=[gsm(1), gsm(2), gsm(3)])
    with geo(top, own, pooled) as running:
        found = running.resolve("GSE900000")
    assert len(found.files) == 4
    assert list(found.samples) == [gsm(1), gsm(2), gsm(3)]
    assert found.columns["sample"] == "obs:sample_id"
    assert found.columns["tissue"] == "lung"
