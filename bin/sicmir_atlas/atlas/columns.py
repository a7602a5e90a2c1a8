"""Columns that several tables of an atlas have, and the kinds of columns."""

from __future__ import annotations

from typing import Any

from sicmir_atlas.atlas.spec import ColumnSpec

__all__ = ["CELL_TYPE", "DATASET_ID", "LINEAGE", "TISSUE", "count", "term", "text"]

DATASET_ID = ColumnSpec("dataset_id", "string", "identifier of the dataset in the samplesheet")
CELL_TYPE = ColumnSpec(
    "cell_type", "string", "harmonised label; `unknown` where the original maps to none"
)
TISSUE = ColumnSpec(
    "tissue", "string", "harmonised label, or the study's own where it maps to none"
)
LINEAGE = ColumnSpec(
    "lineage", "string", "coarse lineage by the term's ancestors in CL", nullable=True
)


def term(column: str, ontology: str) -> ColumnSpec:
    """Give the column of the ontology term of another column."""
    name = f"{column}_ontology_term_id"
    return ColumnSpec(name, "string", f"term of `{column}`", nullable=True, ontology=ontology)


def text(name: str, description: str, **options: Any) -> ColumnSpec:
    """Give a column of text that may be null."""
    return ColumnSpec(name, "string", description, nullable=True, **options)


def count(
    name: str, description: str, *, unit: str = "cells", nullable: bool = False
) -> ColumnSpec:
    """Give a column of whole numbers of something."""
    return ColumnSpec(name, "int64", description, unit, nullable)
