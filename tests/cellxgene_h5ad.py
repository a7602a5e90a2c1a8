"""H5AD files in the schema of CELLxGENE, filled with simulated counts."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import anndata as ad
import numpy as np
import pandas as pd

from sicmir_atlas.demo import DemoDataset, _genes, simulate
from sicmir_atlas.names import ontologies

if TYPE_CHECKING:
    from cellxgene_site import Simulated

SCHEMA = "7.1.0"


@cache
def cell_types() -> dict[str, str]:
    """Terms of CL by label."""
    return ontologies().get_term_label_to_id_map("CL")


def h5ad(one: Simulated) -> bytes:
    """Simulated counts in ``raw.X``, normalised values in ``X``, labels as the schema asks."""
    described = DemoDataset(one.title, "", one.cells)
    seed = int.from_bytes(UUID(one.dataset_id).bytes[:4], "big")
    counts, cells = simulate(described, np.random.default_rng(seed))
    n_cells, genes = counts.shape[0], _genes()
    assays = np.resize(one.assay, n_cells)
    depth = np.where(assays == "EFO:0008931", 40, 1)[:, None]
    counts = counts.multiply(depth).tocsr().astype(np.float32)
    var = pd.DataFrame(
        {
            "feature_name": pd.Categorical(genes["symbol"]),
            "feature_reference": pd.Categorical(["NCBITaxon:9606"] * len(genes)),
            "feature_biotype": pd.Categorical(["gene"] * len(genes)),
            "feature_length": pd.Categorical(["1000"] * len(genes)),
            "feature_type": pd.Categorical(["protein_coding"] * len(genes)),
        },
        index=genes["ensembl_gene_id"].to_numpy(object),
    )
    types = cell_types()
    terms = {
        "assay": assays,
        "cell_type": [types[label] for label in cells["cell_type"]],
        "tissue": np.resize(one.tissue, n_cells),
        "disease": np.resize(one.disease, n_cells),
        "development_stage": ["HsapDv:0000258"] * n_cells,
        "sex": ["PATO:0000383"] * n_cells,
        "self_reported_ethnicity": ["unknown"] * n_cells,
    }
    obs = pd.DataFrame(index=[f"{one.dataset_id[:4]}_{i:05d}-1" for i in range(n_cells)])
    for name, ids in terms.items():
        obs[f"{name}_ontology_term_id"] = pd.Categorical(list(map(str, ids)))
        label = {i: i if i == "unknown" else ontologies().get_term_label(i) for i in set(ids)}
        obs[name] = pd.Categorical([label[i] for i in ids])
    obs["donor_id"] = pd.Categorical(cells["donor"].to_numpy(str))
    obs["tissue_type"] = pd.Categorical(["tissue"] * n_cells)
    obs["suspension_type"] = pd.Categorical(["cell"] * n_cells)
    obs["is_primary_data"] = np.resize(one.primary, n_cells)
    obs["observation_joinid"] = [f"{i:010d}" for i in range(n_cells)]
    if one.collection == "Tabula Sapiens":
        obs["sample_id"] = pd.Categorical(obs["donor_id"].astype(str) + "_sample")
    adata = ad.AnnData(counts, obs=obs, var=var)
    adata.raw = adata.copy()
    hidden = np.arange(len(genes)) % 50 == 0
    normalised = counts.multiply(1e4 / counts.sum(axis=1).reshape(-1, 1)).log1p()
    adata.X = normalised.multiply(~hidden[None]).tocsr().astype(np.float32)
    adata.X.eliminate_zeros()
    adata.var["feature_is_filtered"] = hidden
    organism = one.organism[0]
    adata.uns = {
        "title": one.title,
        "schema_version": SCHEMA,
        "organism_ontology_term_id": organism,
        "organism": ontologies().get_term_label(organism),
        "is_pre_analysis": False,
        "citation": "Simulated counts",
    }
    if "EFO:0022857" in one.assay:
        adata.uns["spatial"] = {"is_single": True}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.h5ad"
        adata.write_h5ad(path)
        return path.read_bytes()
