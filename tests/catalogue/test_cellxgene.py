from __future__ import annotations

import re

import pytest

from archives import ArchiveServer
from cellxgene_site import (
    HUMAN,
    LIVER,
    LUNG,
    MOUSE,
    NORMAL,
    SMART_SEQ2,
    TENX,
    VISIUM,
    Simulated,
    cellxgene_sites,
    many,
    uid,
)
from sicmir_atlas.catalogue.cellxgene import COLUMNS, rows
from sicmir_atlas.errors import InputError
from sicmir_atlas.sources import Services
from sicmir_atlas.sources.cellxgene import resolve_cellxgene
from sicmir_atlas.sources.http import Client

RIGHT_LUNG_LOBE, COVID = "UBERON:0006518", "MONDO:0100096"
FIVE_PRIME_V2, MULTIOME, SCI_RNA_SEQ = "EFO:0009900", "EFO:0030059", "EFO:0010550"


def simulated(title, **fields):
    return Simulated(title=title, has_file=False, **fields)


@pytest.fixture
def search():
    """Serve datasets, and search them; the last server is an attribute."""
    with ArchiveServer({}) as server:
        services = Services(
            cellxgene_url=server.url("cellxgene"),
            cellxgene_files_url=server.url("cellxgene_files"),
            requests_per_second=1000,
        )
        clients = []

        def run(datasets, collections=None, **options):
            server.sites |= cellxgene_sites(datasets, collections=collections)
            clients.append(Client(services, tries=2, wait=0.01))
            return rows(clients[-1], **options)

        run.server, run.clients = server, clients
        yield run
        for client in clients:
            client.__exit__()


def titles(found):
    return {row["title"] for row in found}


def test_a_row_holds_what_the_samplesheet_wants(search):
    lung = simulated("Human lung: healthy & ill!", collection="Atlas", primary=(True, False))
    links = {"links": [{"link_type": "RAW_DATA", "link_url": "https://x.org/GSE900001"}]}
    (row,) = search([lung], {"Atlas": links}, min_cells=300)
    assert row == {
        "dataset_id": f"human-lung-healthy-ill-{lung.dataset_id[:8]}",
        "source": "cellxgene",
        "accession": lung.version_id,
        "primary_data": "only",
        "title": "Human lung: healthy & ill!",
        "doi": f"10.5555/{uid('Atlas')[:8]}",
        "n_cells": "300",
        "same_as": "GSE900001",
        "licence": "CC BY 4.0",
    }
    assert tuple(row) == COLUMNS


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tissue": "lung"}, {"lung", "lobe"}),
        ({"tissue": "LUNG"}, {"lung", "lobe"}),
        ({"tissue": LUNG}, {"lung", "lobe"}),
        ({"tissue": "right lung lobe"}, {"lobe"}),
        ({"tissue": "liver | uberon:0006518"}, {"liver", "lobe"}),
        ({"tissue": "CL:0000084"}, {"culture"}),
        ({"disease": "normal"}, {"lung", "liver", "culture"}),
        ({"disease": "viral infectious disease"}, {"lobe", "joined"}),
        ({"disease": "normal|COVID-19"}, {"lung", "liver", "culture", "lobe", "joined"}),
    ],
)
def test_tissues_and_diseases_are_found_with_their_descendants(search, options, expected):
    joined = {"label": "COVID-19 || asthma", "ontology_term_id": f"{COVID} || MONDO:0004979"}
    culture = {"label": "T cell", "ontology_term_id": "CL:0000084", "tissue_type": "cell line"}
    datasets = [
        simulated("lung"),
        simulated("lobe", tissue=(RIGHT_LUNG_LOBE,), disease=(COVID,)),
        simulated("liver", tissue=(LIVER,)),
        simulated("culture", fields={"tissue": [culture]}),
        simulated("joined", tissue=("UBERON:0000178",), fields={"disease": [joined]}),
        simulated("nothing", fields={"tissue": None, "disease": None}),
    ]
    assert titles(search(datasets, **options)) == expected


@pytest.mark.parametrize(
    ("assay", "expected"),
    [
        ("10x", {"v3", "v2", "multiome", "mixed"}),
        ("10x 3' v3", {"v3", "mixed"}),
        ("10X 3' V3", {"v3", "mixed"}),
        (f"{MULTIOME}|{FIVE_PRIME_V2}", {"v2", "multiome"}),
        ("sci-rna-seq", {"sci"}),
        (None, {"v3", "v2", "multiome", "mixed", "sci"}),
    ],
)
def test_assays(search, assay, expected):
    kinds = {
        "v3": (TENX,),
        "v2": (FIVE_PRIME_V2,),
        "multiome": (MULTIOME,),
        "mixed": (TENX, SMART_SEQ2),
        "sci": (SCI_RNA_SEQ,),
        "reads": (SMART_SEQ2,),
        "spots": (VISIUM,),
    }
    datasets = [simulated(title, assay=assays) for title, assays in kinds.items()]
    assert titles(search(datasets, assay=assay)) == expected


