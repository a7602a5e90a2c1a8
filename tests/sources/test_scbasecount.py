from __future__ import annotations

import io

import anndata as ad
import httpx
import numpy as np
import pytest

from archives import ArchiveServer, Reply
from scbasecount_site import Experiment, scbasecount_site, without_billing
from sicmir_atlas.errors import (
    CorruptError,
    ExcludedDataset,
    GoneError,
    InputError,
    MissingExtraError,
    UnavailableError,
)
from sicmir_atlas.prepare.dataset import prepare_dataset
from sicmir_atlas.sources import Services, completed
from sicmir_atlas.sources.http import Client
from sicmir_atlas.sources.scbasecount import resolve_scbasecount
from simulated import EVERYTHING

LUNG, COLON = (
    Experiment(accession="SRX100"),
    Experiment(
        accession="ERX200",
        fields={
            "tech_10x": "multiome",
            "cell_prep": "single_nucleus",
            "tissue": "colon",
            "tissue_ontology_term_id": "",
            "disease": "unsure",
            "disease_ontology_term_id": None,
            "czi_collection_id": "33333333-3333-4333-8333-333333333333",
        },
    ),
)


def row(accession):
    return {"dataset_id": "mine", "source": "scbasecount", "accession": accession}


@pytest.fixture
def serve():
    with ArchiveServer({"scbasecount": scbasecount_site([LUNG, COLON])}) as server:
        services = Services(scbasecount_url=server.url("scbasecount"), requests_per_second=1000)
        with Client(services, tries=2, wait=0.01) as client:
            yield server, client


def test_one_experiment(serve):
    server, client = serve
    (found,) = resolve_scbasecount(row("srx100"), client)
    assert found.dataset_id == "mine"
    assert found.accession == "SRX100"
    (file,) = found.files
    assert file.name == "SRX100.h5ad"
    path = "/h5ad/GeneFull_Ex50pAS/Homo_sapiens/SRX100.h5ad"
    assert file.url == server.url("scbasecount") + path
    assert found.samples == {
        "SRX100": {
            "sample_id": "SRX100",
            "assay": "10x 3' transcription profiling",
            "assay_ontology_term_id": "EFO:0030003",
            "tissue": "lung",
            "tissue_ontology_term_id": "UBERON:0002048",
            "disease": "COVID-19",
            "disease_ontology_term_id": "MONDO:0100096",
            "suspension_type": "cell",
        }
    }
    assert found.columns == {
        "organism": "Homo sapiens",
        "assay": "obs:assay",
        "cell_type": "obs:cell_type",
        "tissue": "obs:tissue",
        "disease": "obs:disease",
        "sample": "obs:sample_id",
        "n_cells": "600",
    }


def test_several_are_samples_of_one_dataset_and_the_table_is_asked_for_once(serve):
    server, client = serve
    (found,) = resolve_scbasecount(row("SRX100|ERX200"), client)
    assert [file.name for file in found.files] == ["SRX100.h5ad", "ERX200.h5ad"]
    assert found.columns["n_cells"] == "1200"
    assert found.columns["same_as"] == "33333333-3333-4333-8333-333333333333"
    assert found.samples["ERX200"] == {
        "sample_id": "ERX200",
        "assay": "10x multiome",
        "assay_ontology_term_id": "EFO:0030059",
        "tissue": "colon",
        "suspension_type": "nucleus",
    }
    resolve_scbasecount(row("SRX100"), client)
    assert len(server.requests) == 1


def test_what_nobody_knows_is_left_to_the_row(serve):
    _, client = serve
    (found,) = resolve_scbasecount(row("ERX200"), client)
    assert "disease" not in found.columns
    assert found.columns["tissue"] == "obs:tissue"


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"lib_prep": "BD_Rhapsody"}, "umi"),
        ({"tech_10x": "vdj"}, "umi"),
        ({"tech_10x": None}, "umi"),
        ({"organism": "Mus musculus"}, "organism"),
    ],
)
def test_other_libraries_are_excluded_by_name(serve, fields, rule):
    server, client = serve
    server.sites["scbasecount"] = scbasecount_site(
        [LUNG, Experiment(accession="SRX3", fields=fields)]
    )
    with pytest.raises(ExcludedDataset, match=f"^{rule}: SRX3: "):
        resolve_scbasecount(row("SRX100|SRX3"), client)


