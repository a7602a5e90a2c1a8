"""Two models' predictions of the same rows: how far they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.model import metrics
from sicmir_atlas.study.result import StudyResult, new_figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["agreement_of_models"]


def agreement_of_models(
    predicted: pd.DataFrame, others: pd.DataFrame, reliability: pd.Series[float]
) -> StudyResult:
    """Correlate a model's predictions with those of another; neither is the truth.

    Parameters
    ----------
    predicted, others
        Rows × miRNAs, of the same rows and miRNAs.
    reliability
        Of the first model, by miRNA; NaN where unknown.

    Returns
    -------
    One row per miRNA: correlation over rows, and reliability. The summary has the means over
    miRNAs and over rows, and the correlation of all entries at once.
    """
    mine, theirs = (frame.to_numpy(dtype=np.float64) for frame in (predicted, others))
    per_mirna = metrics.pcc_per_mirna(theirs, mine)
    table = pd.DataFrame(
        {
            "mirna": predicted.columns,
            "pcc": per_mirna,
            "reliability": reliability.reindex(predicted.columns).to_numpy(dtype=np.float64),
        }
    )
    reliable = table["reliability"] >= table["reliability"].quantile(0.75)
    summary = {
        "n_rows": len(predicted),
        "n_mirnas": predicted.shape[1],
        "pcc_per_mirna": _mean(per_mirna),
        "pcc_per_mirna_most_reliable_quarter": _mean(per_mirna[reliable.to_numpy()]),
        "pcc_per_row": _mean(metrics.pcc_per_sample(theirs, mine)),
        "pcc_flat": round(metrics.pcc_flat(theirs, mine), 4),
    }
    return StudyResult("agreement", table, summary, _figure(table))


def _mean(values: Float64) -> float:
    return round(metrics.mean_defined(values)[0], 4)


def _figure(table: pd.DataFrame) -> Any:
    figure, ax = new_figure(width=4.6, height=3.6)
    ax.axhline(0, color="#888888", linewidth=0.8)
    ax.scatter(table["reliability"], table["pcc"], s=6, alpha=0.5, color="#0072b2", linewidths=0)
    ax.set_xlabel("reliability of the model")
    ax.set_ylabel("correlation with the other model")
    ax.set_ylim(-1, 1)
    return figure
