import pytest

from sicmir_atlas.assays import assay_kind, is_tenx

TENX = [
    *("EFO:0009901", "EFO:0009899", "EFO:0009922", "EFO:0022604", "EFO:0011025", "EFO:0009900"),
    *("EFO:0022605", "EFO:0030003", "EFO:0030004", "EFO:0022606", "EFO:0030059"),
]


@pytest.mark.parametrize("term", TENX)
def test_10x_assays_of_the_sources_spec_count_umis(term):
    assert assay_kind(term) == "umi"
    assert is_tenx(term)


@pytest.mark.parametrize("term", ["EFO:0008930", "EFO:0008931", "EFO:0700016", "EFO:0022488"])
def test_smart_seq_counts_reads(term):
    assert assay_kind(term) == "reads"


@pytest.mark.parametrize(
    "term", ["EFO:0022857", "EFO:0022859", "EFO:0022860", "EFO:0010961", "EFO:0030062"]
)
def test_visium_and_slide_seq_are_spatial_and_no_10x(term):
    assert assay_kind(term) == "spatial"
    assert not is_tenx(term)


def test_drop_seq_counts_umis_and_is_no_10x():
    assert assay_kind("EFO:0008722") == "umi"
    assert not is_tenx("EFO:0008722")


@pytest.mark.parametrize("term", ["", "10x", "EFO:9999999", "CL:0000084"])
def test_what_is_no_assay_is_unknown(term):
    assert assay_kind(term) == "unknown"
