"""Learners against each other on the same samples: folds, and cohorts left out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model import metrics
from sicmir_atlas.model.crossval import (
    MIN_COHORT,
    agreement,
    cross_validate,
    leave_one_cohort_out,
    mean_interval,
)
from sicmir_atlas.study.intervals import interval_columns
from sicmir_atlas.study.result import StudyResult, new_figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sicmir_atlas.model.learners import Learner
    from sicmir_atlas.model.pairs import Pairs

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["compare"]

MEASURES = ("folds", "cohorts_left_out")
"""How samples were held out; both are judged within cohorts."""


def compare(
    learners: Sequence[tuple[str, Learner]],
    pairs: Pairs,
    *,
    baseline: str,
    n_folds: int = 5,
    seed: int = 0,
    on_learner: Callable[[str], None] | None = None,
) -> StudyResult:
    """Judge learners within cohorts, with paired intervals over miRNAs against a baseline.

    Parameters
    ----------
    learners
        Label and learner; labels are unique, and ``baseline`` is one of them.
    n_folds
        Folds of the cross-validation.
    on_learner
        Called with the label before a learner's turn.

    Returns
    -------
    One row per learner: mean per-miRNA PCC pooled and within cohorts by folds, within cohorts
    left out, and of both the ratio to the baseline with its paired 95 % interval.

    Raises
    ------
    InputError
        When no cohort is large enough.
    """
    groups, patients = pairs.groups, pairs.patients
    _, sizes = np.unique(groups, return_counts=True)
    if sizes.max() < MIN_COHORT:
        msg = f"the largest cohort has {sizes.max()} samples; {MIN_COHORT} are needed to correlate "
        msg += "within cohorts: join cohorts in --strata"
        raise InputError(msg)
    x, y, cohorts = pairs.arrays
    found: dict[str, dict[str, Any]] = {}
    each: dict[str, dict[str, dict[str, float]]] = {}
    for label, learner in learners:
        if on_learner is not None:
            on_learner(label)
        started = time.perf_counter()
        folded = cross_validate(
            learner, x, y, cohorts, n_folds=n_folds, seed=seed, patients=patients
        )
        left_out = leave_one_cohort_out(learner, x, y, cohorts, seed=seed)
        by_fold, by_cohort = (agreement(y, guess, groups) for guess in (folded, left_out))
        found[label] = {
            "pooled": by_fold.pooled,
            "folds": by_fold.within,
            "cohorts_left_out": by_cohort.within,
            "seconds": time.perf_counter() - started,
        }
        each[label] = {
            measure: {name: round(pcc, 4) for name, pcc in judged.by_group.items()}
            for measure, judged in zip(MEASURES, (by_fold, by_cohort), strict=True)
        }
    table = pd.DataFrame(
        [_row(label, figures, found[baseline]) for label, figures in found.items()]
    )
    best = table.loc[table["folds"].idxmax(), "learner"]
    summary = {
        "baseline": baseline,
        "best_by_folds": best,
        "best_by_cohorts_left_out": table.loc[table["cohorts_left_out"].idxmax(), "learner"],
        "n_samples": len(x),
        "n_folds": n_folds,
        "seed": seed,
        "learners": table.drop(columns="seconds").round(4).to_dict("records"),
        "within_cohort_each": each,
    }
    return StudyResult("models", table, summary, _figure(table, baseline))


def _row(label: str, figures: dict[str, Any], baseline: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "learner": label,
        "pooled": metrics.mean_defined(figures["pooled"])[0],
    }
    for measure in MEASURES:
        row |= interval_columns(measure, figures[measure])
        difference = mean_interval(figures[measure] - baseline[measure])
        reference = metrics.mean_defined(baseline[measure])[0]
        row |= {
            f"{measure}_gain": difference.mean / reference,
            f"{measure}_gain_low": difference.low / reference,
            f"{measure}_gain_high": difference.high / reference,
        }
    return row | {"seconds": round(figures["seconds"], 1)}


def _figure(table: pd.DataFrame, baseline: str) -> Any:
    ordered = table.sort_values("folds")
    figure, axes = new_figure(width=7.2, height=1.0 + 0.28 * len(table), ncols=2, sharey=True)
    places = np.arange(len(ordered))
    for ax, measure, title in zip(
        axes, MEASURES, ("folds, within cohorts", "cohorts left out, within cohorts"), strict=True
    ):
        low, high = ordered[f"{measure}_low"], ordered[f"{measure}_high"]
        spans = np.vstack([ordered[measure] - low, high - ordered[measure]])
        ax.errorbar(ordered[measure], places, xerr=spans, fmt="o", color="#0072b2", markersize=4)
        of_baseline = float(table.loc[table["learner"] == baseline, measure].iloc[0])
        ax.axvline(of_baseline, color="#888888", linewidth=0.8, linestyle="--")
        ax.set_xlabel(f"mean per-miRNA PCC,\n{title}")
        ax.set_yticks(places, ordered["learner"])
    return figure
