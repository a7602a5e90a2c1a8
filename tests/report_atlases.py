"""Atlases of given rows, for a report to be made of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

import sicmir_atlas as sa
from sicmir_atlas.atlas.database import build_database
from sicmir_atlas.atlas.files import write_table
from sicmir_atlas.atlas.schema import SCHEMA_VERSION, TABLES
from sicmir_atlas.names import mirnas
from sicmir_atlas.report import gather

if TYPE_CHECKING:
    from pathlib import Path

    from sicmir_atlas.report import Contents

HOSTILE = "<script>alert(1)</script>"


def dataset(name: str, **facts: Any) -> dict[str, Any]:
    """Row of table ``datasets``."""
    return {
        "dataset_id": name,
        "source": "file",
        "title": f"Simulated: {name}",
        "status": "included",
        "pipeline_version": "0",
        **facts,
    }


def cells(name: str, n: int, **labels: Any) -> pd.DataFrame:
    """Rows of table ``cells``, all with these labels."""
    plain = {
        "cell_type": "unknown",
        "mapping_method": "unmapped",
        "tissue": "blood",
        "disease": "normal",
        "n_genes": 1,
        "n_counts": 1,
        "n_landmarks_detected": 1,
    }
    return pd.DataFrame({"cell_id": [f"c{i}" for i in range(n)]}).assign(
        dataset_id=name, **{**plain, **labels}
    )


def panel_of(**facts: Any) -> pd.DataFrame:
    """Rows of table ``mirnas``, all of them trained."""
    panel = pd.DataFrame({"mirna": mirnas(), "position": range(1, 1299), "stem": mirnas()})
    return panel.assign(is_trained=True, **facts)


def write_atlas(folder: Path, datasets: list[dict[str, Any]], **tables: Any) -> Path:
    """Write an atlas of exactly these rows; tables that are not given are empty but for miRNAs."""
    folder.mkdir()
    tables = {"mirnas": panel_of(), **tables}
    files = []
    rows = pd.DataFrame(datasets)
    whole = [c for c in rows if c.startswith("n_")]
    rows = rows.astype(dict.fromkeys(whole, "Int64"))
    files.append(write_table(folder, TABLES["datasets"], rows, metadata={}))
    for name, content in tables.items():
        frame = content if isinstance(content, pd.DataFrame) else pd.DataFrame(content)
        parts = [(None, frame)]
        if TABLES[name].per_dataset:
            parts = list(frame.groupby("dataset_id"))
        for dataset_id, part in parts:
            spec = TABLES[name]
            file = write_table(folder, spec, part, metadata={}, dataset_id=dataset_id)
            files.append(file)
    build_database(folder, files)
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "processing_version": 3,
        "pipeline_version": "0",
        "model": {"model_id": "a model"},
        "parameters": {"qc_profile": "atlas", "seed": 0},
        "files": [file.as_dict() for file in files],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def contents_of(folder: Path) -> Contents:
    """What a report says of an atlas."""
    with sa.open_atlas(folder) as atlas:
        return gather(atlas)


def hostile_atlas(folder: Path, n: int = 3) -> Path:
    """Atlas in which every text wants to be markup, or is long, or runs from right to left."""
    texts = [HOSTILE, "long" * 50, "محاكاة 🧬", "\"quoted\" & 'so'", "a/b" * 60]
    rows, kept, labels = [], [], []
    for i in range(n):
        text = texts[i % len(texts)]
        name = f"d{i:03d}" + "-long_name" * (6 if i % 3 == 1 else 0)
        facts = {"n_barcodes": 9, "n_cells_raw": 8, "n_cells_qc": 5, "n_cells_mapped": 0}
        rows.append(dataset(name, title=text, accession=text, doi=text, organ=text, **facts))
        kept.append(cells(name, 5, organ=text, disease_category=text, cell_type_original=text))
        labels.append(
            {
                "dataset_id": name,
                "cell_type_original": text,
                "tissue": text,
                "cell_type": "unknown",
                "mapping_method": "unmapped",
                "n_cells": 5,
            }
        )
    named = [mirnas()[0], *sorted(mirnas(), key=len)[-7:]]
    ranks = pd.DataFrame({"mirna": named}).assign(
        cell_type="t", lineage=texts[0], tissue="t", disease="normal", mean=0.0, rank_in_type=1
    )
    ranks = ranks.assign(dataset_id=rows[0]["dataset_id"], n_pools=1, n_cells=1)
    both = [ranks.assign(cell_type_original=i, rank_over_types=i + 1) for i in (0, 1)]
    panel = panel_of(is_hub=True, reliability=-0.99)
    rows.append(dataset("x_failed", title=None, status="failed", reason=f"Error: {HOSTILE}"))
    rows.append(dataset("y_excluded", status="excluded", reason="organism: " + "long " * 80))
    return write_atlas(
        folder,
        rows,
        cells=pd.concat(kept),
        harmonisation=labels,
        cell_type_mirna=pd.concat(both).astype({"cell_type_original": str}),
        mirnas=panel,
    )
