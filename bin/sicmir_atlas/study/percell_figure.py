"""Figure of per-cell settings: agreement with pools against the fewest landmarks of a cell."""

from __future__ import annotations

import itertools
from typing import Any

import pandas as pd

from sicmir_atlas.study.result import new_figure

__all__ = ["draw_percell"]

_ROWS = {
    "pcc_mirna": "PCC per miRNA,\nover types",
    "pcc_type": "PCC per type,\nover miRNAs",
    "nearest": "share of cells nearest\nto their own type",
}
_LINES = (("#000000", "o"), ("#0072b2", "s"), ("#e69f00", "^"), ("#cc79a7", "v"))  # Okabe and Ito


def draw_percell(table: pd.DataFrame) -> Any:
    """Draw a column for each dataset; settings that leave a type without cells are hollow."""
    datasets, clips = table["dataset"].unique(), table["clip"].unique()
    figure, axes = new_figure(
        height=6, nrows=len(_ROWS), ncols=len(datasets), sharex=True, sharey="row", squeeze=False
    )
    for (row, (measure, label)), column in itertools.product(
        enumerate(_ROWS.items()), range(len(datasets))
    ):
        ax, part = axes[row, column], table[table["dataset"] == datasets[column]]
        for clip, (color, marker) in zip(clips, itertools.cycle(_LINES), strict=False):
            line = part[part["clip"].isna() if pd.isna(clip) else part["clip"] == clip]
            places, values = line["min_landmarks"].to_numpy(), line[measure].to_numpy(float)
            name = "not clipped" if pd.isna(clip) else f"clipped at {clip:g}"
            ax.plot(places, values, color=color, linewidth=0.8)
            whole = line["n_types_lost"].to_numpy() == 0
            style = {"color": color, "marker": marker, "s": 18, "linewidths": 0.8}
            ax.scatter(places[whole], values[whole], label=name, **style)
            ax.scatter(places[~whole], values[~whole], facecolors="white", zorder=2, **style)
        ax.tick_params(labelsize=8)
        if column == 0:
            ax.set_ylabel(label, fontsize=8)
        if row == 0:
            ax.set_title(datasets[column], fontsize=9)
        if row == len(_ROWS) - 1:
            ax.set_xlabel("fewest landmarks of a cell", fontsize=8)
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=4, fontsize=8, frameon=False)
    return figure
