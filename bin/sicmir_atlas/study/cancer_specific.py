"""One cancer's own model against the pan-cancer model, on the same samples."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.crossval import agreement, cross_validate
from sicmir_atlas.study.intervals import interval_columns
from sicmir_atlas.study.result import StudyResult, new_figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sicmir_atlas.model.learners import Learner, Predict
    from sicmir_atlas.model.pairs import Pairs

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["MIN_TRAIN", "WithOthers", "cancer_specific", "large_enough"]

logger = logging.getLogger(__name__)

MIN_TRAIN = 40
"""Training samples that a cohort needs for a model of its own; the spec's 100 where data allow."""

_LABELS = {
    "own": "own model",
    "pan_same_size": "pan-cancer, as many samples",
    "pan": "pan-cancer, all samples",
    "pan_together": "pan-cancer, z-scored with other cohorts",
}
_COLOURS = ("#D55E00", "#56B4E9", "#0072B2", "#999999")


@dataclass(frozen=True, eq=False)
class WithOthers:
    """A learner that also trains on the samples of other cohorts.

    Parameters
    ----------
    x, y, cohorts
        The others.
    draw
        Train on as many of all samples, drawn at random with this seed, as the cohort itself has
        for training; on all of them when None.
    """

    learner: Learner
    x: Float64
    y: Float64
    cohorts: NDArray[np.str_]
    draw: int | None = None

    @property
    def name(self) -> str:
        """Name in tables."""
        return f"{self.learner.name} with other cohorts"

    def fit(self, x: Float64, y: Float64, cohorts: NDArray[np.str_], *, seed: int) -> Predict:
        """See :meth:`.learners.Learner.fit`."""
        every_x, every_y = np.vstack([x, self.x]), np.vstack([y, self.y])
        rows = np.arange(len(every_x))
        if self.draw is not None:
            rng = np.random.Generator(np.random.PCG64(self.draw))
            rows = np.sort(rng.choice(rows, len(x), replace=False))
        every_cohort = np.concatenate([cohorts, self.cohorts])
        return self.learner.fit(every_x[rows], every_y[rows], every_cohort[rows], seed=seed)


def large_enough(
    cohorts: NDArray[np.str_], *, min_train: int, n_folds: int
) -> tuple[list[str], dict[str, int]]:
    """Tell cohorts with enough training samples in every fold from the others.

    Returns
    -------
    Names of the former, and the least number of training samples of each of the latter.

    Raises
    ------
    InputError
        When there is only one cohort, or none is large enough.
    """
    names, counts = np.unique(cohorts, return_counts=True)
    if names.size < 2:
        msg = "one cohort has no pan-cancer model to compare with; name cohorts with --strata"
        raise InputError(msg)
    least = {str(n): _least_train(int(c), n_folds) for n, c in zip(names, counts, strict=True)}
    left_out = {name: n for name, n in least.items() if n < min_train}
    kept = [name for name in least if name not in left_out]
    if not kept:
        most = max(least, key=lambda name: least[name])
        msg = f"no cohort has {min_train} training samples; the largest, {most}, has {least[most]} "
        msg += f"in {n_folds} folds: lower --min-train"
        raise InputError(msg)
    return kept, left_out


