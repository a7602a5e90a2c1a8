"""What the spread of an ensemble is worth: whether it says where predictions are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from scipy import stats

from sicmir_atlas.model.crossval import folds_of
from sicmir_atlas.model.inference import members_apart
from sicmir_atlas.model.samples import Samples, zscore_known
from sicmir_atlas.model.scaling import zscore
from sicmir_atlas.study.result import StudyResult, new_figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sicmir_atlas.model.learners import Averaged
    from sicmir_atlas.model.pairs import Pairs

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["calibration", "fold_spread"]


def fold_spread(
    learner: Averaged, pairs: Pairs, *, n_folds: int = 5, seed: int = 0
) -> tuple[Float64, Float64]:
    """Predict each fold by members that have not seen it.

    Returns
    -------
    Mean and population SD over the members, samples × miRNAs.
    """
    x, y, cohorts = pairs.arrays
    folds = folds_of(cohorts, n_folds, seed=seed, patients=pairs.patients)
    mean, sd = np.empty(y.shape), np.empty(y.shape)
    for fold in range(n_folds):
        out = folds == fold
        parts = learner.train(Samples(x[~out], y[~out], cohorts[~out]), seed=seed)
        members = [member for part in parts for member in part.members]
        each = members_apart(members, zscore(x[out]).astype(np.float32))
        mean[out], sd[out] = each.mean(axis=0), each.std(axis=0)
    return mean, sd


def calibration(
    learner: Averaged,
    pairs: Pairs,
    *,
    n_bins: int = 10,
    n_folds: int = 5,
    seed: int = 0,
) -> StudyResult:
    """Compare the members' spread with the error of their mean, over folds.

    Errors are those of z-scores. The spread is useful as far as error rises with it: over all
    predictions, and among the samples of one miRNA.

    Returns
    -------
    One row per tenth of the predictions, ordered by spread: mean spread and root mean squared
    error. The summary has Spearman's correlation of spread and absolute error, over all, and its
    mean over miRNAs.
    """
    mean, sd = fold_spread(learner, pairs, n_folds=n_folds, seed=seed)
    error = np.abs(zscore_known(pairs.mirna.to_numpy(dtype=np.float64)) - mean)
    known = ~np.isnan(error)
    spread, wrong = sd[known], error[known]
    bins = np.array_split(np.argsort(spread, kind="stable"), n_bins)
    table = pd.DataFrame(
        {
            "bin": np.arange(1, n_bins + 1),
            "sd": [spread[b].mean() for b in bins],
            "rmse": [np.sqrt(np.square(wrong[b]).mean()) for b in bins],
            "n": [b.size for b in bins],
        }
    )
    per_mirna = [
        stats.spearmanr(sd[rows, k], error[rows, k]).statistic
        for k in range(error.shape[1])
        if (rows := known[:, k]).sum() > 2 and np.ptp(sd[rows, k]) > 0
    ]
    summary = {
        "learner": learner.name,
        "n_folds": n_folds,
        "seed": seed,
        "spearman_sd_error": round(float(stats.spearmanr(spread, wrong).statistic), 4),
        "spearman_sd_error_within_mirna": round(float(np.nanmean(per_mirna)), 4),
        "rmse_of_least_and_most_spread": [round(float(r), 4) for r in table["rmse"].iloc[[0, -1]]],
        "sd_over_rmse": round(float(spread.mean() / np.sqrt(np.square(wrong).mean())), 4),
    }
    return StudyResult("calibration", table, summary, _figure(table))


def _figure(table: pd.DataFrame) -> Any:
    figure, ax = new_figure(width=4.6, height=3.6)
    ax.plot(table["sd"], table["rmse"], "o-", color="#0072b2")
    ax.set_xlabel("spread of the members (SD; a tenth of all predictions each)")
    ax.set_ylabel("root mean squared error, z units")
    ax.set_ylim(0)
    return figure
