from __future__ import annotations

import anndata as ad
import httpx
import numpy as np
import pytest

from archives import FAULTS
from cellxgene_site import (
    HUMAN,
    LIVER,
    MOUSE,
    SMART_SEQ2,
    TENX,
    VISIUM,
    Simulated,
    cellxgene_sites,
    uid,
)
from sicmir_atlas.errors import ExcludedDataset, GoneError, InputError
from sicmir_atlas.sources import Refused
from sicmir_atlas.sources.cellxgene import CellxgeneIndex, look_up, resolve_cellxgene

LUNG = Simulated(title="Lung", has_file=False)
REVISED = Simulated(title="Lung", version=2, has_file=False)
ALONE = Simulated(title="Liver", collection="Alone", tissue=(LIVER,), has_file=False)


def row(accession, **cells):
    return {"dataset_id": "mine", "source": "cellxgene", "accession": accession} | cells


def paths(server):
    return [request.path.removeprefix("/cellxgene/") for request in server.requests]


@pytest.mark.parametrize(
    "accession",
    [
        ALONE.version_id,
        ALONE.dataset_id,
        ALONE.dataset_id.upper(),
        ALONE.collection_id,
        f"https://cellxgene.cziscience.com/e/{ALONE.dataset_id}.cxg/",
        f"https://cellxgene.cziscience.com/collections/{ALONE.collection_id}",
        f"https://cellxgene.cziscience.com/collections/{ALONE.collection_id}?tab=1",
        f"https://datasets.cellxgene.cziscience.com/{ALONE.version_id}.h5ad",
    ],
)
def test_every_id_and_address_leads_to_the_pinned_file(ask, accession):
    server, client = ask(cellxgene_sites([LUNG, ALONE]))
    (found,) = resolve_cellxgene(row(accession), client)
    assert found.dataset_id == "mine"
    assert (found.accession, found.version) == (ALONE.dataset_id, ALONE.version_id)
    (file,) = found.files
    assert file.url == f"{server.url('cellxgene_files')}/{ALONE.version_id}.h5ad"
    assert file.name == f"{ALONE.version_id}.h5ad"
    assert file.size is None  # -1 says that it is not known


def test_what_the_source_says(ask):
    links = [
        {"link_name": "GEO GSE900001", "link_type": "RAW_DATA", "link_url": "https://x.org/a"},
        {"link_name": None, "link_type": "OTHER", "link_url": "https://x.org/acc=GSE900002&x=1"},
        {"link_name": "again", "link_type": "OTHER", "link_url": "https://x.org/GSE900001"},
    ]
    sites = cellxgene_sites([ALONE], collections={"Alone": {"links": links}})
    _, client = ask(sites)
    (found,) = resolve_cellxgene(row(ALONE.dataset_id), client)
    assert found.columns == {
        "organism": "Homo sapiens",
        "assay": "obs:assay",
        "tissue": "obs:tissue",
        "disease": "obs:disease",
        "cell_type": "obs:cell_type",
        "donor": "obs:donor_id",
        "primary_data": "only",
        "title": "Liver",
        "doi": f"10.5555/{uid('Alone')[:8]}",
        "licence": "CC BY 4.0",
        "n_cells": "600",
        "same_as": "GSE900001|GSE900002",
    }


def test_a_dataset_is_its_newest_version_and_a_version_stays_what_it_is(ask):
    _, client = ask(cellxgene_sites([LUNG, REVISED]))
    (newest,) = resolve_cellxgene(row(LUNG.dataset_id), client)
    assert (newest.version, newest.notes) == (REVISED.version_id, ())
    (older,) = resolve_cellxgene(row(LUNG.version_id), client)
    assert (older.version, older.accession) == (LUNG.version_id, LUNG.dataset_id)
    assert older.files[0].name == f"{LUNG.version_id}.h5ad"
    assert older.notes == (
        f"version {LUNG.version_id} is not the newest: that is {REVISED.version_id}",
    )


