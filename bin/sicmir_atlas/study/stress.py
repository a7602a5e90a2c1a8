"""How much of a model's input can be lost before its predictions are (model spec, section 9)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.crossval import agreement
from sicmir_atlas.model.metrics import mean_defined, mse, r2_per_mirna
from sicmir_atlas.model.samples import zscore_known
from sicmir_atlas.model.scaling import zscore
from sicmir_atlas.study.perturbations import PUBLISHED, TESTS, n_perturbations, perturb
from sicmir_atlas.study.result import StudyResult
from sicmir_atlas.study.stress_figure import draw_stress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from sicmir_atlas.study.perturbations import Grid, Perturbed, Test

    Float64: TypeAlias = NDArray[np.float64]
    Predict: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]

__all__ = ["State", "state_of", "stress"]

State = Literal["collapse", "degraded", "non-trivial"]

_AT_ONCE = 8  # perturbed inputs that are predicted in one call


def state_of(pcc: float, r2: float) -> State:
    """Call predictions collapsed (R2 <= 0 or |PCC| < 0.01), non-trivial (PCC > 0.2) or between."""
    if r2 <= 0 or abs(pcc) < 0.01:
        return "collapse"
    return "non-trivial" if pcc > 0.2 else "degraded"


def stress(
    predict: Predict,
    x: Float64,
    truth: Float64,
    groups: NDArray[np.str_],
    *,
    tests: Sequence[Test] = TESTS,
    ranking: Sequence[int] | None = None,
    grid: Grid = PUBLISHED,
    progress: Callable[[int], None] | None = None,
) -> StudyResult:
    """Perturb a model's input in every way of the published stress tests; nothing is retrained.

    Parameters
    ----------
    predict
        From z-scored rows × genes to rows × miRNAs.
    x
        Samples × genes, log2(x + 1), columns as ``predict`` takes them.
    truth
        Samples × miRNAs, log scale; NaN is not compared. Errors are those of z-scores.
    groups
        Group of every sample, as for :func:`.agreement`.
    ranking
        Columns of ``x`` from the least to the most important. Without it, ``removal`` is left out.
    progress
        Called with the number of perturbations done.

    Returns
    -------
    One row per perturbation: what was done (test, level, gamma, depth, seed), sparsity before and
    after z-scores, PCC pooled and within cohorts, R2, MSE, RMSE and state.

    Raises
    ------
    InputError
        When there is no test to run, or a sparsity test meets values that are no log2(x + 1).
    """
    run = [test for test in tests if test != "removal" or ranking is not None]
    if not run:
        msg = "no test to run: removal needs a ranking of genes (--ranking)"
        raise InputError(msg)
    measured = zscore_known(truth)
    intact = predict(zscore(x).astype(np.float32)).astype(np.float64)
    rows: list[dict[str, Any]] = []
    for together in _batches(perturb(x, run, ranking=ranking, grid=grid)):
        predicted = predict(np.vstack([one.z for one in together])).astype(np.float64)
        for one, part in zip(together, np.split(predicted, len(together)), strict=True):
            rows.append({**_about(one), **_scores(measured, part, groups)})
        if progress is not None:
            progress(len(rows))
    table = pd.DataFrame(rows).astype({"gamma": float, "depth": "Int64", "seed": "Int64"})
    summary = {
        "n_samples": len(x),
        "tests": run,
        "not_run": [] if len(run) == len(tests) else ["removal: no ranking of genes was given"],
        "n_perturbations": len(table),
        "n_beyond_level": n_perturbations(run, grid) - len(table),
        "seeds": {"masking": list(grid.masking_seeds), "sparsity": list(grid.sparsity_seeds)},
        "intact": _scores(measured, intact, groups),
        "by_test": {test: _summary(part) for test, part in table.groupby("test", sort=False)},
    }
    return StudyResult("stress", table, summary, draw_stress(table))


def _batches(perturbed: Iterable[Perturbed]) -> Iterator[list[Perturbed]]:
    source = iter(perturbed)
    while together := list(itertools.islice(source, _AT_ONCE)):
        yield together


def _about(one: Perturbed) -> dict[str, Any]:
    return {
        "test": one.test,
        "level": one.level,
        "gamma": one.gamma,
        "depth": one.depth,
        "seed": one.seed,
        "sparsity_pre": one.sparsity_pre,
        "sparsity_post": one.sparsity_post,
    }


def _scores(measured: Float64, predicted: Float64, groups: NDArray[np.str_]) -> dict[str, Any]:
    agreed = agreement(measured, predicted, groups)
    pcc, r2 = mean_defined(agreed.pooled)[0], mean_defined(r2_per_mirna(measured, predicted))[0]
    within, n_undefined = mean_defined(agreed.within)
    error = mse(measured, predicted)
    return {
        "pcc": pcc,
        "pcc_within": None if n_undefined == agreed.within.size else within,
        "r2": r2,
        "mse": error,
        "rmse": float(np.sqrt(error)),
        "state": state_of(pcc, r2),
    }


def _summary(part: pd.DataFrame) -> dict[str, Any]:
    """How far the test can go: the sparsest input that is non-trivial, the least that collapses."""
    alive, dead = (part.loc[part["state"] == s] for s in ("non-trivial", "collapse"))
    figures = {
        "lowest_pcc": part["pcc"].min(),
        "lowest_pcc_within": part["pcc_within"].min(),
        "highest_sparsity_non_trivial": alive["sparsity_pre"].max(),
        "lowest_sparsity_collapse": dead["sparsity_pre"].min(),
    }
    states = part["state"].value_counts().sort_index()
    return {
        "n": len(part),
        **{name: None if pd.isna(v) else round(float(v), 4) for name, v in figures.items()},
        **{f"n_{name}": int(n) for name, n in states.items()},
    }
