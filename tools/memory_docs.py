"""Write into the docs what the steps ask for (conf/base.config) and what they took (memory.tsv).

docs/figures/memory.svg, and the tables of docs/usage.md between ``<!-- NAME -->`` and
``<!-- end -->``. What was measured is tools/memory_benchmark.py's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs/figures/memory.tsv"
MB, GB = 1 << 20, 1 << 30
# steps, the constant of a first try, without a GPU, and how much of the data comes on top
FORMULA = re.compile(
    r"withName: '?([A-Z|]+)'? \{\n +memory = \{[^\n]*?(\d+)\.GB\)?"
    r"(?: \+ 1\.B \* \(([\d.]+) \* task\.ext\.bytes\)\))? \* task\.attempt \}"
)
INPUTS = {
    "PREPARE": "the fetched files",
    "PREDICT": "the prepared dataset",
    "CONSOLIDATE": "the tables of all shards and of the atlas that is extended",
    "VALIDATE": "the tables of the atlas",
    "REPORT": "the tables of the atlas and of the one before",
}


def main() -> None:
    usage = ROOT / "docs/usage.md"
    usage.write_text(with_tables(usage.read_text()))
    draw(formulas(), pd.read_csv(TABLE, sep="\t"))


def formulas() -> dict[str, tuple[int, float]]:
    """By step, what its first try asks for: some bytes, and so much of the bytes of its input."""
    found = FORMULA.findall((ROOT / "conf/base.config").read_text())
    return {
        step: (int(number) * GB, float(share or 0))
        for steps, number, share in found
        for step in steps.split("|")
    }


def with_tables(text: str) -> str:
    """Page with its tables made anew."""
    measured = pd.read_csv(TABLE, sep="\t")
    made = {"memory": asked(formulas()), "measured memory": peaks(formulas(), measured)}
    for name, table in made.items():
        pattern = re.compile(rf"(?<=<!-- {name} -->\n)(?:(?!<!--).)*(?=<!-- end -->)", re.DOTALL)
        text = pattern.sub(lambda _, table=table: table + "\n", text)
    return text


def asked(formulas: dict[str, tuple[int, float]]) -> str:
    """Table of what the steps ask for; those that ask alike share a row."""
    alike = defaultdict(list)
    for step, formula in formulas.items():
        alike[formula, INPUTS.get(step, "")].append(step)
    lines = ["| step | first try |", "|---|---|"]
    for ((first, share), given), steps in alike.items():
        more = f" + {share:g} × {given}" if share else ""
        lines.append(f"| {', '.join(steps)} | {first // GB} GB{more} |")
    return "\n".join(lines)


def peaks(formulas: dict[str, tuple[int, float]], measured: pd.DataFrame) -> str:
    """Table of the largest input of each series, beside what is asked for it; of FETCH one row."""
    lines = ["| step | of what | cells or datasets | input, MB | took, MB | asks for, MB |"]
    lines.append("|---|---|---|---|---|---|")
    follows = measured["step"].isin(INPUTS)
    kinds = [measured["step"], measured["series"].where(follows, "")]
    largest = measured.loc[measured.groupby(kinds, sort=False)["bytes"].idxmax()]
    place = {step: n for n, step in enumerate(formulas)}
    for row in largest.sort_values("step", key=lambda s: s.map(place), kind="stable").itertuples():
        wanted = asks(formulas[str(row.step)], row.bytes)
        sizes = " | ".join(f"{value / MB:,.0f}" for value in (row.bytes, row.peak, wanted))
        lines.append(f"| {row.step} | {row.series} | {row.n:,} | {sizes} |")
    return "\n".join(lines)


def asks(formula: tuple[int, float], size: float) -> float:
    """Bytes that a first try asks for."""
    return formula[0] + formula[1] * size


def draw(formulas: dict[str, tuple[int, float]], measured: pd.DataFrame) -> None:
    """Draw a panel for each step whose memory follows data: peaks, and the line of its formula."""
    from matplotlib import rc_context

    from sicmir_atlas.study.result import new_figure

    figure, axes = new_figure(width=7.5, height=5, nrows=2, ncols=3, sharey=True)
    colors = {name: f"C{n}" for n, name in enumerate(measured["series"].unique())}
    for ax, step in zip(axes.flat, INPUTS, strict=False):
        of_step = measured[measured["step"] == step]
        for name, points in of_step.groupby("series", sort=False):
            ax.plot(
                points["bytes"] / MB, points["peak"] / GB, "o-", ms=3, lw=0.8, color=colors[name]
            )
        ends = [0, of_step["bytes"].max()]
        ax.plot([x / MB for x in ends], [asks(formulas[step], x) / GB for x in ends], "k--", lw=1.2)
        ax.set_title(step, fontsize=9)
        ax.set_xlabel("input, MB", fontsize=8)
        ax.tick_params(labelsize=8)
        ax.set_ylim(0)
    for ax in axes[:, 0]:
        ax.set_ylabel("memory, GB", fontsize=8)
    key(axes.flat[-1], colors)
    with rc_context({"svg.hashsalt": "memory", "svg.fonttype": "none"}):
        figure.savefig(TABLE.with_suffix(".svg"), format="svg", metadata={"Date": None})


def key(ax: Any, colors: dict[str, str]) -> None:
    from matplotlib.lines import Line2D

    ax.axis("off")
    lines = [Line2D([], [], color=c, marker="o", ms=3, lw=0.8, label=n) for n, c in colors.items()]
    lines.append(Line2D([], [], color="black", ls="--", label="asked for, first try"))
    ax.legend(handles=lines, fontsize=7, frameon=False, loc="center")


if __name__ == "__main__":
    main()