def test_of_a_collection_each_dataset_is_judged_alone(ask):
    names = {
        "organism": Simulated(title="Mouse", organism=(MOUSE,), has_file=False),
        "spatial": Simulated(title="Spots", assay=(VISIUM,), has_file=False),
        "umi": Simulated(title="Reads", assay=(SMART_SEQ2,), has_file=False),
        "primary": Simulated(title="Copy", primary=(False,), has_file=False),
        "raw_counts": Simulated(title="No file", fields={"assets": None}, has_file=False),
    }
    kept = [
        LUNG,
        Simulated(title="Mixed assays", assay=(TENX, SMART_SEQ2), has_file=False),
        Simulated(title="Mixed primary", primary=(True, False), has_file=False),
    ]
    mixed = Simulated(title="Both", organism=(HUMAN, MOUSE), has_file=False)
    _, client = ask(cellxgene_sites([*names.values(), mixed, *kept]))
    found = resolve_cellxgene(row(LUNG.collection_id), client)
    refused = {f.accession: f for f in found if isinstance(f, Refused)}
    assert {f.accession for f in found} - set(refused) == {one.dataset_id for one in kept}
    assert all(f.dataset_id == f"mine.{f.accession[:8]}" for f in found)
    for rule, one in names.items():
        because = refused.pop(one.dataset_id).because
        assert because.rule == rule
        assert because.facts["title"] == one.title
    (last,) = refused.values()
    assert str(last.because) == (
        "organism: Homo sapiens, Mus musculus; only Homo sapiens is included"
    )


def test_an_id_from_outside_leads_out_of_no_folder(ask):
    strange = Simulated(title="Strange", fields={"dataset_id": "/../../x"}, has_file=False)
    _, client = ask(cellxgene_sites([LUNG, strange]))
    found = resolve_cellxgene(row(LUNG.collection_id), client)
    assert {f.dataset_id for f in found} == {f"mine.{LUNG.dataset_id[:8]}", "mine.x"}


def test_copies_are_taken_when_the_row_asks(ask):
    copy = Simulated(title="Copy", primary=(False,), has_file=False)
    _, client = ask(cellxgene_sites([copy]))
    with pytest.raises(ExcludedDataset, match=r"primary: .* set column primary_data to any"):
        resolve_cellxgene(row(copy.version_id), client)
    (found,) = resolve_cellxgene(row(copy.version_id, primary_data="any"), client)
    assert found.columns["primary_data"] == "any"


def test_cells_are_announced_as_they_will_be_taken(ask):
    mixed = Simulated(title="Mixed", primary=(True, False), has_file=False)
    _, client = ask(cellxgene_sites([mixed]))
    (only,) = resolve_cellxgene(row(mixed.dataset_id), client)
    (every,) = resolve_cellxgene(row(mixed.dataset_id, primary_data="any"), client)
    assert (only.columns["n_cells"], every.columns["n_cells"]) == ("300", "600")


NULLABLE = (
    "assay", "batch_condition", "cell_count", "cell_type", "citation", "disease", "donor_id",
    "is_primary_data", "mean_genes_per_cell", "organism", "primary_cell_count", "schema_version",
    "sex", "suspension_type", "tissue", "title",
)  # fmt: skip


def test_any_field_may_be_null(ask):
    bare = Simulated(title="Bare", fields=dict.fromkeys(NULLABLE), has_file=False)
    nothing = {"doi": None, "links": None}
    _, client = ask(cellxgene_sites([bare], collections={bare.collection: nothing}))
    (found,) = resolve_cellxgene(row(bare.dataset_id), client)
    assert found.version == bare.version_id
    assert not {"cell_type", "organism", "title", "doi", "n_cells", "same_as"} & set(found.columns)
    assert found.notes == ("CELLxGENE names no cell types: give column cell_type if there are any",)


def test_the_doi_of_the_citation_serves_where_the_collection_has_none(ask):
    sites = cellxgene_sites([ALONE], collections={"Alone": {"doi": None}})
    _, client = ask(sites)
    (found,) = resolve_cellxgene(row(ALONE.version_id), client)
    assert found.columns["doi"] == f"10.5555/{uid('Alone')[:8]}"


@pytest.mark.parametrize(
    ("accession", "message"),
    [
        (uid("nowhere"), "has no dataset version, dataset or collection of this id"),
        (uid("Alone/version"), "HTTP 403.*private, or an older version of a collection"),
        (LUNG.dataset_id, "removed from CELLxGENE: .*HTTP 410.*no longer available"),
        (LUNG.version_id, "removed from CELLxGENE: .*HTTP 410"),
        (uid("hidden"), "HTTP 403.*private"),
    ],
)
def test_not_there_removed_and_private_are_told_apart(ask, accession, message):
    sites = cellxgene_sites(
        [LUNG, ALONE], removed=[LUNG.dataset_id, LUNG.version_id], private=[uid("hidden")]
    )
    _, client = ask(sites)
    with pytest.raises(GoneError, match=f"^mine: {accession}: .*{message}"):
        resolve_cellxgene(row(accession), client)


