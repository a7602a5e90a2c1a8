from __future__ import annotations

import pytest

from archives import ArchiveServer
from cellxgene_site import SMART_SEQ2, TABULA_SAPIENS, TENX, Simulated, cellxgene_sites
from sicmir_atlas.errors import CorruptError, ExcludedDataset, InputError
from sicmir_atlas.sources import Services
from sicmir_atlas.sources.http import Client
from sicmir_atlas.sources.tabula_sapiens import resolve_tabula_sapiens


def part(name, **fields):
    return Simulated(
        title=f"Tabula Sapiens - {name}",
        collection=TABULA_SAPIENS,
        assay=(TENX, SMART_SEQ2),
        has_file=False,
        **{"primary": (False,), **fields},
    )


ALL, LUNG, IMMUNE = part("All Cells", primary=(True,)), part("Lung"), part("Immune")
PARTS = [ALL, LUNG, IMMUNE, part("Small_Intestine")]


def row(accession, **cells):
    return {"dataset_id": "ts", "source": "tabula_sapiens", "accession": accession} | cells


@pytest.fixture
def serve():
    with ArchiveServer(cellxgene_sites(PARTS)) as server:
        services = Services(
            cellxgene_url=server.url("cellxgene"),
            cellxgene_files_url=server.url("cellxgene_files"),
            requests_per_second=1000,
        )
        with Client(services, tries=2, wait=0.01) as client:
            yield server, client


@pytest.mark.parametrize("name", ["Lung", "lung", " LUNG ", "Tabula Sapiens - Lung"])
def test_a_tissue_repeats_cells_of_all_and_keeps_them(serve, name):
    server, client = serve
    (found,) = resolve_tabula_sapiens(row(name), client)
    assert (found.accession, found.version) == (LUNG.dataset_id, LUNG.version_id)
    assert found.files[0].url == f"{server.url('cellxgene_files')}/{LUNG.version_id}.h5ad"
    assert found.columns["primary_data"] == "any"
    assert found.columns["donor"] == "obs:donor_id"
    assert found.columns["sample"] == "obs:sample_id"
    assert found.columns["cell_type"] == "obs:cell_type"
    assert found.columns["same_as"] == ALL.dataset_id
    assert found.columns["n_cells"] == "600"
    assert found.notes == ("Lung repeats cells of All Cells: take either, not both",)


@pytest.mark.parametrize("name", ["immune", "Immune"])
def test_a_compartment(serve, name):
    (found,) = resolve_tabula_sapiens(row(name), serve[1])
    assert found.accession == IMMUNE.dataset_id


@pytest.mark.parametrize("name", ["all", "ALL", "All Cells"])
def test_all_cells_are_the_primary_copy(serve, name):
    (found,) = resolve_tabula_sapiens(row(name), serve[1])
    assert found.accession == ALL.dataset_id
    assert found.columns["primary_data"] == "only"
    assert found.notes == ()
    assert "same_as" not in found.columns


@pytest.mark.parametrize("name", ["Small_Intestine", "small intestine"])
def test_underscores_of_titles_are_spaces(serve, name):
    (found,) = resolve_tabula_sapiens(row(name), serve[1])
    assert found.accession == PARTS[3].dataset_id


def test_a_row_may_insist_on_primary_data(serve):
    with pytest.raises(ExcludedDataset, match=r"^primary: "):
        resolve_tabula_sapiens(row("Lung", primary_data="only"), serve[1])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Lnug", r"no part 'Lnug'; did you mean Lung\? it has all, Immune, Lung, Small_Intestine"),
        ("xyz", r"no part 'xyz'; it has all, Immune, Lung, Small_Intestine$"),
        (None, "no part ''; it has all"),
    ],
)
def test_an_unknown_name_lists_the_known(serve, name, message):
    with pytest.raises(InputError, match="^ts: Tabula Sapiens has " + message):
        resolve_tabula_sapiens(row(name), serve[1])


def test_a_collection_with_other_titles(serve):
    server, client = serve
    other = Simulated(title="Lung", collection=TABULA_SAPIENS, has_file=False)
    server.sites |= cellxgene_sites([other])
    with pytest.raises(CorruptError, match="holds no dataset called 'Tabula Sapiens - …'"):
        resolve_tabula_sapiens(row("Lung"), client)
