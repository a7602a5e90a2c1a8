from __future__ import annotations

import pytest

from sicmir_atlas.catalogue.duplicates import find_duplicates

LUNG_TITLE = "An invented census of the distal airways"
A, B = "1a2b3c4d-0000-4000-8000-000000000001", "1a2b3c4d-0000-4000-8000-000000000002"


def geo(name="g", **cells):
    return {"dataset_id": name, "source": "geo", "accession": "GSE1", **cells}


def cellxgene(name="c", **cells):
    return {"dataset_id": name, "source": "cellxgene", "accession": A, **cells}


def file(name="f", **cells):
    return {"dataset_id": name, "source": "file", "url": f"{name}.h5ad", **cells}


def found(*rows):
    return [(one.position, one.of, one.certain) for one in find_duplicates(rows)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (geo(), geo("h", accession="gse1")),
        (geo(accession="GSM1|GSM2"), geo("h", accession="GSM2|GSM1")),
        (geo(accession="GSM1|GSM2|GSM3"), geo("h", accession="GSM2")),
        (cellxgene(), cellxgene("d", accession=f"https://cellxgene.cziscience.com/e/{A}.cxg/")),
        (cellxgene(title="Lung"), cellxgene(title="lung", accession=B)),
        (geo(), file(accession="GSE1")),
        (cellxgene(same_as="GSE1"), geo()),
        (cellxgene(same_as="GSE1|GSE2"), geo()),
        (geo(), cellxgene(same_as="GSE1")),
        (geo(accession="GSE1|GSE2"), cellxgene(same_as="GSE1|GSE2")),
        (geo(doi="10.1/NOT.a.doi|10.1038/S41"), cellxgene(doi="https://doi.org/10.1038/s41")),
        (geo(same_as="PMID:30000001|GSE9"), file(same_as="pmid:30000001")),
        (geo(title=LUNG_TITLE), cellxgene(title=f"  {LUNG_TITLE.upper()}. ")),
        (geo(n_cells="1000", tissue="Lung"), cellxgene(n_cells="1000", tissue="lung")),
        (
            geo(n_cells="61234", title="Fibrosis of invented airways, a single-cell atlas"),
            cellxgene(n_cells="61234", title="Airways in fibrosis"),
        ),
        (file(url="a.h5ad"), file("other", url="a.h5ad")),
        (file(sha256="ab" * 32), file("copy", sha256="ab" * 32)),
        (
            {"dataset_id": "t", "source": "tabula_sapiens", "accession": "Lung"},
            cellxgene(title="Tabula Sapiens - Lung"),
        ),
        (
            cellxgene(title="Tabula Sapiens - All Cells"),
            {"dataset_id": "t", "source": "tabula_sapiens", "accession": "all"},
        ),
    ],
)
def test_the_same_data(first, second):
    assert found(first, second) == [(1, 0, True)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (geo(), geo("h", accession="GSE2", title=LUNG_TITLE, doi="10.1038/s41")),
        (geo(title=LUNG_TITLE, same_as="PMID:1"), geo("h", accession="GSE2", title=LUNG_TITLE)),
        (
            cellxgene(title="Lung", doi="10.1038/s41", same_as="GSE1", n_cells="5000"),
            cellxgene("d", accession=B, title="Lung", doi="10.1038/s41", same_as="GSE1"),
        ),
        (geo(title="Human lung atlas"), cellxgene(title="Human lung atlas")),
        (geo(title=""), cellxgene(title="")),
        (geo(n_cells="999", tissue="lung"), cellxgene(n_cells="999", tissue="lung")),
        (geo(n_cells="5000", tissue="obs:tissue"), cellxgene(n_cells="5000", tissue="obs:tissue")),
        (geo(n_cells="5000", title="Single cell atlas"), cellxgene(n_cells="5000", title="Lung")),
        (file(accession="GSE1"), file("part2", accession="GSE1")),
        (
            {"dataset_id": "t", "source": "tabula_sapiens", "accession": "Liver"},
            cellxgene(title="Tabula Sapiens - Lung"),
        ),
    ],
)
def test_other_data(first, second):
    assert found(first, second) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (geo(accession="GSM1|GSM2"), geo("h", accession="GSM2|GSM3")),
        (geo(), geo("super", accession="GSE9", same_as="GSE1|GSE2")),
        (geo(), cellxgene(same_as="GSE1|GSE2|GSE3")),
        (
            cellxgene(same_as="GSE1"),
            {"dataset_id": "s", "source": "scbasecount", "accession": "SRX1", "same_as": "GSE1"},
        ),
    ],
)
def test_perhaps_the_same_data(first, second):
    assert found(first, second) == [(1, 0, False)]


def test_a_duplicate_of_a_duplicate_has_the_same_original():
    rows = [cellxgene(same_as="GSE1"), geo(title=LUNG_TITLE), file(title=LUNG_TITLE)]
    assert found(*rows) == [(1, 0, True), (2, 0, True)]


def test_what_is_certain_counts_before_what_is_not():
    whole = geo("whole", accession="GSM2|GSM3")
    rows = [geo(accession="GSM1|GSM2"), whole, {**whole, "dataset_id": "again"}]
    assert found(*rows) == [(1, 0, False), (2, 1, True)]


def test_the_accession_is_the_first_reason():
    one = cellxgene(title="Lung", doi="10.1038/s41")
    assert [d.reason for d in find_duplicates([one, one])] == [f"accession {A}"]
    two = [one, file("c", accession=A, title=LUNG_TITLE, doi="10.1038/s41")]
    assert [d.reason for d in find_duplicates(two)] == [f"accession {A}"]


def test_thousands_of_rows_take_no_time():
    rows = [geo(f"g{i}", accession=f"GSE{i}", title=f"{LUNG_TITLE} {i}") for i in range(5000)]
    rows += [cellxgene(f"c{i}", accession="", same_as=f"GSE{i}") for i in range(5000)]
    assert len(found(*rows)) == 5000
