"""Predict miRNAs for one input: a file, an AnnData, or a matrix of bulk samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from sicmir_atlas.model.weights import load_model
from sicmir_atlas.predicting import predicting

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

    from sicmir_atlas.predicting import Mode
    from sicmir_atlas.profiles import Kind

__all__ = ["predict", "predict_with_sd", "predicting"]


def predict(
    data: AnnData | pd.DataFrame | Path | str,
    *,
    by: str | None = None,
    mode: Mode = "auto",
    kind: Kind = "counts",
    layer: str | None = None,
    gene_symbols: str | None = None,
    balance: Literal["published", "balanced"] = "published",
    model: Path | str | None = None,
    device: Literal["cpu", "cuda", "auto"] = "cpu",
    seed: int = 0,
) -> pd.DataFrame:
    """Predict 1298 mature miRNAs from mRNA.

    Parameters
    ----------
    data
        AnnData or a file with raw counts (h5ad, 10x mtx folder, gene × cell csv); or, with
        ``kind``, a samples × genes data frame or table of bulk values.
    by
        Column of obs to pool by, such as ``"cell_type"``; without it every cell is predicted.
    mode
        ``auto`` bootstraps groups of more than 400 cells and averages the others, or predicts per
        cell without ``by``; the others say it outright (sicmir-model section 8).
    kind
        ``counts``: raw UMI counts. ``bulk``: log-scale values. ``scaled``: z-scores already.
    layer, gene_symbols
        Layer that holds the counts; column of var that holds gene symbols.
    balance
        ``published``: every row counts once in the z-scores. ``balanced``: every group does.
    model
        Model folder or name of a shipped model; the default model where none is given.
    device
        Where the network runs; ``cuda`` and ``auto`` need the gpu extra.
    seed
        Seed of the bootstrap draws.

    Returns
    -------
    Rows × 1298, in model units: relative within this input. Indexed by cell or sample, or by
    group (named as ``by``) and ``pool_id``.

    Raises
    ------
    InputError
        If the values are not what ``kind`` says, names do not resolve, or ``by`` is not in obs.

    Examples
    --------
    >>> import sicmir_atlas as sa  # doctest: +SKIP
    >>> mirna = sa.predict(adata, by="cell_type")  # doctest: +SKIP
    """
    mean, _ = _predicted(
        data,
        by=by,
        mode=mode,
        kind=kind,
        layer=layer,
        gene_symbols=gene_symbols,
        balance=balance,
        model=model,
        device=device,
        seed=seed,
    )
    return mean


def predict_with_sd(
    data: AnnData | pd.DataFrame | Path | str, **options: Any
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Predict as :func:`predict` does, and say how far the model's members differ.

    Parameters
    ----------
    data, **options
        As of :func:`predict`.

    Returns
    -------
    The predictions, and the population SD over the members, of the same shape; None in its place
    for a model of one member.

    Raises
    ------
    InputError
        As :func:`predict` does.
    """
    return _predicted(data, with_sd=True, **options)


def _predicted(
    data: AnnData | pd.DataFrame | Path | str,
    *,
    model: Path | str | None = None,
    by: str | None = None,
    **options: Any,
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    with predicting(data, model=load_model(model), by=by, **options) as prediction:
        blocks = list(prediction.blocks_with_sd)
        rows, columns = prediction.rows, list(prediction.mirnas)
        index = rows.index
        if prediction.pooled:
            levels = [rows["group"], rows["pool_id"]]
            index = pd.MultiIndex.from_arrays(levels, names=[by, "pool_id"])
        if not blocks:
            return pd.DataFrame(index=index, columns=columns, dtype=np.float32), None
        mean = pd.DataFrame(np.vstack([block.mean for block in blocks]), index, columns)
        spread = [block.sd for block in blocks if block.sd is not None]
        return mean, pd.DataFrame(np.vstack(spread), index, columns) if spread else None
