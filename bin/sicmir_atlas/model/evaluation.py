"""Judge a model on samples it has not seen: pooled over cohorts, and within them.

Correlation over samples of several cohorts is mostly the difference between cohorts, so both are
reported side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from sicmir_atlas.model import metrics
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.scaling import zscore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sicmir_atlas.model.scaling import Scaling
    from sicmir_atlas.model.weights import Model

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["MIN_COHORT", "Evaluation", "evaluate"]

# fewer samples than this make a correlation too noisy to average over
MIN_COHORT = 10


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Figures of one model on one set of samples.

    Parameters
    ----------
    summary
        Figures of the model spec, section 5, ready for JSON.
    pcc, pcc_within, r2
        Per miRNA: over all samples, mean over cohorts, and R2 of z-scores; NaN where undefined.
    """

    summary: dict[str, Any]
    pcc: Float64
    pcc_within: Float64
    r2: Float64


def evaluate(
    model: Model,
    x: Float64,
    y: Float64,
    cohorts: Sequence[str],
    *,
    x_train: Scaling,
    y_observed: Scaling,
) -> Evaluation:
    """Compare predictions with measured values.

    Parameters
    ----------
    x, y
        Samples × landmarks and samples × miRNAs on a log scale; NaN in ``y`` is not compared.
    cohorts
        Cohort of every sample.
    x_train
        Scaling of the training samples, for the figure with ``scale=train``; all other figures
        z-score the samples among themselves, as single-cell data are.
    y_observed
        Scaling of ``y`` itself: errors are those of z-scores.
    """
    predictor = load_predictor(model)
    predicted = predictor.predict(zscore(x)).astype(np.float64)
    by_train = predictor.predict(x_train.apply(x))
    pcc = metrics.pcc_per_mirna(y, predicted)
    mean, undefined = metrics.mean_defined(pcc)

    labels = np.asarray(cohorts)
    names = [name for name in np.unique(labels) if (labels == name).sum() >= MIN_COHORT]
    inside = [metrics.pcc_per_mirna(y[labels == c], predicted[labels == c]) for c in names]
    per_cohort = {
        str(name): _rounded(metrics.mean_defined(values)[0])
        for name, values in zip(names, inside, strict=True)
    }
    within = _mean_over(inside, y.shape[1])

    z = np.where(np.isnan(y), np.nan, y_observed.apply(np.nan_to_num(y), dtype=np.float64))
    r2 = metrics.r2_per_mirna(z, predicted)
    squared_error = metrics.mse(z, predicted)
    summary = {
        "n_samples": len(x),
        "pcc_pooled": _rounded(mean),
        "pcc_pooled_scale_train": _rounded(
            metrics.mean_defined(metrics.pcc_per_mirna(y, by_train))[0]
        ),
        "pcc_within_cohort": _rounded(sum(per_cohort.values()) / len(names)) if names else None,
        "pcc_within_cohort_each": per_cohort,
        "n_mirnas_undefined": undefined,
        "pcc_per_sample": _rounded(metrics.mean_defined(metrics.pcc_per_sample(z, predicted))[0]),
        "pcc_flat": _rounded(metrics.pcc_flat(z, predicted)),
        "mse": _rounded(squared_error),
        "rmse": _rounded(np.sqrt(squared_error)),
        "r2_mean": _rounded(metrics.mean_defined(r2)[0]),
        "r2_varw": _rounded(metrics.r2_variance_weighted(z, predicted)),
    }
    return Evaluation(summary, pcc, within, r2)


def _mean_over(parts: list[Float64], n_mirnas: int) -> Float64:
    if not parts:
        return np.full(n_mirnas, np.nan)
    stacked = np.vstack(parts)
    count = (~np.isnan(stacked)).sum(axis=0)
    return np.where(count > 0, np.nansum(stacked, axis=0) / np.maximum(count, 1), np.nan)


def _rounded(value: float) -> float:
    return round(float(value), 4)