def cancer_specific(
    pairs: Pairs,
    learner: Learner,
    *,
    min_train: int = MIN_TRAIN,
    n_folds: int = 5,
    n_draws: int = 3,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> StudyResult:
    """Judge four models of every cohort by the same folds.

    ``own`` trains on the cohort alone, ``pan`` on it and all others, ``pan_same_size`` on as many
    samples of all cohorts as ``own`` has, so that size does not decide. These three are given the
    cohort's fold by itself and z-score it by itself. ``pan_together`` is the common pan-cancer
    cross-validation, which z-scores the folds of all cohorts together: what is usual, but no
    like for like.

    Parameters
    ----------
    min_train
        Cohorts with fewer training samples in a fold are left out, and said.
    n_draws
        Draws of ``pan_same_size``; a miRNA's PCC is their mean.
    progress
        Called with the number of cohorts done, of those that :func:`large_enough` gives.

    Returns
    -------
    Table: ``cohort``, ``model``, ``n_samples``, ``n_train`` (least of the folds), ``n_mirnas``
    (those with a PCC in all four), ``pcc`` (mean per-miRNA PCC within the cohort) with its 95 %
    interval over miRNAs, and ``difference`` to ``own`` with its paired interval.

    Raises
    ------
    InputError
        When no cohort is large enough, there is only one, or nothing is to be drawn.
    """
    if n_draws < 1:
        msg = f"{n_draws} draws give no pan-cancer model of the same size; take 1 or more"
        raise InputError(msg)
    (x, y, cohorts), groups, patients = pairs.arrays, pairs.groups, pairs.patients
    names, left_out = large_enough(cohorts, min_train=min_train, n_folds=n_folds)
    for name, n in left_out.items():
        logger.warning("cohort %s is left out: %d training samples of %d", name, n, min_train)
    together = cross_validate(learner, x, y, cohorts, n_folds=n_folds, seed=seed, patients=patients)
    rows = []
    for done, name in enumerate(names, start=1):
        here, there = cohorts == name, cohorts != name
        others = (x[there], y[there], cohorts[there])

        def judged(chosen: Learner, rows: NDArray[np.bool_] = here) -> Float64:
            predicted = cross_validate(
                chosen,
                x[rows],
                y[rows],
                cohorts[rows],
                n_folds=n_folds,
                seed=seed,
                patients=patients[rows],
            )
            return agreement(y[rows], predicted, groups[rows]).within

        draws = [judged(WithOthers(learner, *others, draw=seed + i)) for i in range(n_draws)]
        found = {
            "own": judged(learner),
            "pan_same_size": np.mean(draws, axis=0),
            "pan": judged(WithOthers(learner, *others)),
            "pan_together": agreement(y[here], together[here], groups[here]).within,
        }
        least = _least_train(int(here.sum()), n_folds)
        n_train = {"own": least, "pan_same_size": least, "pan": least + int(there.sum())}
        n_train["pan_together"] = _least_train(len(x), n_folds)
        undefined = np.isnan(np.vstack(list(found.values()))).any(axis=0)
        found = {model: np.where(undefined, np.nan, pcc) for model, pcc in found.items()}
        rows += [
            {
                "cohort": name,
                "model": model,
                "n_samples": int(here.sum()),
                "n_train": n_train[model],
                "n_mirnas": int((~undefined).sum()),
                **interval_columns("pcc", pcc),
                **interval_columns("difference", pcc - found["own"]),
            }
            for model, pcc in found.items()
        ]
        if progress is not None:
            progress(done)
    table = pd.DataFrame(rows)
    means = table.groupby("model", sort=False)["pcc"].mean()
    summary = {
        "learner": learner.name,
        "n_folds": n_folds,
        "n_draws": n_draws,
        "seed": seed,
        "min_train": min_train,
        "left_out": left_out,
        "mean_pcc": {model: round(float(value), 4) for model, value in means.items()},
    }
    return StudyResult("cancers", table, summary, _figure(table))


def _least_train(n_samples: int, n_folds: int) -> int:
    return n_samples - -(-n_samples // n_folds)


def _figure(table: pd.DataFrame) -> Any:
    sizes = table.drop_duplicates("cohort").set_index("cohort")["n_samples"]
    names = [f"{name}\n{n} samples" for name, n in sizes.items()]
    figure, ax = new_figure(height=1.4 + 0.6 * len(names))
    for place, (model, colour) in enumerate(zip(_LABELS, _COLOURS, strict=True)):
        rows = table[table["model"] == model]
        height = np.arange(len(names)) + 0.16 * (place - 1.5)
        error = [rows["pcc"] - rows["pcc_low"], rows["pcc_high"] - rows["pcc"]]
        ax.errorbar(
            rows["pcc"],
            height,
            xerr=error,
            fmt="o",
            color=colour,
            label=_LABELS[model],
            markersize=5,
        )
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set_xlabel("mean PCC over miRNAs within the cohort, 95 % interval")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False)
    return figure
