"""Predictions of pools and of single cells of one file, as `predict` makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from sicmir_atlas.api import predicting
from sicmir_atlas.study.markers import Rows

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from sicmir_atlas.model.inference import Device
    from sicmir_atlas.model.weights import Model

__all__ = ["predict_rows"]


def predict_rows(
    path: Path,
    by: str,
    model: Model,
    *,
    mirnas: Collection[str],
    layer: str | None = None,
    gene_symbols: str | None = None,
    device: Device = "cpu",
    seed: int = 0,
) -> dict[str, Rows]:
    """Predict the pools of each label and every labelled cell; keep the ``mirnas`` asked for.

    Returns
    -------
    ``pooled`` and ``percell``.
    """
    modes: dict[str, Literal["auto", "percell"]] = {"pooled": "auto", "percell": "percell"}
    made = {}
    for name, mode in modes.items():
        with predicting(
            path,
            by=by,
            mode=mode,
            kind="counts",
            layer=layer,
            gene_symbols=gene_symbols,
            balance="published",
            model=model,
            device=device,
            seed=seed,
        ) as prediction:
            kept = [i for i, mirna in enumerate(prediction.mirnas) if mirna in mirnas]
            values = pd.DataFrame(
                np.vstack([block[:, kept] for block in prediction.blocks]),
                columns=[prediction.mirnas[i] for i in kept],
            )
            labels = prediction.rows["group" if prediction.pooled else by].reset_index(drop=True)
        known = labels.notna()
        made[name] = Rows(values[known], labels[known].astype(str).str.strip().to_numpy(str))
    return made
