"""Predict one input as a stream, whatever its size."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.pooling import PoolPlan, pool
from sicmir_atlas.model.scaling import balanced_weights, scaling_of, zscore
from sicmir_atlas.names import landmarks
from sicmir_atlas.prediction import Block, Prediction
from sicmir_atlas.profiles import Kind, Profiles, landmark_profiles
from sicmir_atlas.readers import open_counts
from sicmir_atlas.readers.memory import AnnDataMatrix, FrameMatrix
from sicmir_atlas.readers.tables import read_profile_table
from sicmir_atlas.trust import DomainMeter, is_short_of_landmarks, mirna_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from anndata import AnnData
    from numpy.typing import ArrayLike

    from sicmir_atlas.model.weights import Model
    from sicmir_atlas.readers import CountMatrix

__all__ = ["Mode", "predicting"]

_LEAST_ROWS = 3  # of two rows only the signs survive (sicmir-model, vector V7)
_MOST_NAMED = 5
logger = logging.getLogger(__name__)
Mode = Literal["auto", "percell", "average", "bootstrap"]


@contextmanager
def predicting(
    data: AnnData | pd.DataFrame | Path | str,
    *,
    model: Model,
    by: str | None = None,
    mode: Mode = "auto",
    kind: Kind = "counts",
    layer: str | None = None,
    gene_symbols: str | None = None,
    balance: Literal["published", "balanced"] = "published",
    device: Literal["cpu", "cuda", "auto"] = "cpu",
    seed: int = 0,
    with_sd: bool = False,
) -> Iterator[Prediction]:
    """Predict as a stream, for inputs of any size; options are those of :func:`.api.predict`.

    Missing landmarks are logged, and when the block ends well also an input that is far from the
    training data; both as warnings where predictions suffer.

    Parameters
    ----------
    with_sd
        Also give the SD over the members of a model of several.
    """
    if mode == "auto" and by is None:
        mode = "percell"
    if mode in ("average", "bootstrap") and by is None:
        msg = f"mode {mode} pools cells: say by which column of obs with `by`"
        raise InputError(msg)
    if tuple(model.landmarks) != landmarks():
        msg = (
            f"model {model.model_id}: its genes are not the {len(landmarks())} published landmarks "
        )
        msg += "in their order, which is what inputs are read for"
        raise InputError(msg)
    has_sd = with_sd and len(model.members) > 1
    meter = DomainMeter(model)
    predict = _predictor(model, device, meter, has_sd=has_sd)
    with (
        _open(data, kind, layer, gene_symbols) as matrix,
        landmark_profiles(matrix, kind=kind) as profiles,
    ):
        _tell_missing(matrix.label, list(profiles.missing))
        groups = None if by is None else _groups(profiles, by, matrix.label)
        made = partial(
            Prediction,
            mirna_table=mirna_table(model),
            missing=profiles.missing,
            model_id=model.model_id,
            has_sd=has_sd,
            meter=meter,
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
            blocks = map(predict, _scaled_blocks(profiles, weights, matrix.label))
            made = partial(made, rows=profiles.rows, pooled=False, is_judged=kind != "counts")
        else:
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
            weights = None
            if balance == "balanced":
                weights = balanced_weights(pools["group"].to_numpy(str))
            blocks = map(predict, [zscore(means, weights=weights)])
            made = partial(made, rows=pools, pooled=True, is_judged=True)
        prediction = made(blocks_with_sd=blocks)
        yield prediction
        _tell_far(matrix.label, prediction)


def _predictor(
    model: Model, device: Literal["cpu", "cuda", "auto"], meter: DomainMeter, *, has_sd: bool
) -> Callable[[ArrayLike], Block]:
    """Give a function that predicts z-scored rows and takes their distance on the way."""
    predictor = load_predictor(model, device=device)

    def predict(z: ArrayLike) -> Block:
        meter.add(z)
        return Block(*predictor.predict_with_sd(z)) if has_sd else Block(predictor.predict(z))

    return predict


def _tell_missing(label: str, missing: list[str]) -> None:
    if missing:
        shown = ", ".join(missing[:_MOST_NAMED]) + (", …" if len(missing) > _MOST_NAMED else "")
        said = f"{len(missing)} of {len(landmarks())} landmark genes are missing: {shown}"
        if is_short_of_landmarks(len(missing)):
            logger.warning("%s: %s; with more than 5 %% predictions are less exact", label, said)
        else:
            logger.info("%s: %s", label, said)


def _tell_far(label: str, prediction: Prediction) -> None:
    if prediction.is_far:
        logger.warning(
            "%s: far from what %s was trained on: %.0f %% of the variance of the landmarks lies "
            "outside it, at most %.0f %% did for a cohort left out of training",
            label,
            prediction.model_id,
            100 * (prediction.meter.distance or 0),
            100 * (prediction.meter.limit or 0),
        )


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
        logger.info("%d of %d cells have no %s and go into no pool", unlabelled, len(labels), by)
    return labels


def _scaled_blocks(
    profiles: Profiles, weights: np.ndarray | None, label: str
) -> Iterator[np.ndarray]:
    if profiles.scaled:
        yield from profiles.blocks()
        return
    scaling = scaling_of(profiles.blocks(), weights)
    if not scaling.sd.any():
        msg = f"{label}: no landmark gene differs between rows: there is nothing to predict from"
        raise InputError(msg)
    yield from map(scaling.apply, profiles.blocks())
