"""What more samples would give, and what no model can give: learning curve and noise ceiling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.model import metrics
from sicmir_atlas.model.crossval import agreement, folds_of
from sicmir_atlas.model.sample_names import compared_within
from sicmir_atlas.study.result import StudyResult, new_figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sicmir_atlas.model.learners import Learner
    from sicmir_atlas.model.pairs import Pairs

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["Ceiling", "arm_ceiling", "learning_curve"]


@dataclass(frozen=True)
class Ceiling:
    """What a perfect prediction would correlate with a noisy measurement.

    Parameters
    ----------
    pcc
        Square root of the mean correlation of two measurements of the same molecule.
    n_pairs
        Pairs of columns that it was taken from.
    source
        What the two measurements are.
    """

    pcc: float
    n_pairs: int
    source: str


def arm_ceiling(
    measured: pd.DataFrame, stem_of: pd.Series[str], cohorts: pd.Series[str]
) -> Ceiling:
    """Estimate the ceiling from the two arms of a stem-loop, which one transcript makes.

    Their correlation within cohorts is that of two noisy readings of the same transcription; what
    differs biologically between arms lowers it, so the ceiling may be higher.

    Parameters
    ----------
    measured
        Samples × mature miRNAs.
    stem_of
        Stem of every column.
    cohorts
        Cohort of every sample.

    Returns
    -------
    The ceiling; NaN of no pair where no two arms vary within a cohort.
    """
    found = []
    for names in stem_of.groupby(stem_of).groups.values():
        if len(names) == 2 and len(measured):
            one, other = (measured[[name]].to_numpy(dtype=np.float64) for name in names)
            within = agreement(one, other, compared_within(cohorts)).within[0]
            if not np.isnan(within):
                found.append(within)
    mean = float(np.mean(found)) if found else np.nan
    source = "the two arms of a stem-loop, within cohorts"
    return Ceiling(float(np.sqrt(np.maximum(mean, 0.0))), len(found), source)


def learning_curve(
    learners: Sequence[tuple[str, Learner]],
    pairs: Pairs,
    *,
    shares: Sequence[float] = (0.2, 0.35, 0.5, 0.7, 0.85, 1.0),
    n_folds: int = 5,
    n_draws: int = 3,
    seed: int = 0,
    ceiling: Ceiling | None = None,
    on_share: Callable[[str, float], None] | None = None,
) -> StudyResult:
    """Train on a growing share of each fold's training samples, drawn within cohorts.

    Parameters
    ----------
    learners
        Label and learner.
    shares
        Of the training samples; the last one has one draw, for all are taken.
    n_draws
        Draws of each smaller share.
    ceiling
        Drawn as a line, and kept in the summary.

    Returns
    -------
    One row per learner, share and draw: number of training samples (mean over folds) and mean
    per-miRNA PCC within cohorts and pooled.
    """
    (x, y, cohorts), groups = pairs.arrays, pairs.groups
    folds = folds_of(cohorts, n_folds, seed=seed, patients=pairs.patients)
    rows = []
    for label, learner in learners:
        for share in shares:
            if on_share is not None:
                on_share(label, share)
            for draw in range(1 if share >= 1 else n_draws):
                predicted, n_train = np.full(y.shape, np.nan), []
                rng = np.random.Generator(np.random.PCG64(seed + draw))
                for fold in range(n_folds):
                    train = _share_of(np.flatnonzero(folds != fold), cohorts, share, rng)
                    predict = learner.fit(x[train], y[train], cohorts[train], seed=seed)
                    predicted[folds == fold] = predict(x[folds == fold])
                    n_train.append(train.size)
                judged = agreement(y, predicted, groups)
                rows.append(
                    {
                        "learner": label,
                        "share": share,
                        "draw": draw,
                        "n_train": float(np.mean(n_train)),
                        "pcc_within_cohort": metrics.mean_defined(judged.within)[0],
                        "pcc_pooled": metrics.mean_defined(judged.pooled)[0],
                    }
                )
    table = pd.DataFrame(rows)
    means = table.groupby(["learner", "share"], sort=False).mean(numeric_only=True).reset_index()
    summary: dict[str, Any] = {
        "n_folds": n_folds,
        "n_draws": n_draws,
        "seed": seed,
        "gain_of_the_last_doubling": {
            label: _last_doubling(part) for label, part in means.groupby("learner", sort=False)
        },
    }
    if ceiling is not None:
        summary["noise_ceiling"] = {
            "pcc_within_cohort": round(ceiling.pcc, 4),
            "n_pairs": ceiling.n_pairs,
            "source": ceiling.source,
        }
    return StudyResult("learning_curve", table, summary, _figure(means, ceiling))


def _share_of(
    rows: NDArray[np.int64], cohorts: NDArray[np.str_], share: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    chosen = []
    for name in np.unique(cohorts[rows]):
        members = rows[cohorts[rows] == name]
        chosen.append(rng.permutation(members)[: max(1, round(share * members.size))])
    return np.sort(np.concatenate(chosen))


def _last_doubling(means: pd.DataFrame) -> float:
    """Difference between all samples and half of them, read off the curve."""
    curve = means.sort_values("n_train")
    sizes, values = curve["n_train"].to_numpy(), curve["pcc_within_cohort"].to_numpy()
    half = np.interp(np.log(sizes[-1] / 2), np.log(sizes), values)
    return round(float(values[-1] - half), 4)


def _figure(means: pd.DataFrame, ceiling: Ceiling | None) -> Any:
    figure, ax = new_figure(width=5.6, height=3.6)
    for (label, part), marker in zip(means.groupby("learner", sort=False), "osD^v", strict=False):
        ax.plot(part["n_train"], part["pcc_within_cohort"], marker=marker, label=label)
    if ceiling is not None:
        ax.axhline(ceiling.pcc, color="#888888", linestyle="--", linewidth=0.8)
        ax.annotate(
            "noise ceiling", (1, ceiling.pcc), xycoords=("axes fraction", "data"),
            ha="right", va="bottom", color="#555555", fontsize=9,
        )  # fmt: skip
    ax.set_xscale("log", base=2)
    ticks = sorted(set(means["n_train"].round().astype(int)))
    ax.set_xticks(ticks, [str(t) for t in ticks])
    ax.minorticks_off()
    ax.set_xlabel("training samples")
    ax.set_ylabel("mean per-miRNA PCC, within cohorts")
    ax.set_ylim(0)
    ax.legend(frameon=False, loc="lower right")
    return figure
