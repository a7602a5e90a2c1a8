"""Runs of one recipe over seeds and folds: every figure with its spread (model spec, section 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.evaluation import evaluate
from sicmir_atlas.model.metrics import spread_over_runs
from sicmir_atlas.model.scaling import Scaling, observed_scaling
from sicmir_atlas.model.splits import SPLIT, read_parts
from sicmir_atlas.model.weights import load_model
from sicmir_atlas.study.result import StudyResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sicmir_atlas.model.evaluation import Evaluation
    from sicmir_atlas.model.pairs import Pairs
    from sicmir_atlas.model.weights import Model

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["FIGURES", "Run", "judge_runs", "read_run"]

FIGURES = (
    "pcc_pooled",
    "pcc_within_cohort",
    "pcc_per_sample",
    "pcc_flat",
    "mse",
    "rmse",
    "r2_mean",
    "r2_varw",
)
"""Figures of :func:`.evaluation.evaluate` that are averaged over runs."""

_NAME = re.compile(r"(full|fold\d+)-seed(\d+)")


@dataclass(frozen=True, eq=False)
class Run:
    """One training.

    Parameters
    ----------
    design
        ``full``, or ``fold1`` and so on.
    seed
        Its seed.
    model, split
        What was trained, and the part of every sample: train, validation or test.
    """

    design: str
    seed: int
    model: Model
    split: pd.Series[str]


def read_run(folder: Path) -> Run:
    """Read a model folder that is called after its run, such as ``fold1-seed42``.

    Raises
    ------
    InputError
        When the name is another, split.tsv is missing or no split, or the model was not trained
        by this package.
    """
    named = _NAME.fullmatch(folder.resolve().name)
    if named is None or not (folder / SPLIT).is_file():
        msg = f"{folder} is no run: a run is a model folder called full-seed42, fold1-seed42 and "
        msg += f"so on, with {SPLIT}"
        raise InputError(msg)
    model = load_model(folder)
    if "x_mean" not in model.scaling:
        msg = f"{folder} is no run: its model does not tell the means of its training samples"
        raise InputError(msg)
    return Run(named[1], int(named[2]), model, read_parts(folder / SPLIT))


def judge_runs(runs: Sequence[Run], pairs: Pairs) -> tuple[StudyResult, pd.DataFrame]:
    """Judge every run on the samples it has seen and on those held out.

    Over the runs of all training samples the spread is that of the seeds; in cross-validation
    each fold counts once, with the mean of its seeds.

    Returns
    -------
    The result, one row per run and part, whose summary has ``full`` and ``cross_validation`` →
    part → figure → mean, se and half_width of the 95 % interval, which is defined for three runs;
    and a table of miRNAs: ``pcc_test`` (mean over the seeds), ``pcc_cv`` and ``pcc_cv_se`` over
    folds; NaN without such runs.

    Raises
    ------
    InputError
        When there is no run, or the tables lack genes, miRNAs or the samples of one.
    """
    if not runs:
        msg = "no run to judge: give model folders called full-seed42, fold1-seed42 and so on"
        raise InputError(msg)
    rows, test_pcc = [], []
    for run in runs:
        for part, seen in (("train", True), ("test", False)):
            judged = _judge(run, pairs, seen=seen)
            about = {"design": run.design, "seed": run.seed, "part": part}
            figures = {name: judged.summary[name] for name in FIGURES}
            rows.append({**about, "n_samples": judged.summary["n_samples"], **figures})
            if part == "test":
                test_pcc.append(pd.Series(judged.pcc, run.model.mirnas, name=run.design))
    table = pd.DataFrame(rows).sort_values(["design", "seed", "part"], ignore_index=True)
    is_full = table["design"] == "full"
    folds = table[~is_full].groupby(["design", "part"], as_index=False)[list(FIGURES)].mean()
    summary = {
        "n_runs": len(runs),
        "seeds": sorted({run.seed for run in runs}),
        "full": _spreads(table[is_full]),
        "cross_validation": _spreads(folds),
    }
    return StudyResult("runs", table, summary), _per_mirna(test_pcc)


def _judge(run: Run, pairs: Pairs, *, seen: bool) -> Evaluation:
    for what, names, frame in (
        ("genes", run.model.landmarks, pairs.mrna),
        ("miRNAs", run.model.mirnas, pairs.mirna),
    ):
        absent = [name for name in names if name not in frame.columns]
        if absent:
            msg = f"{run.design}, seed {run.seed}: {len(absent)} of its {len(names)} {what} are "
            msg += f"not in the tables, such as {absent[0]}; give those it was trained on"
            raise InputError(msg)
    parts = run.split.reindex(pairs.mrna.index)
    chosen = (parts.isin(["train", "validation"]) if seen else parts == "test").to_numpy()
    if chosen.sum() < 2:
        msg = f"{run.design}, seed {run.seed}: {chosen.sum()} of its samples are in the tables; "
        msg += "give those it was trained on"
        raise InputError(msg)
    x = pairs.mrna.loc[chosen, list(run.model.landmarks)].to_numpy(dtype=np.float64)
    y = pairs.mirna.loc[chosen, list(run.model.mirnas)].to_numpy(dtype=np.float64)
    scaling = run.model.scaling
    return evaluate(
        run.model,
        x,
        y,
        pairs.groups[chosen],
        x_train=Scaling(scaling["x_mean"], scaling["x_sd"]),
        y_observed=observed_scaling(y),
    )


def _spreads(table: pd.DataFrame) -> Mapping[str, Any]:
    return {
        str(part): {name: _spread(list(rows[name].dropna())) for name in FIGURES}
        for part, rows in table.groupby("part")
    }


def _spread(values: list[float]) -> dict[str, float | None]:
    if len(values) != 3:  # the interval is that of three runs
        return {"mean": float(np.mean(values)) if values else None, "se": None, "half_width": None}
    spread = spread_over_runs(values)
    return {"mean": spread.mean, "se": spread.se, "half_width": spread.half_width}


def _per_mirna(test_pcc: Sequence[pd.Series[float]]) -> pd.DataFrame:
    every = pd.concat(test_pcc, axis=1)
    is_full = every.columns == "full"
    by_fold = every.loc[:, ~is_full].T.groupby(level=0).mean().T
    table = pd.DataFrame({"pcc_test": every.loc[:, is_full].mean(axis=1)})
    table["pcc_cv"] = by_fold.mean(axis=1)
    table["pcc_cv_se"] = by_fold.std(axis=1, ddof=1) / np.sqrt(by_fold.notna().sum(axis=1))
    return table.rename_axis("mirna").reset_index()
