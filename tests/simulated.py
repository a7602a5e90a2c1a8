"""Small datasets with known labels, and the row of the samplesheet that describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from sicmir_atlas.atlas.predict import PredictOptions, predict_dataset
from sicmir_atlas.names import landmarks
from sicmir_atlas.prepare.dataset import prepare_dataset
from sicmir_atlas.prepare.qc import QcProfile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sicmir_atlas.atlas.shard import Shard
    from sicmir_atlas.model.inference import Predictor
    from sicmir_atlas.model.weights import Model
    from sicmir_atlas.prepare.folder import PreparedDataset

EVERYTHING = QcProfile(strict=False, min_genes=None, min_cells=0, min_cells_qc=0)
ROW = {
    "dataset_id": "d1",
    "source": "file",
    "organism": "Homo sapiens",
    "tissue": "blood",
    "disease": "normal",
    "cell_type": "obs:label",
}


def cells(types: Mapping[str, int], *, seed: int = 0, n_other: int = 40) -> ad.AnnData:
    """Poisson counts of landmarks, other genes and three MT genes; a programme for each type."""
    rng = np.random.default_rng(seed)
    names = [*landmarks(), *(f"OTHER{i}" for i in range(n_other)), "MT-ND1", "MT-CO1", "MT-CYB"]
    labels = np.repeat(list(types), list(types.values()))
    programmes = {label: rng.lognormal(-1, 1, len(names)) for label in types}
    rates = np.array([programmes[label] for label in labels])
    adata = ad.AnnData(
        sparse.csr_matrix(rng.poisson(rates).astype(np.float32)),
        obs=pd.DataFrame({"label": labels}, index=[f"cell{i}" for i in range(len(labels))]),
        var=pd.DataFrame(index=names),
    )
    adata.obs["label"] = adata.obs["label"].astype("category")
    return adata


def prepare(
    data: ad.AnnData | Path, folder: Path, *, profile: QcProfile = EVERYTHING, **row: Any
) -> PreparedDataset:
    """Prepare a dataset in a folder, every cell kept unless a profile is given."""
    options = {k: row.pop(k) for k in ("cell_calling", "min_umi", "clustering") if k in row}
    folder.mkdir(parents=True, exist_ok=True)
    path = data
    if isinstance(data, ad.AnnData):
        path = folder / "input.h5ad"
        data.write_h5ad(path)
    return prepare_dataset(
        {**ROW, **row},
        [path],
        folder / "prepared",
        source={"sha256": "0" * 64, "files": [{"url": "input.h5ad"}]},
        profile=profile,
        profile_name="atlas",
        **{"cell_calling": "never", **options},
    )


def matrix(prepared: PreparedDataset) -> np.ndarray:
    """Log-normalised landmarks of a prepared dataset, dense."""
    return np.vstack([block.toarray() for block in prepared.blocks()])


def predict(
    prepared: PreparedDataset, output: Path, model: Model, predictor: Predictor, **options: Any
) -> Shard:
    """Predict a prepared dataset with these options."""
    return predict_dataset(
        prepared, output, model=model, predictor=predictor, options=PredictOptions(**options)
    )
