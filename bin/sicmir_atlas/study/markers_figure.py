"""Figure of the single-cell check: every effect, and the share that is as expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sicmir_atlas.names import ontologies
from sicmir_atlas.study.result import new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

__all__ = ["draw_markers"]

_STYLES = (("#0072b2", "o"), ("#d55e00", "^"), ("#009e73", "s"))  # Okabe and Ito
_SHORT = {
    "CL:0000794": "cytotoxic CD8 T",
    "CL:0000895": "naive CD4 T",
    "CL:0000900": "naive CD8 T",
    "CL:0008001": "precursor",
}


def draw_markers(table: pd.DataFrame, sensitivity: Mapping[str, Mapping[str, Any]]) -> Any:
    """Draw the effects, signed so that right is as expected, and sensitivity at each cut-off."""
    first = table[table["input"] == table["input"].iloc[0]]
    figure, (left, right) = new_figure(
        height=1.4 + 0.19 * len(first), ncols=2, width_ratios=[1, 0.62]
    )
    for (name, part), (color, marker) in zip(
        table.groupby("input", sort=False), _STYLES, strict=False
    ):
        style = {"color": color, "marker": marker}
        left.scatter(part["agreeing_effect"], range(len(part)), s=16, label=name, zorder=2, **style)
        for whose, line in (("all", "-"), ("hubs", "--")):
            found = sensitivity[str(name)][whose]
            if found:
                places, shares = map(float, found), found.values()
                right.plot([*places], [*shares], line, label=f"{name}, {whose}", **style)
    left.axvline(0, color="black", linewidth=0.6)
    left.set_yticks(range(len(first)), [_said(row) for row in first.to_dict("records")], fontsize=7)
    left.invert_yaxis()
    left.grid(axis="y", linewidth=0.3)
    left.set_xlabel("effect, signed as expected (z); * hub", fontsize=8)
    right.set_ylim(0, 1.02)
    right.set_xlabel("least |effect| (z)", fontsize=8)
    right.set_ylabel("share of directions found", fontsize=8)
    for ax in (left, right):
        ax.tick_params(axis="x", labelsize=8)
    right.tick_params(axis="y", labelsize=8)
    right.legend(fontsize=7, frameon=False)
    return figure


def _said(row: Mapping[str, Any]) -> str:
    higher, lower = row["group"], row["reference"]
    if row["direction"] == "down":
        higher, lower = lower, higher
    star = "*" if row["is_hub"] else ""
    return f"{row['mirna'].removeprefix('hsa-')}{star}: {_name(higher)} > {_name(lower)}"


def _name(group: str) -> str:
    if group in _SHORT:
        return _SHORT[group]
    parser = ontologies()
    label = str(parser.get_term_label(group)) if parser.is_valid_term_id(group) else group
    return label.removesuffix(" cell")
