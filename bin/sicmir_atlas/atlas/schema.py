"""The one source of every table of an atlas: names, keys, columns, types, units, meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sicmir_atlas.atlas.dataset_tables import DATASETS, HARMONISATION, MISSING_LANDMARKS, QC_LOSSES
from sicmir_atlas.atlas.prediction_tables import (
    CELL_MIRNA,
    CELL_TYPE_MIRNA,
    CELLS,
    MIRNAS,
    POOL_MIRNA,
)
from sicmir_atlas.atlas.spec import PROCESSING_VERSION, SCHEMA_VERSION, ColumnSpec, TableSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROCESSING_VERSION", "SCHEMA_VERSION", "TABLES", "ColumnSpec", "TableSpec", "as_json"]

TABLES: Mapping[str, TableSpec] = {
    spec.name: spec
    for spec in (
        DATASETS,
        CELLS,
        CELL_MIRNA,
        POOL_MIRNA,
        CELL_TYPE_MIRNA,
        HARMONISATION,
        MIRNAS,
        QC_LOSSES,
        MISSING_LANDMARKS,
    )
}


def as_json() -> dict[str, Any]:
    """Schema as plain values, for clients that do not speak Python; miRNA columns by type only."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tables": [
            {
                "name": spec.name,
                "description": spec.description,
                "primary_key": list(spec.primary_key),
                "references": dict(spec.references),
                "file": f"{spec.name}/<dataset_id>-<sha12>.parquet"
                if spec.per_dataset
                else f"{spec.name}.parquet",
                "mirna_columns": spec.mirna_type,
                "comparable": spec.comparable,
                "columns": [
                    {
                        "name": c.name,
                        "type": c.type,
                        "unit": c.unit,
                        "nullable": c.nullable,
                        "ontology": c.ontology,
                        "values": list(c.values),
                        "description": c.description,
                    }
                    for c in spec.columns
                ],
            }
            for spec in TABLES.values()
        ],
    }
