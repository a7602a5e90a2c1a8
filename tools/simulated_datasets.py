"""Small simulated datasets and samplesheets of them, for benchmarks."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd

from sicmir_atlas.demo import DemoDataset, _genes, simulate

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["described", "write", "write_sheet"]

TISSUES = {
    "blood": ("T cell", "B cell", "monocyte", "natural killer cell", "platelet"),
    "lung": ("epithelial cell", "fibroblast", "endothelial cell", "macrophage", "T cell"),
    "cerebral cortex": ("neuron", "astrocyte", "oligodendrocyte", "microglial cell"),
    "liver": ("hepatocyte", "endothelial cell", "macrophage", "T cell"),
    "colon": ("enterocyte", "goblet cell", "fibroblast", "plasma cell", "T cell"),
    "kidney": ("epithelial cell", "endothelial cell", "fibroblast", "macrophage"),
    "pancreas": ("alpha", "beta", "acinar", "ductal", "stellate"),
    "skin of body": ("keratinocyte", "melanocyte", "fibroblast", "our own name"),
}
DISEASES = (None, "COVID-19", "type 2 diabetes mellitus", "hepatocellular carcinoma", "psoriasis")


def described(folder: Path, number: int) -> dict[str, str]:
    """Row of a simulated dataset, written or not."""
    name, tissue = f"simulated_{number:03d}", list(TISSUES)[number % len(TISSUES)]
    return {
        "dataset_id": name,
        "source": "file",
        "url": str(folder / f"{name}.h5ad"),
        "organism": "Homo sapiens",
        "assay": "10x 3' v3",
        "tissue": tissue,
        "disease": "obs:disease",
        "cell_type": "" if number % 10 == 9 else "obs:cell_type",
        "donor": "obs:donor",
        "title": f"Simulated counts: {tissue}",
    }


def write(folder: Path, number: int) -> dict[str, str]:
    """Write a simulated dataset; its row."""
    row = described(folder, number)
    path = folder / f"{row['dataset_id']}.h5ad"
    if not path.exists():
        labels, disease = TISSUES[row["tissue"]], DISEASES[number % len(DISEASES)]
        rng = np.random.default_rng([60, number])
        sizes = dict(zip(labels, rng.integers(130, 260, len(labels)).tolist(), strict=True))
        path.parent.mkdir(parents=True, exist_ok=True)
        simulated = DemoDataset(row["dataset_id"], row["tissue"], sizes, disease=disease)
        counts, cells = simulate(simulated, rng)
        var = pd.DataFrame(index=_genes()["symbol"].to_numpy(object))
        ad.AnnData(counts, obs=cells, var=var).write_h5ad(path)
    return row


def write_sheet(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
