"""Seconds of inference: a model of this package against miRSCAPE, saved and trained anew."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.mirscape import train
from sicmir_atlas.model.mirscape_input import natural_log, standardise_samples
from sicmir_atlas.model.mirscape_output import load_mirscape, save_mirscape
from sicmir_atlas.model.scaling import zscore
from sicmir_atlas.model.weights import load_model
from sicmir_atlas.study.result import StudyResult, new_figure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from sicmir_atlas.model.mirscape import MirscapeModel, Settings
    from sicmir_atlas.model.pairs import Pairs

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["inference_time", "train_mirscape"]

T = TypeVar("T")

_LABELS = {
    "model": "this model",
    "mirscape_saved": "miRSCAPE, saved",
    "mirscape_retrained": "miRSCAPE, trained anew",
}
_STEPS = {"load": "#56B4E9", "train": "#D55E00", "predict": "#0072B2", "total": "#000000"}


def train_mirscape(
    pairs: Pairs, *, settings: Settings | None = None, seed: int = 0, jobs: int = 1
) -> MirscapeModel:
    """Train miRSCAPE on log2 tables; a miRNA without a value gets no regressor."""
    return train(
        standardise_samples(pairs.mrna, "log2"),
        natural_log(pairs.mirna, "log2"),
        genes=list(pairs.mrna.columns),
        mirnas=list(pairs.mirna.columns),
        settings=settings,
        seed=seed,
        jobs=jobs,
    )


def inference_time(
    model_folder: Path | str,
    train_pairs: Pairs,
    mrna: pd.DataFrame,
    saved: Path,
    *,
    settings: Settings | None = None,
    repeats: int = 5,
    seed: int = 0,
    jobs: int = 1,
) -> StudyResult:
    """Time three ways from one mRNA table to miRNAs, one after the other in this process.

    ``model`` and ``mirscape_saved`` read their file and predict: the fair comparison.
    ``mirscape_retrained`` trains first, as the tool does: the published comparison, which counts
    training on one side only. Each prepares the table itself. Before anything is compared, the
    saved miRSCAPE must predict what the one trained anew predicts, bit for bit.

    Parameters
    ----------
    train_pairs
        What miRSCAPE trains on: samples × landmarks and samples × miRNAs, log2(x + 1).
    mrna
        Samples × genes to predict, log2(x + 1), with all landmarks of the model.
    saved
        A file of :func:`.save_mirscape` trained on ``train_pairs``; made first if there is none.
    repeats
        Reading and predicting are repeated; the table has medians.
    jobs
        Regressors trained side by side; all else runs on one thread.

    Returns
    -------
    Table: ``method``, ``load``, ``train``, ``predict`` and ``total`` in seconds, and ``ratio``
    of the total to that of ``model``.

    Raises
    ------
    InputError
        When landmarks are missing, nothing is to be repeated, or the saved miRSCAPE is of other
        data, settings or seed.
    """
    if repeats < 1:
        msg = f"{repeats} repeats time nothing; take 1 or more"
        raise InputError(msg)
    landmarks = list(load_model(model_folder).landmarks)
    absent = [g for g in landmarks if g not in mrna.columns or g not in train_pairs.mrna.columns]
    if absent:
        msg = f"{len(absent)} landmarks of the model are not in the mRNA table, such as "
        msg += f"{absent[0]}; both methods are timed on the same genes"
        raise InputError(msg)
    chosen = train_pairs.mrna[landmarks]
    pairs = type(train_pairs)(chosen, train_pairs.mirna, train_pairs.cohorts)
    x = mrna[landmarks].to_numpy(dtype=np.float64)

    def anew() -> MirscapeModel:
        return train_mirscape(pairs, settings=settings, seed=seed, jobs=jobs)

    if not saved.is_file():
        save_mirscape(anew(), saved)
    with threadpool_limits(1):
        retrained, training = _timed(anew, 1)
        mirscape, load_saved = _timed(lambda: load_mirscape(saved), repeats)
        _check_same(mirscape, retrained, standardise_samples(x, "log2"), saved)
        predictor, load_own = _timed(lambda: load_predictor(load_model(model_folder)), repeats)
        _, own = _timed(lambda: predictor.predict(zscore(x)), repeats)
        _, of_saved = _timed(lambda: mirscape.predict(standardise_samples(x, "log2")), repeats)
        _, of_new = _timed(lambda: retrained.predict(standardise_samples(x, "log2")), repeats)
    table = pd.DataFrame(
        [
            ("model", load_own, 0.0, own),
            ("mirscape_saved", load_saved, 0.0, of_saved),
            ("mirscape_retrained", 0.0, training, of_new),
        ],
        columns=["method", "load", "train", "predict"],
    )
    table["total"] = table[["load", "train", "predict"]].sum(axis=1)
    table["ratio"] = table["total"] / table["total"][0]
    summary = {
        "n_samples": len(x),
        "n_train": len(pairs.mrna),
        "n_mirnas": len(retrained.mirnas),
        "n_landmarks": len(landmarks),
        "repeats": repeats,
        "seed": seed,
        "jobs": jobs,
        "ratio_saved_total": _rounded(table["ratio"][1]),
        "ratio_saved_predict_only": _rounded(of_saved / own),
        "ratio_retrained_total": _rounded(table["ratio"][2]),
    }
    return StudyResult("inference_time", table, summary, _figure(table))


def _timed(call: Callable[[], T], repeats: int) -> tuple[T, float]:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - start)
    return result, median(seconds)


def _check_same(saved: MirscapeModel, new: MirscapeModel, z: Float64, path: Path) -> None:
    same = (saved.genes, saved.mirnas) == (new.genes, new.mirnas) and np.array_equal(
        saved.predict(z), new.predict(z), equal_nan=True
    )
    if not same:
        msg = f"{path} does not predict what miRSCAPE trained anew predicts: it is of other data, "
        msg += "settings or seed; remove it, and it is made again"
        raise InputError(msg)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _figure(table: pd.DataFrame) -> Any:
    figure, ax = new_figure(height=2.6)
    for step, colour in _STEPS.items():
        rows = table[table[step] > 0]
        marker = "|" if step == "total" else "o"
        ax.plot(
            rows[step], rows.index, marker, color=colour, label=step, ms=14 if marker == "|" else 7
        )
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_yticks(table.index, [_LABELS[method] for method in table["method"]])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlabel("seconds")
    ax.grid(axis="x", color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)
    figure.legend(
        *ax.get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False
    )
    return figure
