import pytest

from sicmir_atlas.choice import choose, choose_each
from sicmir_atlas.errors import InputError
from sicmir_atlas.formats import layout, sample_of


def triplet(prefix, genes="features"):
    return [f"{prefix}matrix.mtx.gz", f"{prefix}{genes}.tsv.gz", f"{prefix}barcodes.tsv.gz"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.h5ad"], [("a", "h5ad")]),
        (
            ["GSM1_x_filtered_feature_bc_matrix.h5"],
            [("GSM1_x_filtered_feature_bc_matrix", "10x_h5")],
        ),
        (["a.loom"], [("a", "loom")]),
        (triplet(""), [("matrix", "mtx")]),
        (triplet("GSM1_d1_", "genes"), [("GSM1_d1", "mtx")]),
        (triplet("GSM1_d1.") + triplet("GSM2_d2."), [("GSM1_d1", "mtx"), ("GSM2_d2", "mtx")]),
        (
            ["GSM1_matrix_d1.mtx", "GSM1_genes_d1.tsv", "GSM1_barcodes_d1.tsv"],
            [("GSM1_d1", "mtx")],
        ),
        (
            triplet("GSE1_RAW.tar/GSM1_lib.tar.gz/filtered_feature_bc_matrix/"),
            [("GSM1_lib", "mtx")],
        ),
        (triplet("GSM1_lib.tar.gz/lib/outs/"), [("GSM1_lib", "mtx")]),
        (
            ["a.mtx", "a_barcodes.tsv", "b.mtx", "b_barcodes.tsv", "all_genes.tsv"],
            [("a", "mtx"), ("b", "mtx")],
        ),
        (["counts_by_genes.tsv"], [("counts_by_genes", "csv")]),
        (["a_counts.csv", "readme.txt", "md5sums.txt", "figure.png"], [("a_counts", "csv")]),
    ],
)
def test_libraries_are_told_by_names(names, expected):
    libraries, metadata = layout(names)
    assert [(library.name, library.format) for library in libraries] == expected
    assert metadata == []


def test_a_triplet_is_given_as_matrix_features_barcodes():
    (library,), _ = layout(sorted(triplet("x_", "genes")))
    assert library.files == ("x_matrix.mtx.gz", "x_genes.tsv.gz", "x_barcodes.tsv.gz")


def test_tables_of_cells_stand_beside():
    assert layout(["counts.csv", "cell_metadata.csv"])[1] == ["cell_metadata.csv"]
    assert layout([*triplet(""), "annotation.tsv"])[1] == ["annotation.tsv"]


@pytest.mark.parametrize("names", [[], ["a.png"], ["a.h5ad", "b.loom"]])
def test_names_that_make_up_no_format_are_listed(names):
    with pytest.raises(InputError, match="do not make up one format") as caught:
        layout(names)
    assert all(name in str(caught.value) for name in names)


def test_a_format_can_be_asked():
    assert [lib.files for lib in layout(["a.h5ad", "b.loom"], "loom")[0]] == [("b.loom",)]
    with pytest.raises(InputError, match=r"format mtx: a\.h5ad"):
        layout(["a.h5ad"], "mtx")


def test_samples_of_a_super_series_may_differ_in_format():
    names = [*triplet("GSM1_"), "GSM2_filtered_feature_bc_matrix.h5"]
    found = {library.name[:4]: library.format for library in layout(names)[0]}
    assert found == {"GSM1": "mtx", "GSM2": "10x_h5"}
    found = [library.files[0] for library in layout([*names, "GSM3_counts.csv", "cells.csv"])[0]]
    assert sorted(found) == [
        "GSM1_matrix.mtx.gz",
        "GSM2_filtered_feature_bc_matrix.h5",
        "GSM3_counts.csv",
    ]
    for other in ("GSM1.h5", "pooled.h5"):  # one sample in two formats, or no sample's
        with pytest.raises(InputError, match="10x_h5 and mtx: name one"):
            layout([*names, other])


def test_half_a_triplet():
    with pytest.raises(InputError, match=r"GSM1_matrix\.mtx\.gz: a triplet is"):
        layout([*triplet("GSM2_"), "GSM1_matrix.mtx.gz", "GSM1_barcodes.tsv.gz", "GSM3_genes.tsv"])


def test_an_r_object_is_refused_with_the_command_that_converts_it():
    with pytest.raises(InputError, match=r"readRDS\(\"lung\.rds\"\).*write10xCounts"):
        layout(["lung.rds"])
    with pytest.raises(InputError, match=r"a\.xlsx cannot be read: unpack or save it"):
        choose(["a.xlsx"])


