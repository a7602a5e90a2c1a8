from __future__ import annotations

import gzip

import pytest

import mirbase_loci
from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.sources.bulk.hairpins import Hairpin, read_hairpins

HAIRPIN, MATURE = "miRNA_primary_transcript", "miRNA"


@pytest.fixture
def gff(tmp_path):
    path = tmp_path / "hsa.gff3"
    path.write_text(mirbase_loci.gff3())
    return path


def test_stem_loops_come_with_their_place_and_mature_mirnas(gff):
    found = read_hairpins(gff)
    assert len(found) == 13
    arms = ("hsa-miR-17-5p", "hsa-miR-17-3p")
    assert found[1] == Hairpin("hsa-mir-17", "chr13", 91350605, 91350688, "+", arms)
    made_by = [one.name for one in found if "hsa-miR-92a-3p" in one.mirnas]
    assert made_by == ["hsa-mir-92a-1", "hsa-mir-92a-2"]


def test_gzip_and_line_ends_of_windows_change_nothing(gff, tmp_path):
    packed = tmp_path / "hsa.gff3.gz"
    packed.write_bytes(gzip.compress(mirbase_loci.gff3().replace("\n", "\r\n").encode()))
    assert read_hairpins(packed) == read_hairpins(gff)
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(CorruptError, match=r"hsa\.gff3\.gz: broken gzip"):
        read_hairpins(packed)


def test_a_stem_loop_of_two_loci_makes_its_mirna_at_each(tmp_path):
    """Simulated places; miRBase gives the second locus an ID of its own, the miRNA the first's."""
    text = ""
    for copy, start in (("", 1000), ("_2", 9000)):
        about = {"ID": f"MI1{copy}", "Alias": "MI1", "Name": "hsa-mir-1"}
        text += mirbase_loci.line(HAIRPIN, "chr21", start, start + 60, "+", **about)
        about = {"ID": f"MIMAT1{copy}", "Name": "hsa-miR-1-5p", "Derives_from": "MI1"}
        text += mirbase_loci.line(MATURE, "chr21", start + 5, start + 26, "+", **about)
    (tmp_path / "hsa.gff3").write_text(text)
    first, second = read_hairpins(tmp_path / "hsa.gff3")
    assert (first.start, second.start) == (1000, 9000)
    assert first.mirnas == second.mirnas == ("hsa-miR-1-5p",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("\tmiRNA_primary_transcript\t", "\tgene\t"), "no line of type miRNA_primary_transcript"),
        (("\tmiRNA\t", "\texon\t"), r"no line of type miRNA; give miRBase's hsa\.gff3"),
        (("=hsa-", "=mmu-"), "of another organism: it names mmu-mir-622, nothing that begins with"),
        (("91350605", "9135060x"), r"line 6: 9135060x–91350688 on strand \+ is no place"),
        (("\t91350605\t91350688\t", "\t91350688\t91350605\t"), "line 6: .* is no place"),
        (("134170278\t.\t-", "134170278\t.\t."), r"line 39: .* on strand \. is no place"),
        ((";Name=hsa-mir-17\n", "\n"), "line 6 has no Name among its attributes"),
        (("91350688\t.\t", "91350688\t"), "line 6 has 8 columns between tabs, GFF3 has 9"),
        (("Derives_from=MI0000071", "Note=x"), "line 7: hsa-miR-17-5p derives from nothing, and"),
        (("91350618\t91350640", "618\t640"), "line 7: hsa-miR-17-5p derives from MI0000071, and"),
    ],
)
def test_what_is_no_annotation_of_human_mirnas_is_told(gff, change, said):
    gff.write_text(gff.read_text().replace(*change))
    with pytest.raises(InputError, match=rf"hsa\.gff3.*{said}") as told:
        read_hairpins(gff)
    assert "\n" not in str(told.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"no file .*hsa\.gff3; give miRBase's"):
        read_hairpins(tmp_path / "hsa.gff3")
