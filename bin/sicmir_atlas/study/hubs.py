"""Hub miRNAs: how many, the elbow, and whether arms and families agree (spec, section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from sicmir_atlas.model.metrics import HUB_PCC, mean_defined
from sicmir_atlas.study.hub_table import stem_pairs
from sicmir_atlas.study.result import StudyResult, new_figure

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["elbow", "hubs"]

THRESHOLDS = np.arange(101) / 100


def elbow(pcc: Float64) -> tuple[Float64, float | None]:
    """Count miRNAs at or above each threshold 0, 0.01, …, 1, and find the elbow of that curve.

    The chord joins the curve's ends: threshold 0, and the highest threshold that a miRNA reaches.
    The elbow is where the curve is furthest below it, both axes scaled to 0–1: from there on a
    higher threshold costs few miRNAs.

    Returns
    -------
    The counts, and the threshold; None where the curve nowhere falls below the chord.
    """
    values = np.round(pcc[~np.isnan(pcc)], 4)
    counts = (values[:, None] >= THRESHOLDS).sum(axis=0).astype(np.float64)
    reached = counts[counts > 0]
    if reached.size < 3:
        return counts, None
    below = np.linspace(reached[0], reached[-1], reached.size) - reached
    place = int(below.argmax())
    return counts, float(THRESHOLDS[place]) if below[place] > 0 else None


def hubs(table: pd.DataFrame, *, threshold: float = HUB_PCC) -> StudyResult:
    """Count the hubs, find the elbow, and see whether arms and families agree.

    Parameters
    ----------
    table
        As :func:`.hub_table` or :func:`.hub_table_of_card` makes it.
    """
    pcc = table["pcc_test"].to_numpy(dtype=np.float64)
    counts, found = elbow(pcc)
    by_name = table.set_index("mirna")
    pairs = stem_pairs(list(table["mirna"]))
    arms = np.array([by_name["pcc_test"].reindex(pair) for pair in pairs]).reshape(-1, 2)
    hub_arms = np.array([by_name["is_hub"].reindex(pair) for pair in pairs], bool).reshape(-1, 2)
    mean, undefined = mean_defined(pcc)
    summary = {
        "threshold": threshold,
        "n_mirnas": len(table),
        "n_hubs": int(table["is_hub"].sum()),
        "n_undefined": undefined,
        "mean_pcc": round(mean, 4),
        "elbow": found,
        "n_at_elbow": None if found is None else int(counts[found == THRESHOLDS][0]),
        "best": table["mirna"].iloc[0] if len(table) else None,
        "arms": {
            "n_pairs": len(pairs),
            "n_pairs_both_hubs": int(hub_arms.all(axis=1).sum()),
            "n_pairs_one_hub": int((hub_arms.sum(axis=1) == 1).sum()),
            "median_difference": _median_gap(arms),
            "median_difference_any_two": _median_gap_any(pcc),
        },
        "families": _families(table),
    }
    return StudyResult("hubs", table, summary, _figure(counts, threshold, found, arms))


def _families(table: pd.DataFrame) -> dict[str, Any]:
    sizes = table.groupby("family")["is_hub"].agg(n="size", n_hubs="sum").reset_index()
    several = sizes[sizes["n"] > 1]
    spread = table[table["family"].isin(several["family"])].groupby("family")["pcc_test"]
    found = [_median_gap_any(g.to_numpy(float)) for _, g in spread]
    gaps = np.array([np.nan if gap is None else gap for gap in found])
    top = sizes[sizes["n_hubs"] > 1].sort_values(
        ["n_hubs", "family"], ascending=[False, True], kind="stable"
    )
    return {
        "n_families": len(sizes),
        "n_of_several": len(several),
        "n_with_several_hubs": len(top),
        "median_difference": _rounded(gaps),
        "most_hubs": {
            row.family: {"n": int(row.n), "n_hubs": int(row.n_hubs)}
            for row in top.head(10).itertuples()
        },
    }


def _median_gap(pairs: Float64) -> float | None:
    return _rounded(np.abs(pairs[:, 0] - pairs[:, 1]))


def _median_gap_any(pcc: Float64) -> float | None:
    values = pcc[~np.isnan(pcc)]
    first, second = np.triu_indices(values.size, k=1)
    return _rounded(np.abs(values[first] - values[second]))


def _rounded(values: Float64) -> float | None:
    defined = values[~np.isnan(values)]
    return round(float(np.median(defined)), 4) if defined.size else None


def _figure(counts: Float64, threshold: float, found: float | None, arms: Float64) -> Any:
    figure, (left, right) = new_figure(width=7.2, height=3.4, ncols=2)
    left.plot(THRESHOLDS, counts, color="#0072B2")
    left.axvline(threshold, color="#D55E00", linewidth=1, label=f"hub: {threshold:g}")
    if found is not None:
        left.axvline(found, color="#555555", linewidth=1, linestyle="--", label=f"elbow: {found:g}")
    left.set_xlabel("PCC on held-out samples, at least")
    left.set_ylabel("miRNAs")
    left.set_ylim(bottom=0)
    left.legend(frameon=False)
    right.scatter(arms[:, 0], arms[:, 1], s=10, alpha=0.6, color="#0072B2", linewidths=0)
    right.axline((0, 0), slope=1, color="#999999", linewidth=0.8, zorder=0)
    right.set_xlabel("PCC of the 5p arm")
    right.set_ylabel("PCC of the 3p arm")
    return figure