def test_called_cells_come_before_unfiltered_ones():
    names = ["GSM1_raw_feature_bc_matrix.h5", "GSM1_filtered_feature_bc_matrix.h5"]
    choice = choose(names)
    assert choice.files == ("GSM1_filtered_feature_bc_matrix.h5",)
    assert choice.notes == ("left out as unfiltered: GSM1_raw_feature_bc_matrix.h5",)
    assert choose(names[:1]).files == (names[0],)


def test_raw_counts_are_not_taken_for_unfiltered():
    assert choose(["GSE1_raw_counts.csv.gz", "GSE1_tpm.csv.gz"]).files == (
        "GSE1_raw_counts.csv.gz",
    )
    inside = [f"GSE1_RAW.tar/{name}" for name in triplet("GSM1_")]
    assert set(choose(inside).files) == set(inside)


@pytest.mark.parametrize("word", ["normal", "abnormal", "normoxia"])
def test_healthy_samples_are_not_taken_for_normalised(word):
    names = [f"GSM1_{word}_counts.csv.gz", "GSM2_tumor_counts.csv.gz"]
    assert choose(names).files == tuple(names)
    for other in ("normalised", "normalized", "norm", "log2norm"):
        assert choose([*names, f"GSE1_{other}.csv.gz"]).files == tuple(names)


def test_the_only_file_of_a_sample_is_no_table_of_cells():
    names = ["GSM1_PBMC.csv.gz", "GSM2_T_cells.csv.gz", "GSM3_metastasis.csv.gz"]
    libraries, metadata = layout([*names, "GSE1_metadata.csv.gz"])
    assert [library.files for library in libraries] == [(name,) for name in names]
    assert metadata == ["GSE1_metadata.csv.gz"]
    own = ["GSM1_counts.csv.gz", "GSM1_cells.csv.gz", *triplet("GSM2_"), "GSM2_metadata.csv.gz"]
    assert layout(own, "mtx")[1] == ["GSM1_cells.csv.gz", "GSM2_metadata.csv.gz"]
    assert layout([*triplet(""), "GSM1_metadata.csv"])[1] == ["GSM1_metadata.csv"]
    assert layout([*triplet(""), "GSM1_cells.csv"])[1] == ["GSM1_cells.csv"]
    assert layout(["GSE1.h5ad", "GSM1_metadata.csv"])[1] == ["GSM1_metadata.csv"]
    assert layout(["primary_counts.csv", "metastasis_counts.csv"])[1] == []


def test_one_format_is_taken_and_the_choice_told():
    choice = choose([*triplet("GSM1_"), "GSM1_filtered.h5", "GSM1.rds"])
    assert choice.files == ("GSM1_filtered.h5",)
    assert choice.notes[0].startswith("10x_h5 taken; left out: GSM1_barcodes.tsv.gz")


def test_the_row_decides():
    names = [*triplet("GSM1_"), "GSM1_filtered.h5", "GSE1_cells.csv"]
    assert set(choose(names, "GSM1_*.gz|GSE1_cells.csv").files) == {*triplet("GSM1_"), names[-1]}
    with pytest.raises(InputError, match=r"column files: 'x\*' is none of GSE1_cells\.csv, GSM1_"):
        choose(names, "x*")


def test_archives_are_taken_where_nothing_else_is():
    assert choose(["GSM1_lib.tar.gz"]).files == ("GSM1_lib.tar.gz",)
    assert choose(["GSM1_lib.tar.gz", *triplet("GSM1_")]).files[0] == "GSM1_matrix.mtx.gz"


def test_nothing_of_counts():
    assert choose(["GSM1_fragments.tsv.gz", "a.pdf"]).files == ()


def test_a_sample_is_the_gsm_of_its_library():
    assert sample_of("GSE1_GSM22_lung") == "GSM22"
    assert sample_of("lung") == "lung"


def test_an_archive_of_several_samples_loses_none():
    names = ["GSM1_counts.csv.gz", *triplet("GSM2_"), "GSM3_raw_feature_bc_matrix.h5", "all.rds"]
    choice = choose_each(names)
    assert set(choice.files) == set(names) - {"all.rds"}
    own = [*triplet("GSM1_"), "GSM1.rds", *triplet("GSM2_raw_"), *triplet("GSM2_lib_")]
    kept = {*triplet("GSM1_"), *triplet("GSM2_lib_")}
    assert set(choose_each([*own, "pooled.csv"]).files) == kept
    assert "they tell no sample: pooled.csv" in choose_each([*own, "pooled.csv"]).notes[-1]


def test_lists_of_genes_are_no_table_of_counts():
    assert choose(["GSE1_genes.txt", "GSE1_counts.txt"]).files == ("GSE1_counts.txt",)
    assert choose(["GSE1_genes.txt"]).files == ("GSE1_genes.txt",)
