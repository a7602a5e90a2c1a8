"""The stress tests' figure: correlation against what was lost, a panel for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sicmir_atlas.study.result import new_figure

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["draw_stress"]

# Okabe and Ito's palette tells two lines apart for everybody, viridis an order of several
_TWO = ("#0072b2", "#d55e00")
_SHADES = {"collapse": "#d9d9d9", "degraded": "#f0f0f0"}
_SPARSE = "non-zero values lost, %"
_PANELS: tuple[tuple[tuple[str, ...], str, str, str | None, str], ...] = (
    (("masking",), "genes masked at random", "genes masked, %", None, ""),
    (
        ("removal_low_to_high", "removal_high_to_low"),
        "genes removed by attribution",
        "genes removed, %",
        "test",
        "{}",
    ),
    (("uniform",), "uniform loss", _SPARSE, None, ""),
    (("poisson",), "loss by expression, by gamma", _SPARSE, "gamma", "{:g}"),
    (("depth",), "sequencing depth", "molecules of 977 genes", None, ""),
    (("depth_poisson",), "depth, then loss by expression", "zeros reached, %", "depth", "{:,}"),
)
_NAMES = {"removal_low_to_high": "least first", "removal_high_to_low": "most first"}


def draw_stress(table: pd.DataFrame) -> Any:
    """Draw PCC, pooled (solid) and within cohorts (dashed), as mean and range over seeds.

    A level is shaded where more than half of its runs have collapsed, or are no more than degraded.
    """
    run = [panel for panel in _PANELS if table["test"].isin(panel[0]).any()]
    n_rows = -(-len(run) // 2)
    figure, axes = new_figure(
        height=0.5 + 2.3 * n_rows, nrows=n_rows, ncols=min(2, len(run)), sharey=True, squeeze=False
    )
    for ax in axes.flat[len(run) :]:
        ax.set_visible(False)
    for ax, (tests, title, label, split, name) in zip(axes.flat, run, strict=False):
        part = table[table["test"].isin(tests)]
        level = "depth" if tests == ("depth",) else "level"
        _shade(ax, part, level, log=level == "depth")
        _lines(ax, part, level, split, name)
        ax.set_title(title, fontsize=9)
        ax.set_xlabel(label, fontsize=8)
        ax.tick_params(labelsize=8)
        ax.axhline(0, color="black", linewidth=0.5)
    for ax in axes[:, 0]:
        ax.set_ylabel("mean PCC of miRNAs", fontsize=8)
    _key(figure)
    return figure


def _lines(ax: Any, part: pd.DataFrame, level: str, split: str | None, name: str) -> None:
    lines: list[tuple[Hashable, pd.DataFrame]]
    lines = [("", part)] if split is None else list(part.groupby(split, sort=split != "test"))
    for (value, line), color in zip(lines, _colors(len(lines)), strict=True):
        for column, style in (("pcc", "-"), ("pcc_within", "--")):
            spread = line.groupby(level)[column].agg(["mean", "min", "max"]).astype(float)
            if spread.isna().all(axis=None):
                continue
            places = spread.index.to_numpy(float)
            shown = name.format(_NAMES.get(str(value), value)) if style == "-" and name else None
            ax.plot(places, spread["mean"], style, color=color, linewidth=1.2, label=shown)
            ax.fill_between(places, spread["min"], spread["max"], color=color, alpha=0.2, lw=0)
    if name:
        ax.legend(
            fontsize=7,
            frameon=False,
            ncols=min(len(lines), 5 if len(lines) < 6 else 4),
            loc="upper center",
            bbox_to_anchor=(0.5, -0.22),
            handlelength=1,
            columnspacing=1,
        )


def _colors(n: int) -> list[Any]:
    if n <= len(_TWO):
        return list(_TWO[:n])
    from matplotlib import colormaps

    return [colormaps["viridis"](0.9 * i / (n - 1)) for i in range(n)]


def _shade(ax: Any, part: pd.DataFrame, level: str, *, log: bool) -> None:
    worst_first = pd.Categorical(part["state"], ["collapse", "degraded", "non-trivial"])
    ranks = pd.Series(worst_first.codes, part.index).groupby(part[level])
    states = [worst_first.categories[rank] for rank in ranks.quantile(0.5, interpolation="higher")]
    places = np.array(list(ranks.groups), dtype=float)
    if log:
        ax.set_xscale("log")
        ax.invert_xaxis()
        edges = [places[0], *(places[1:] * places[:-1]) ** 0.5, places[-1]]
    else:
        edges = [places[0], *(places[1:] + places[:-1]) / 2, places[-1]]
    start = 0
    for i, state in enumerate(states, start=1):
        if i < len(states) and states[i] == state:
            continue
        if state in _SHADES:
            ax.axvspan(edges[start], edges[i], color=_SHADES[state], linewidth=0, zorder=0)
        start = i


def _key(figure: Any) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    figure.legend(
        handles=[
            Line2D([], [], color="black", linestyle="-", label="pooled"),
            Line2D([], [], color="black", linestyle="--", label="within cohorts"),
            *(Patch(color=color, label=state) for state, color in _SHADES.items()),
        ],
        loc="outside upper center",
        ncols=4,
        fontsize=8,
        frameon=False,
    )
