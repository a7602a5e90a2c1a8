"""The single-cell check: whether predicted cell types differ as is known (model spec, section 8).

Effects are differences of means of predicted values, which are z-scores. Pools of one type share
cells, so that their p-values are not honest; those of cells stand beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, mannwhitneyu

from sicmir_atlas.errors import InputError
from sicmir_atlas.study.directions import labels_within
from sicmir_atlas.study.markers_figure import draw_markers
from sicmir_atlas.study.result import StudyResult

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["CUT_OFFS", "Rows", "contrast", "markers", "sensitivity"]

CUT_OFFS = (0, 0.25, 0.5, 1)


@dataclass(frozen=True, eq=False)
class Rows:
    """Predictions (rows × miRNAs, a data frame) of pools or cells, and the label of every row."""

    values: pd.DataFrame
    labels: NDArray[np.str_]


def contrast(a: Float64, b: Float64) -> tuple[float, float, float]:
    """Difference of means, Mann-Whitney U of ``a``, and p of the two-sided rank-sum test.

    The test is exact for small groups without ties, as scipy decides.
    """
    test = mannwhitneyu(a, b, alternative="two-sided", method="auto")
    return float(a.mean() - b.mean()), float(test.statistic), float(test.pvalue)


def sensitivity(table: pd.DataFrame, cut_offs: Sequence[float] = CUT_OFFS) -> dict[str, float]:
    """Share of directions found at each cut-off of |effect|; at 0, of the right sign."""
    agreeing = table["agreeing_effect"]
    return {
        f"{cut:g}": round(float(((agreeing > 0) & (agreeing >= cut)).mean()), 4) for cut in cut_offs
    }


def markers(
    inputs: Mapping[str, Rows],
    directions: pd.DataFrame,
    terms: Mapping[str, str | None],
    *,
    hubs: Collection[str] = (),
    cut_offs: Sequence[float] = CUT_OFFS,
) -> StudyResult:
    """Compare predictions with expected directions.

    Parameters
    ----------
    inputs
        What was predicted, by name: ``pooled`` and ``percell``.
    directions
        As :func:`.directions.read_directions` gives them.
    terms
        CL term of every label; None where it has none.
    hubs
        miRNAs whose sensitivity is given apart.

    Returns
    -------
    One row per input and direction that the labels allow: ``effect`` is mean of the group minus
    mean of the reference, ``agreeing_effect`` the same with the sign turned where down is
    expected. ``q_value`` is Benjamini and Hochberg's over the rows of an input.

    Raises
    ------
    InputError
        When no direction can be tested.
    """
    tested, left_out = _testable(inputs, directions, terms)
    rows = [
        {**expected, "is_hub": expected["mirna"] in hubs, "input": name, **_measure(made, expected)}
        for name, made in inputs.items()
        for expected in tested
    ]
    table = pd.DataFrame(rows).drop(columns=["group_labels", "reference_labels"])
    by_input = table.groupby("input", sort=False)
    table["q_value"] = by_input["p_value"].transform(false_discovery_control)
    summary: dict[str, Any] = {
        "n_directions": len(tested),
        "n_hub_directions": sum(expected["mirna"] in hubs for expected in tested),
        "n_sources": len({expected["source"] for expected in tested}),
        "left_out": left_out,
        "labels": dict(sorted(terms.items())),
        "sensitivity": {
            name: {
                whose: sensitivity(found, cut_offs) if len(found) else None
                for whose, found in (("all", part), ("hubs", part[part["is_hub"]]))
            }
            for name, part in table.groupby("input", sort=False)
        },
    }
    return StudyResult("markers", table, summary, draw_markers(table, summary["sensitivity"]))


def _testable(
    inputs: Mapping[str, Rows], directions: pd.DataFrame, terms: Mapping[str, str | None]
) -> tuple[list[dict[str, Any]], list[str]]:
    tested: list[dict[str, Any]] = []
    left_out: list[str] = []
    mirnas = set.intersection(*(set(given.values.columns) for given in inputs.values()))
    for expected in directions.to_dict("records"):
        group = labels_within(expected["group"], terms)
        reference = labels_within(expected["reference"], terms) - group
        named = f"{expected['mirna']}, {expected['group']} against {expected['reference']}"
        if expected["mirna"] not in mirnas:
            left_out.append(f"{named}: the model has no such miRNA")
        elif not group or not reference:
            lacking = expected["reference" if group else "group"]
            left_out.append(f"{named}: no cells of {lacking}")
        else:
            tested.append({**expected, "group_labels": group, "reference_labels": reference})
    if not tested:
        known = ", ".join(f"{label} ({term or 'no CL term'})" for label, term in terms.items())
        msg = f"no expected direction fits the labels: {known}; give terms with --term LABEL=CL:…"
        raise InputError(msg)
    return tested, left_out


def _measure(given: Rows, expected: Mapping[str, Any]) -> dict[str, Any]:
    values = given.values[expected["mirna"]].to_numpy(dtype=np.float64)
    a, b = (
        values[np.isin(given.labels, sorted(expected[side]))]
        for side in ("group_labels", "reference_labels")
    )
    effect, statistic, p = contrast(a, b)
    return {
        "n_group": a.size,
        "n_reference": b.size,
        "effect": effect,
        "agreeing_effect": effect if expected["direction"] == "up" else -effect,
        "statistic": statistic,
        "p_value": p,
    }