@pytest.mark.parametrize("accession", [None, "", "GSE1", f"{uid('a')}|{uid('b')}"])
def test_an_accession_is_one_id(ask, accession):
    server, client = ask(cellxgene_sites([LUNG]))
    with pytest.raises(InputError, match=r"^mine: .*\bid\b"):
        resolve_cellxgene(row(accession), client)
    assert server.requests == []


def test_an_empty_collection_says_so(ask):
    _, client = ask(cellxgene_sites([LUNG], collections={"Empty": {}}))
    with pytest.raises(GoneError, match="has no public datasets"):
        resolve_cellxgene(row(uid("Empty")), client)


def test_nothing_is_asked_twice(ask):
    other = Simulated(title="Other", has_file=False)
    server, client = ask(cellxgene_sites([LUNG, other]))
    for one in (LUNG, other, LUNG):
        resolve_cellxgene(row(one.version_id), client)
    assert sorted(paths(server)) == sorted(
        [
            f"dataset_versions/{LUNG.version_id}",
            f"dataset_versions/{other.version_id}",
            f"collections/{LUNG.collection_id}",
        ]
    )


def test_an_index_answers_for_all_it_has_in_two_requests(ask):
    server, client = ask(cellxgene_sites([LUNG, REVISED, ALONE]))
    index = CellxgeneIndex(client)
    assert [d["title"] for d in index.datasets] == ["Lung", "Liver"]
    for accession in (REVISED.version_id, LUNG.dataset_id, LUNG.collection_id):
        assert index.find(accession).datasets[0]["dataset_version_id"] == REVISED.version_id
        assert look_up(client, accession) == index.find(accession)
    assert paths(server) == ["datasets", "collections"]
    assert index.find(LUNG.version_id) is None
    assert look_up(client, LUNG.version_id).datasets[0]["dataset_version_id"] == LUNG.version_id
    assert paths(server)[2:] == [
        f"dataset_versions/{LUNG.version_id}",
        f"collections/{LUNG.collection_id}",
    ]


def test_an_index_says_the_same_as_single_look_ups(ask):
    links = {"links": [{"link_type": "OTHER", "link_url": "https://x.org/GSE9"}]}
    sites = cellxgene_sites([LUNG, ALONE], collections={"Alone": links})
    server, client = ask(sites)
    single = [resolve_cellxgene(row(one.dataset_id), client) for one in (LUNG, ALONE)]
    CellxgeneIndex(client)
    before = len(server.requests)
    assert [resolve_cellxgene(row(one.dataset_id), client) for one in (LUNG, ALONE)] == single
    assert len(server.requests) == before


def test_faults_on_the_way_change_nothing(ask):
    def columns(**options):
        server, client = ask(cellxgene_sites([LUNG, ALONE]), **options)
        ids = [i for one in (LUNG, ALONE) for i in (one.version_id, one.dataset_id)]
        found = [resolve_cellxgene(row(i), client) for i in [*ids, ALONE.collection_id]]
        return server, [one.columns for (one,) in found]

    _, calm = columns()
    server, patient = columns(fault_every=2)
    assert patient == calm
    assert {request.fault for request in server.requests} == {None, *FAULTS}


def test_the_simulated_file_is_in_the_schema(ask, tmp_path):
    """What the spec says of H5AD files holds for those that other tests use."""
    mixed = Simulated(title="Mixed", assay=(TENX, SMART_SEQ2), primary=(True, False))
    _, client = ask(cellxgene_sites([mixed]))
    ((file,),) = (found.files for found in resolve_cellxgene(row(mixed.dataset_id), client))
    body = httpx.get(file.url).content
    assert len(body) == file.size
    path = tmp_path / file.name
    path.write_bytes(body)
    adata = ad.read_h5ad(path)
    assert adata.var_names.equals(adata.raw.var_names)
    assert adata.var_names.str.match(r"ENSG\d{11}$").all()
    counts = adata.raw.X
    assert counts.dtype == np.float32
    assert (counts.data == np.round(counts.data)).all()
    assert (counts.data > 0).all()
    filtered = adata.var["feature_is_filtered"].to_numpy()
    assert adata.X[:, filtered].nnz == 0
    assert counts[:, filtered].nnz > 0
    assert "feature_is_filtered" not in adata.raw.var
    assert set(adata.obs["assay_ontology_term_id"]) == {TENX, SMART_SEQ2}
    assert adata.obs["is_primary_data"].dtype == bool
    assert adata.uns["organism_ontology_term_id"] == HUMAN
