"""miRSCAPE trained and judged on the samples that a model was trained and judged on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from sicmir_atlas.model.crossval import agreement
from sicmir_atlas.model.metrics import mean_defined
from sicmir_atlas.model.mirscape_input import natural_log
from sicmir_atlas.model.mirscape_output import per_mirna, predict_table
from sicmir_atlas.study.result import StudyResult, new_figure

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from sicmir_atlas.model.mirscape import MirscapeModel
    from sicmir_atlas.model.pairs import Pairs

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["judge_mirscape"]


def judge_mirscape(model: MirscapeModel, test: Pairs) -> tuple[StudyResult, pd.DataFrame]:
    """Compare the predictions of a trained miRSCAPE with measured values.

    Parameters
    ----------
    test
        Samples × genes with all of the model's, and samples × its miRNAs, log2(x + 1).

    Returns
    -------
    The result, and the predictions (samples × miRNAs, ln(1 + expression)). Table: ``mirna``,
    ``pearson``, ``spearman`` (both over all samples), ``pearson_within_cohort``, ``mse`` and
    ``seconds`` of training.
    """
    predicted = predict_table(model, test.mrna, "log2")
    guess = predicted.to_numpy(dtype=np.float64)
    truth = natural_log(test.mirna[list(model.mirnas)], "log2")
    judged = agreement(truth, guess, test.groups)
    table = per_mirna(model, truth, guess)
    table.insert(3, "pearson_within_cohort", judged.within)
    summary: dict[str, Any] = {"n_samples": len(truth), "n_genes": len(model.genes)}
    for column in ("pearson", "spearman", "pearson_within_cohort"):
        mean, undefined = mean_defined(table[column].to_numpy(dtype=np.float64))
        summary[column] = round(mean, 4)
        summary[f"{column}_undefined"] = undefined
    summary["pearson_by_cohort"] = {name: round(v, 4) for name, v in judged.by_group.items()}
    return StudyResult("mirscape", table, summary, _figure(table)), predicted


def _figure(table: pd.DataFrame) -> Any:
    figure, ax = new_figure(height=3.2)
    columns = table[["pearson", "pearson_within_cohort"]]
    lowest = np.floor(20 * np.nan_to_num(columns.min(axis=None))) / 20
    edges = np.arange(min(lowest, 0), 1.001, 0.05)
    for column, label, colour in (
        ("pearson", "cohorts pooled", "#999999"),
        ("pearson_within_cohort", "within cohorts", "#0072B2"),
    ):
        values = table[column].dropna()
        ax.hist(values, edges, histtype="step", color=colour, label=label, linewidth=1.5)
    ax.set_xlabel("PCC of a miRNA on held-out samples")
    ax.set_ylabel("miRNAs")
    ax.legend(frameon=False)
    return figure
