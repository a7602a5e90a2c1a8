"""The numbers are a contract: other ones by the same model ask for a new PROCESSING_VERSION.

After a change on purpose, raise the constant and run `pytest tests/atlas/test_results.py` with
WRITE_GOLDEN_RESULTS=1 in the environment. Tolerances leave room for another machine's last bits.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import sicmir_atlas as sa
from sicmir_atlas.atlas.schema import PROCESSING_VERSION
from sicmir_atlas.model.weights import DEFAULT_MODEL

GOLDEN = Path(__file__).parent / "golden_results.json"
MIRNAS = ("hsa-miR-21-5p", "hsa-miR-141-3p", "hsa-let-7b-5p", "hsa-miR-126-3p")
COUNTS = """
SELECT dataset_id, status, n_barcodes, n_cells_raw, n_cells_qc, n_cell_types, n_landmarks, n_pools,
  labels, organ, disease_category, n_cells_mapped, round(sparsity_cells, 4) AS sparsity_cells,
  round(sparsity_pools, 4) AS sparsity_pools
FROM datasets ORDER BY dataset_id
"""
MEANS = f"""
SELECT dataset_id || '|' || cell_type_original || '|' || disease || '|' || mirna AS key, mean
FROM cell_type_mirna WHERE mirna IN {MIRNAS} ORDER BY key
"""
LABELS = """
SELECT dataset_id || '|' || cell_type_original || '|' || tissue AS key,
  concat_ws('|', cell_type_ontology_term_id, lineage, organ, mapping_method) AS mapped
FROM harmonisation ORDER BY key
"""
CELLS = f"""
SELECT dataset_id AS key, {", ".join(f'quantile_cont("{m}", 0.9) AS "{m}"' for m in MIRNAS)}
FROM cell_mirna GROUP BY dataset_id ORDER BY dataset_id
"""


def results(folder):
    with sa.open_atlas(folder) as atlas:
        counts = json.loads(atlas.sql(COUNTS).to_json(orient="records"))
        means = atlas.sql(MEANS).set_index("key")["mean"]
        cells = atlas.sql(CELLS).set_index("key")
        labels = atlas.sql(LABELS).set_index("key")["mapped"].to_dict()
    return {
        "processing_version": PROCESSING_VERSION,
        "model_id": DEFAULT_MODEL,
        "counts": counts,
        "labels": labels,
        "cell_type_means": {key: round(float(mean), 4) for key, mean in means.items()},
        "cell_quantiles": {
            key: [round(float(value), 3) for value in row]
            for key, row in zip(cells.index, cells.to_numpy(), strict=True)
        },
    }


def test_results_change_only_with_the_processing_version(demo_atlas):
    current = results(demo_atlas)
    if os.environ.get("WRITE_GOLDEN_RESULTS"):
        GOLDEN.write_text(json.dumps(current, indent=1) + "\n")
    golden = json.loads(GOLDEN.read_text())
    said = "results changed: raise PROCESSING_VERSION, then write the golden results anew"
    assert golden["processing_version"] == PROCESSING_VERSION, said
    assert golden["model_id"] == DEFAULT_MODEL, "another default model: write them anew"
    assert current["counts"] == golden["counts"], said
    assert current["labels"] == golden["labels"], said
    assert current["cell_type_means"] == pytest.approx(golden["cell_type_means"], abs=1e-3), said
    assert set(current["cell_quantiles"]) == set(golden["cell_quantiles"])
    for key, values in golden["cell_quantiles"].items():
        assert current["cell_quantiles"][key] == pytest.approx(values, abs=1e-2), said
