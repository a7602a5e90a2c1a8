"""Public files through PREPARE, as their source describes them."""

from __future__ import annotations

import httpx
import pytest

from cellxgene_site import (
    SMART_SEQ2,
    TABULA_SAPIENS,
    TENX,
    VISIUM,
    Simulated,
    cellxgene_sites,
)
from sicmir_atlas.prepare.dataset import prepare_dataset
from sicmir_atlas.sources import completed, resolve
from simulated import EVERYTHING


@pytest.fixture
def prepare(ask, tmp_path):
    def run(datasets, **row):
        _, client = ask(cellxgene_sites(datasets))
        (found,) = resolve({"dataset_id": "mine", **row}, client)
        (file,) = found.files
        path = tmp_path / file.name
        path.write_bytes(httpx.get(file.url).content)
        prepared = prepare_dataset(
            completed(row, found.facts("mine")),
            [path],
            tmp_path / "prepared",
            source={"sha256": "0" * 64, "files": [{"url": file.url}]},
            samples=found.samples,
            profile=EVERYTHING,
            profile_name="atlas",
            cell_calling="never",
        )
        return prepared.cells()

    return run


def test_spots_reads_and_copies_are_left_out_cell_by_cell(prepare):
    mixed = Simulated(
        title="Mixed", assay=(TENX, SMART_SEQ2, VISIUM, TENX), primary=(True, True, True, False)
    )
    cells = prepare([mixed], source="cellxgene", accession=mixed.version_id)
    assert len(cells) == 600 / 4
    assert set(cells["assay_ontology_term_id"]) == {TENX}
    assert set(cells["is_primary_data"]) == {True}
    assert set(cells["donor_id"]) == {"donor_1", "donor_2"}
    terms = dict(zip(cells["cell_type"], cells["cell_type_ontology_term_id"], strict=True))
    assert terms == {"T cell": "CL:0000084", "fibroblast": "CL:0000057"}
    assert set(cells["mapping_method"]) == {"given_id"}
    assert set(cells["tissue"]) == {"lung"}
    assert (cells["n_landmarks_detected"] > 100).all()


def test_tabula_sapiens_keeps_cells_of_10x_only(prepare):
    lung = Simulated(
        title="Tabula Sapiens - Lung",
        collection=TABULA_SAPIENS,
        assay=(TENX, SMART_SEQ2),
        primary=(False,),
    )
    cells = prepare([lung], source="tabula_sapiens", accession="Lung")
    assert len(cells) == 300
    assert set(cells["assay_ontology_term_id"]) == {TENX}
    assert set(cells["sample_id"]) == {"donor_1_sample", "donor_2_sample"}
