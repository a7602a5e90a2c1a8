"""How sparse cells are best predicted one by one: by agreement with the pools of their type.

A cell's z-scores have long tails where a gene is rare, and few landmarks tell little. What to do
about it is chosen by what comes closest to pooled predictions, which average the noise away. Pools
are no ground truth: the figures say how well cells stand for their type, not who is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.metrics import mean_defined, pcc_per_mirna, pcc_per_sample
from sicmir_atlas.model.pooling import PoolPlan, pool
from sicmir_atlas.model.scaling import zscore
from sicmir_atlas.study.percell_figure import draw_percell
from sicmir_atlas.study.result import StudyResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sicmir_atlas.study.cells import Cells

    Float64: TypeAlias = NDArray[np.float64]
    Predict: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]

__all__ = ["CLIPS", "MINIMA", "choose", "percell", "pooled_by_type"]

CLIPS: tuple[float | None, ...] = (None, 10, 5, 3)
"""Largest |z-score| of a cell's gene; None for no limit."""

MINIMA = (0, 50, 100, 150, 200, 300)
"""Fewest landmarks that a cell must have."""

_MEASURES = ("pcc_mirna", "pcc_type", "nearest")
_TOLERANCE = 0.005


def percell(
    datasets: Sequence[Cells],
    predict: Predict,
    *,
    clips: Sequence[float | None] = CLIPS,
    minima: Sequence[int] = MINIMA,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> StudyResult:
    """Predict cells under every setting, compare with pools of their types, and choose.

    Parameters
    ----------
    predict
        From z-scored rows × genes to rows × miRNAs.
    clips, minima
        Settings. Cells below the minimum are left out before z-scores are taken.
    seed
        Seed of the bootstrap pools.
    progress
        Called with the number of settings done.

    Returns
    -------
    One row per dataset and setting. Both sides are centred over types. ``pcc_mirna``: mean over
    miRNAs of the correlation over types; ``pcc_type``: mean over types of the correlation over
    miRNAs, between the mean of a type's cells and its pools. ``nearest``: share of cells whose
    prediction correlates best with the pools of their own type.

    Raises
    ------
    InputError
        When a dataset has fewer than three types.
    """
    rows: list[dict[str, Any]] = []
    for cells in datasets:
        pooled = pooled_by_type(cells, predict, seed=seed)
        detected = (cells.x > 0).sum(axis=1)
        for minimum in minima:
            kept = detected >= minimum
            present = pooled.index.isin(cells.types[kept])
            z = zscore(cells.x[kept]) if present.sum() > 1 else None
            for clip in clips:
                row = {
                    "dataset": cells.name,
                    "clip": np.nan if clip is None else float(clip),
                    "min_landmarks": minimum,
                    "n_cells": int(kept.sum()),
                    "share_kept": float(kept.mean()),
                    "n_types_lost": int((~present).sum()),
                    "share_clipped": np.nan,
                    **dict.fromkeys(_MEASURES, np.nan),
                }
                if z is not None:
                    row |= _compare(z, clip, cells.types[kept], pooled[present], predict)
                rows.append(row)
                if progress is not None:
                    progress(len(rows))
    table = pd.DataFrame(rows)
    summary = {
        "datasets": [cells.name for cells in datasets],
        "n_settings": len(clips) * len(minima),
        "seed": seed,
        **choose(table),
    }
    return StudyResult("percell", table, summary, draw_percell(table))


def pooled_by_type(cells: Cells, predict: Predict, *, seed: int = 0) -> pd.DataFrame:
    """Predict the pools of each type as the atlas does, and average them: types × miRNAs."""
    plan = PoolPlan.from_labels(cells.types, dataset_id=cells.name, seed=seed)
    if len(plan.groups) < 3:
        msg = f"{cells.name}: {len(plan.groups)} types; agreement over types needs at least 3: "
        msg += "choose another column"
        raise InputError(msg)
    pools, means = pool([cells.x], plan)
    predicted = pd.DataFrame(predict(zscore(means).astype(np.float32)).astype(np.float64))
    return predicted.groupby(pools["group"].to_numpy(str)).mean()


def choose(table: pd.DataFrame) -> dict[str, Any]:
    """Choose the setting of the highest mean of the three measures over the datasets.

    A setting that leaves a type without cells is out. Of settings within 0.005 of the best, the
    one that keeps most cells is taken, then the one that clips least.
    """
    score = table[list(_MEASURES)].mean(axis=1)
    settings = table.assign(clip=table["clip"].fillna(np.inf), score=score)
    by_setting = settings.groupby(["min_landmarks", "clip"])
    scores = by_setting["score"].mean()[by_setting["n_types_lost"].max() == 0]
    good = scores[scores >= scores.max() - _TOLERANCE]
    minimum, clip = min(good.index, key=lambda setting: (setting[0], -setting[1]))
    return {
        "chosen": {"clip": None if np.isinf(clip) else clip, "min_landmarks": int(minimum)},
        "why": "highest mean of pcc_mirna, pcc_type and nearest over the datasets, among settings "
        f"that leave every type its cells; within {_TOLERANCE} of the best the one that leaves "
        "out fewest cells, then clips least",
        "scores": [
            {
                "clip": None if np.isinf(limit) else limit,
                "min_landmarks": int(least),
                "score": round(float(score), 4),
            }
            for (least, limit), score in scores.items()
        ],
    }


def _compare(
    z: Float64,
    clip: float | None,
    types: NDArray[np.str_],
    pooled: pd.DataFrame,
    predict: Predict,
) -> dict[str, float]:
    limited = z if clip is None else np.clip(z, -clip, clip)
    predicted = predict(limited.astype(np.float32)).astype(np.float64)
    means = pd.DataFrame(predicted).groupby(types).mean().to_numpy()
    centre = means.mean(axis=0)
    expected = (pooled - pooled.mean()).to_numpy()
    likeness = _standardised(predicted - centre) @ _standardised(expected).T
    return {
        "share_clipped": 0.0 if clip is None else float(np.mean(np.abs(z) > clip)),
        "pcc_mirna": mean_defined(pcc_per_mirna(expected, means - centre))[0],
        "pcc_type": mean_defined(pcc_per_sample(expected, means - centre))[0],
        "nearest": float(np.mean(pooled.index.to_numpy(str)[likeness.argmax(axis=1)] == types)),
    }


def _standardised(rows: Float64) -> Float64:
    centred = rows - rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.where(norm > 0, norm, 1))