def test_organisms_cells_copies_and_files(search):
    datasets = [
        simulated("lung"),
        simulated("mouse", organism=(MOUSE,)),
        simulated("both", organism=(HUMAN, MOUSE)),
        simulated("copy", primary=(False,)),
        simulated("small", cells={"T cell": 499}),
        simulated("few of its own", cells={"T cell": 600}, primary=(True, False)),
        simulated("uncounted", fields={"cell_count": None, "primary_cell_count": None}),
        simulated("no file", fields={"assets": None}),
    ]
    assert titles(search(datasets)) == {"lung", "uncounted"}
    everything = {"lung", "uncounted", "copy", "few of its own"}
    found = search(datasets, primary="any")
    assert titles(found) == everything
    assert {row["primary_data"] for row in found} == {"any"}
    assert titles(search(datasets, organism="NCBITaxon:10090")) == {"mouse"}
    assert titles(search(datasets, organism="Homo sapiens|Mus musculus")) == {
        "lung", "uncounted", "mouse", "both",
    }  # fmt: skip
    assert titles(search(datasets, min_cells=100)) == {
        "lung", "uncounted", "small", "few of its own",
    }  # fmt: skip


@pytest.mark.parametrize(
    "collection",
    ["atlas b", uid("Atlas B"), f"https://cellxgene.cziscience.com/collections/{uid('Atlas B')}/"],
)
def test_a_collection(search, collection):
    datasets = [simulated(name, collection=f"Atlas {name}") for name in "ABC"]
    assert titles(search(datasets, collection=collection)) == {"B"}
    assert titles(search(datasets, collection=f"{collection}|Atlas C")) == {"B", "C"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tissue": "lnug"}, r"tissue 'lnug': no dataset .*did you mean lung\?"),
        ({"disease": "xyz"}, r"disease 'xyz': no dataset of CELLxGENE has it$"),
        ({"assay": "10x 3' v9"}, r"assay .*did you mean 10x 3' v3"),
        ({"organism": "Homo sapien"}, r"organism .*did you mean homo sapiens"),
        ({"collection": "Invented atlsa"}, r"collection .*did you mean invented atlas"),
    ],
)
def test_a_word_that_nobody_knows_gets_a_guess(search, options, message):
    with pytest.raises(InputError, match=message):
        search([simulated("lung")], **options)


def test_a_term_that_no_dataset_has_finds_nothing(search):
    assert search([simulated("lung")], tissue="spleen") == []


def test_a_version_is_pinned_and_names_are_those_of_the_dataset(search):
    old, new = simulated("lung"), simulated("lung", version=2)
    (before,), (after,) = search([old]), search([old, new])
    assert before["dataset_id"] == after["dataset_id"]
    assert (before["accession"], after["accession"]) == (old.version_id, new.version_id)


def test_four_hundred_datasets(search, root):
    datasets = many(400)
    found = search(datasets, min_cells=0)
    assert len(search.server.requests) == 2
    kept = {row["accession"] for row in found}
    by_hand = {
        one.version_id
        for one in datasets
        if one.organism == (HUMAN,)
        and any(assay in {TENX, "EFO:0009899", "EFO:0011025", MULTIOME} for assay in one.assay)
        and True in one.primary
    }
    assert kept == by_hand
    assert len({row["dataset_id"].lower() for row in found}) == len(found) > 200
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", row["dataset_id"]) for row in found)
    assert found == sorted(found, key=lambda row: row["dataset_id"])
    assert {NORMAL} < {term for one in datasets for term in one.disease}


def test_each_row_resolves_to_what_it_says_without_another_request(search):
    found = search(many(40), min_cells=0)
    before = len(search.server.requests)
    for row in found:
        (one,) = resolve_cellxgene(row, search.clients[-1])
        assert one.version == row["accession"]
        for column in ("title", "doi", "n_cells", "same_as", "licence"):
            assert one.columns.get(column, "") == row[column]
    assert len(search.server.requests) == before


def test_a_title_of_other_letters_still_gives_a_name(search):
    long, foreign = simulated("A very long title, " * 9), simulated("肺")
    names = {row["title"]: row["dataset_id"] for row in search([long, foreign])}
    assert names["肺"] == f"cellxgene-{foreign.dataset_id[:8]}"
    assert all(len(name) <= 64 for name in names.values())
