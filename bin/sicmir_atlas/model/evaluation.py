"""Judge a model on samples it has not seen: pooled over cohorts, and within them.

Correlation over samples of several cohorts is mostly the difference between cohorts, so both are
reported side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from sicmir_atlas.model import metrics
from sicmir_atlas.model.crossval import agreement
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.scaling import zscore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sicmir_atlas.model.crossval import Agreement
    from sicmir_atlas.model.scaling import Scaling
    from sicmir_atlas.model.weights import Model

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["Evaluation", "evaluate", "figures_of"]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Figures of one model on one set of samples.

    Parameters
    ----------
    summary
        Figures of the model spec, section 5, ready for JSON.
    predicted
        Samples × miRNAs.
    pcc
        Per miRNA over all samples; NaN where undefined.
    """

    summary: dict[str, Any]
    predicted: Float64
    pcc: Float64


def evaluate(
    model: Model,
    x: Float64,
    y: Float64,
    groups: NDArray[np.str_],
    *,
    x_train: Scaling,
    y_observed: Scaling,
) -> Evaluation:
    """Compare predictions with measured values.

    Parameters
    ----------
    x, y
        Samples × landmarks and samples × miRNAs on a log scale; NaN in ``y`` is not compared.
    groups
        Group of every sample, as for :func:`.agreement`.
    x_train
        Scaling of the training samples, for the figure with ``scale=train``; all other figures
        z-score the samples among themselves, as single-cell data are.
    y_observed
        Scaling of ``y`` itself: errors are those of z-scores.
    """
    predictor = load_predictor(model)
    predicted = predictor.predict(zscore(x)).astype(np.float64)
    by_train = predictor.predict(x_train.apply(x))
    found = agreement(y, predicted, groups)
    by_train_pcc = metrics.mean_defined(metrics.pcc_per_mirna(y, by_train))[0]
    figures = figures_of(y, predicted, found, y_observed=y_observed)
    summary = {**figures, "pcc_pooled_scale_train": _rounded(by_train_pcc)}
    return Evaluation(summary, predicted, found.pooled)


def figures_of(
    y: Float64, predicted: Float64, found: Agreement, *, y_observed: Scaling
) -> dict[str, Any]:
    """Put the figures of the model spec, section 5, together.

    Parameters
    ----------
    y, predicted
        Samples × miRNAs on a log scale, and what was predicted of them, z-scored.
    found
        Their agreement.
    y_observed
        Scaling of ``y`` itself: errors are those of z-scores.
    """
    z = np.where(np.isnan(y), np.nan, y_observed.apply(np.nan_to_num(y), dtype=np.float64))
    r2 = metrics.r2_per_mirna(z, predicted)
    squared_error = metrics.mse(z, predicted)
    return {
        "n_samples": len(y),
        "pcc_pooled": _rounded(metrics.mean_defined(found.pooled)[0]),
        "pcc_within_cohort": _rounded(metrics.mean_defined(found.within)[0])
        if found.by_group
        else None,
        "pcc_within_cohort_each": {name: _rounded(v) for name, v in found.by_group.items()},
        "n_mirnas_undefined": metrics.mean_defined(found.pooled)[1],
        "pcc_per_sample": _rounded(metrics.mean_defined(metrics.pcc_per_sample(z, predicted))[0]),
        "pcc_flat": _rounded(metrics.pcc_flat(z, predicted)),
        "mse": _rounded(squared_error),
        "rmse": _rounded(np.sqrt(squared_error)),
        "r2_mean": _rounded(metrics.mean_defined(r2)[0]),
        "r2_varw": _rounded(metrics.r2_variance_weighted(z, predicted)),
    }


def _rounded(value: float) -> float:
    return round(float(value), 4)
