from __future__ import annotations

import pytest

import bulk_site
from sicmir_atlas.errors import InputError
from sicmir_atlas.sources.bulk import mirbase, read_mirna_names
from sicmir_atlas.sources.services import Services


def test_names_come_out_of_the_page_around_them(site, tmp_path):
    base = site.url("ok", "").rstrip("/")
    path = mirbase.fetch(tmp_path, Services(requests_per_second=400), base=base)
    assert path.read_text().startswith("<p>")
    assert read_mirna_names(path) == bulk_site.ACCESSIONS


@pytest.mark.parametrize(
    "text",
    [
        ">hsa-let-7a-5p MIMAT0000062 Homo sapiens let-7a-5p\nUGAGG\n>mmu-x MIMAT9 Mus\nUGA\n",
        "MIMAT0000062\thsa-let-7a;hsa-let-7a-5p;\nMI0000060\thsa-let-7a-1;\n",
        "#id\tgene\tchrom\tchromStart\nMIMAT0000062\thsa-let-7a-5p\tchr9\t1\n",
        "accession\tname\r\nMIMAT0000062\thsa-let-7a-5p\r\n",
    ],
    ids=["mature.fa", "aliases.txt", "probemap", "two columns"],
)
def test_any_of_the_usual_tables(tmp_path, text):
    (tmp_path / "names").write_text(text)
    assert read_mirna_names(tmp_path / "names") == {"MIMAT0000062": "hsa-let-7a-5p"}


def test_tables_that_name_nothing_or_two_things(tmp_path):
    with pytest.raises(InputError, match=r"no file .*names; give miRBase's mature\.fa"):
        read_mirna_names(tmp_path / "names")
    (tmp_path / "names").write_text("hsa-let-7a-5p\tMIMAT0000062\n")
    with pytest.raises(InputError, match="names no human miRNA"):
        read_mirna_names(tmp_path / "names")
    (tmp_path / "names").write_text("MIMAT1\thsa-miR-1\nMIMAT1\thsa-miR-2\n")
    with pytest.raises(InputError, match="MIMAT1 is called hsa-miR-1 and hsa-miR-2; keep one"):
        read_mirna_names(tmp_path / "names")