@pytest.mark.parametrize(
    ("accession", "got"),
    [
        (None, "nothing"),
        ("SRX1|", "nothing"),
        ("GSE1|SRR100|SRX1", "GSE1, SRR100"),
        ("SRX100|srx100", "one of them twice"),
    ],
)
def test_accessions_are_experiments(serve, accession, got):
    server, client = serve
    with pytest.raises(
        InputError, match=rf"^mine: column accession takes experiments .*got {got}$"
    ):
        resolve_scbasecount(row(accession), client)
    assert server.requests == []


def test_an_experiment_that_is_not_there(serve):
    _, client = serve
    with pytest.raises(GoneError, match=r"^mine: SRX9: not among the human experiments"):
        resolve_scbasecount(row("SRX100|SRX9"), client)


def test_whoever_has_no_billing_project_is_told_so(serve):
    server, client = serve
    server.sites["scbasecount"] = without_billing
    with pytest.raises(GoneError, match=r"requester_pays, or a copy .* in scbasecount_url"):
        resolve_scbasecount(row("SRX100"), client)


def test_a_bucket_needs_the_extra_that_reads_buckets():
    with (
        Client(Services()) as client,
        pytest.raises(MissingExtraError, match=r"^gs://.*sicmir-atlas\[cloud\]"),
    ):
        resolve_scbasecount(row("SRX100"), client)


@pytest.mark.parametrize("body", [b"<html>a page</html>", b"PAR1cut short", b""])
def test_a_table_that_is_none(serve, body):
    server, client = serve
    server.sites["scbasecount"] = lambda _: Reply(body)
    with pytest.raises(CorruptError, match=r"sample_metadata.parquet: no table of samples"):
        resolve_scbasecount(row("SRX100"), client)


def test_a_silent_mirror_stays_worth_a_later_try(serve):
    server, client = serve
    server.fault_every, server._faults = 1, iter(["503"] * 9)
    with pytest.raises(UnavailableError):
        resolve_scbasecount(row("SRX100"), client)


def test_the_simulated_file_is_as_the_release_says(serve):
    """Unique UMIs in X, whole numbers, though a layer holds fractions."""
    _, client = serve
    (found,) = resolve_scbasecount(row("SRX100"), client)
    adata = ad.read_h5ad(io.BytesIO(httpx.get(found.files[0].url).content))
    assert (adata.X.data == np.round(adata.X.data)).all()
    assert adata.obs["umi_count_Unique"].sum() == adata.X.sum()
    assert {"SRX_accession", "cell_type", "cell_ontology_term_id"} <= set(adata.obs)


def test_experiments_become_samples_of_one_prepared_dataset(serve, tmp_path):
    _, client = serve
    wanted = row("SRX100|ERX200") | {"disease": "COVID-19"}
    (found,) = resolve_scbasecount(wanted, client)
    paths = [tmp_path / file.name for file in found.files]
    for path, file in zip(paths, found.files, strict=True):
        path.write_bytes(httpx.get(file.url).content)
    cells = prepare_dataset(
        completed(wanted, found.facts("mine")),
        paths,
        tmp_path / "prepared",
        source={"sha256": "0" * 64, "files": []},
        samples=found.samples,
        profile=EVERYTHING,
        profile_name="atlas",
        cell_calling="never",
    ).cells()
    known = ["sample_id", "tissue", "suspension_type", "assay_ontology_term_id"]
    assert sorted(cells[known].drop_duplicates().to_numpy().tolist()) == [
        ["ERX200", "colon", "nucleus", "EFO:0030059"],
        ["SRX100", "lung", "cell", "EFO:0030003"],
    ]
    assert set(cells["cell_type"]) == {"T cell", "macrophage"}
    assert len(cells) == 1200
