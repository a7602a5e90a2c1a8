"""Predict miRNAs for one input: a file, an AnnData, or a matrix of bulk samples."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.pooling import PoolPlan, pool
from sicmir_atlas.model.scaling import balanced_weights, scaling_of, zscore
from sicmir_atlas.model.weights import load_model
from sicmir_atlas.names import landmarks
from sicmir_atlas.profiles import Kind, Profiles, landmark_profiles
from sicmir_atlas.readers import open_counts
from sicmir_atlas.readers.memory import AnnDataMatrix, FrameMatrix
from sicmir_atlas.readers.tables import read_profile_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from anndata import AnnData

    from sicmir_atlas.model.inference import Predictor
    from sicmir_atlas.model.weights import Model
    from sicmir_atlas.readers import CountMatrix

__all__ = ["Mode", "Prediction", "predict", "predicting"]

_LEAST_ROWS = 3  # of two rows only the signs survive (sicmir-model, vector V7)
_log = logging.getLogger(__name__)
Mode = Literal["auto", "percell", "average", "bootstrap"]


@dataclass(frozen=True)
class Prediction:
    """Predictions as they are made.

    ``rows`` describes each row: the input's cells or samples, or pools (``pool_id``, ``group``,
    ``method``, ``n_cells``, ``n_group``). ``blocks`` yields float32 arrays, rows × 1298, and can
    be read once. ``missing`` are the landmarks that the input lacks.
    """

    rows: pd.DataFrame
    mirnas: tuple[str, ...]
    blocks: Iterator[np.ndarray]
    missing: Mapping[str, str]
    model_id: str
    pooled: bool


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
    with predicting(
        data,
        by=by,
        mode=mode,
        kind=kind,
        layer=layer,
        gene_symbols=gene_symbols,
        balance=balance,
        model=load_model(model),
        device=device,
        seed=seed,
    ) as prediction:
        values = np.vstack([*prediction.blocks, np.zeros((0, len(prediction.mirnas)), np.float32)])
        index = prediction.rows.index
        if prediction.pooled:
            rows = prediction.rows
            index = pd.MultiIndex.from_arrays(
                [rows["group"], rows["pool_id"]], names=[by, "pool_id"]
            )
        return pd.DataFrame(values, index=index, columns=list(prediction.mirnas))


@contextmanager
def predicting(
    data: AnnData | pd.DataFrame | Path | str,
    *,
    by: str | None,
    mode: Mode,
    kind: Kind,
    layer: str | None,
    gene_symbols: str | None,
    balance: Literal["published", "balanced"],
    model: Model,
    device: Literal["cpu", "cuda", "auto"],
    seed: int,
) -> Iterator[Prediction]:
    """Predict as a stream, for inputs of any size; see :func:`predict`."""
    if mode == "auto" and by is None:
        mode = "percell"
    if mode in ("average", "bootstrap") and by is None:
        msg = f"mode {mode} pools cells: say by which column of obs with `by`"
        raise InputError(msg)
    predictor = load_predictor(model, device=device)
    with (
        _open(data, kind, layer, gene_symbols) as matrix,
        landmark_profiles(matrix, kind=kind) as profiles,
    ):
        groups = None if by is None else _groups(profiles, by, matrix.label)
        made = partial(
            Prediction, mirnas=model.mirnas, missing=profiles.missing, model_id=model.model_id
        )
        if mode == "percell":
            if len(profiles.rows) < _LEAST_ROWS and not profiles.scaled:
                msg = (
                    f"{matrix.label}: {len(profiles.rows)} rows; z-scores need at least "
                    f"{_LEAST_ROWS}: z-score the rows over a cohort that they belong to, and give "
                    "them as z-scores (--scaled)"
                )
                raise InputError(msg)
            weights = None
            if balance == "balanced" and groups is not None:
                weights = balanced_weights(groups.fillna("").to_numpy(str))
            blocks = _per_row(profiles, predictor, weights, matrix.label)
            yield made(rows=profiles.rows, blocks=blocks, pooled=False)
            return
        assert groups is not None
        plan = PoolPlan.from_labels(groups, dataset_id="", seed=seed, mode=mode)
        if profiles.scaled or plan.n_pools < _LEAST_ROWS:
            msg = (
                f"{matrix.label}: {by} gives {plan.n_pools} pools; z-scores need at least "
                f"{_LEAST_ROWS}: pool by a column of more groups, or predict every cell"
            )
            if profiles.scaled:
                msg = "values that are z-scored already cannot be pooled; leave out `by`"
            raise InputError(msg)
        pools, means = pool(profiles.blocks(), plan, n_genes=len(landmarks()))
        weights = balanced_weights(pools["group"].to_numpy(str)) if balance == "balanced" else None
        predicted = predictor.predict(zscore(means, weights=weights))
        yield made(rows=pools, blocks=iter([predicted]), pooled=True)


@contextmanager
def _open(
    data: AnnData | pd.DataFrame | Path | str,
    kind: Kind,
    layer: str | None,
    gene_symbols: str | None,
) -> Iterator[CountMatrix]:
    if isinstance(data, pd.DataFrame):
        yield FrameMatrix(data, label="data frame")
    elif isinstance(data, (str, Path)):
        path = Path(data)
        if kind != "counts" and path.suffix != ".h5ad":
            yield FrameMatrix(read_profile_table(path), label=path.name)
        else:
            with open_counts(_triplet(path), layer=layer, gene_symbols=gene_symbols) as matrix:
                yield matrix
    else:
        yield AnnDataMatrix(data, layer=layer, gene_symbols=gene_symbols)


def _triplet(path: Path) -> list[Path]:
    """The file, or with a ``…matrix.mtx`` the rest of the triplet of its prefix."""
    prefix, found, _ = path.name.partition("matrix.mtx")
    if not found or not path.is_file():
        return [path]
    rest = tuple(f"{prefix}{name}.tsv" for name in ("features", "genes", "barcodes"))
    return [path, *sorted(p for p in path.parent.iterdir() if p.name.startswith(rest))]


def _groups(profiles: Profiles, by: str, label: str) -> pd.Series[Any]:
    if by not in profiles.rows:
        known = ", ".join(map(str, profiles.rows.columns)) or "no columns"
        msg = f"{label}: obs has no column {by!r} to pool by; it has: {known}"
        raise InputError(msg)
    labels = profiles.rows[by].astype(object).map(lambda v: str(v).strip(), na_action="ignore")
    labels[labels.isin([""])] = None
    unlabelled = int(labels.isna().sum())
    if unlabelled:
        _log.info("%d of %d cells have no %s and go into no pool", unlabelled, len(labels), by)
    return labels


def _per_row(
    profiles: Profiles, predictor: Predictor, weights: np.ndarray | None, label: str
) -> Iterator[np.ndarray]:
    if profiles.scaled:
        yield from map(predictor.predict, profiles.blocks())
        return
    scaling = scaling_of(profiles.blocks(), weights)
    if not scaling.sd.any():
        msg = f"{label}: no landmark gene differs between rows: there is nothing to predict from"
        raise InputError(msg)
    for block in profiles.blocks():
        yield predictor.predict(scaling.apply(block))
