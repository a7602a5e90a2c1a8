from __future__ import annotations

import pytest

from sicmir_atlas.sources.geo.soft import read_soft, stub

SPEC = """\
^DATABASE = GeoMiame
!Database_name = Gene Expression Omnibus (GEO)
^SERIES = GSE900001
!Series_title = Invented lung atlas = a = b
!Series_overall_design =
!Series_pubmed_id = 30000001
!Series_pubmed_id = 30000002
!Series_contact_name = Invented,,Person
^PLATFORM = GPL24676
!Platform_title = a platform
#ID = number
!platform_table_begin
ID\tSEQUENCE
1\tACGT
!Sample_title = in a table
!platform_table_end
!Platform_data_row_count = 1
^SAMPLE = GSM9000011
!Sample_title = donor1 lung
!Sample_characteristics_ch1 = tissue: lung
!Sample_characteristics_ch1 = disease state: normal
!Sample_supplementary_file_1 = ftp://a
!Sample_supplementary_file_2 = ftp://b
!sample_table_begin
ID_REF\tVALUE
!sample_table_end
!Sample_series_id = GSE900001
^SAMPLE = GSM9000012
!Sample_supplementary_file = NONE
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_records_keys_and_lists(end):
    lines = SPEC.replace("\n", end).splitlines(keepends=True)
    database, series, platform, first, second = read_soft(lines)
    assert (database.kind, database.accession) == ("DATABASE", "GeoMiame")
    assert series.first("title") == "Invented lung atlas = a = b"  # split at the first =
    assert series.first("overall_design") is None
    assert series.all("pubmed_id") == ["30000001", "30000002"]
    assert series.first("contact_name") is None
    assert platform.attributes == {"title": ["a platform"]}
    assert first.all("characteristics_ch1") == ["tissue: lung", "disease state: normal"]
    assert first.numbered("supplementary_file") == ["ftp://a", "ftp://b"]
    assert first.first("series_id") == "GSE900001"  # after a table
    assert second.numbered("supplementary_file") == ["NONE"]


def test_only_the_kinds_asked_for_are_held():
    entities = list(read_soft(SPEC.splitlines(), kinds=frozenset({"SAMPLE"})))
    assert [e.accession for e in entities] == ["GSM9000011", "GSM9000012"]
    assert entities[0].first("title") == "donor1 lung"


def test_texts_that_repeat_are_held_once():
    lines = [f"^SAMPLE = GSM{n}\n!Sample_data_processing = the same text" for n in range(2)]
    one, other = read_soft("\n".join(lines).splitlines())
    assert one.first("data_processing") is other.first("data_processing")


@pytest.mark.parametrize(
    ("accession", "folder"),
    [
        ("GSE1", "GSEnnn"),
        ("GSE999", "GSEnnn"),
        ("GSE1000", "GSE1nnn"),
        ("GSM8695035", "GSM8695nnn"),
        ("GSE900001", "GSE900nnn"),
    ],
)
def test_stub(accession, folder):
    assert stub(accession) == folder
