"""What an experiment leaves: ``NAME.csv``, ``NAME.svg`` and ``NAME.json`` in one folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sicmir_atlas.disk import written_whole
from sicmir_atlas.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

__all__ = ["StudyResult", "new_figure", "write_result"]


@dataclass(frozen=True, eq=False)
class StudyResult:
    """Outcome of one experiment.

    Parameters
    ----------
    name
        Stem of the files.
    table
        One row per measurement.
    summary
        The figures that a reader wants first, and the seeds and settings that made them.
    figure
        A matplotlib figure; None where a picture would say nothing.
    """

    name: str
    table: pd.DataFrame
    summary: Mapping[str, Any]
    figure: Any = None


def new_figure(*, width: float = 6.4, height: float = 4.0, **subplots: Any) -> tuple[Any, Any]:
    """Make a matplotlib figure and its axes, without a display; text stays text in the SVG.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        msg = "figures need matplotlib: pip install 'sicmir-atlas[train]'"
        raise MissingExtraError(msg) from error
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(**subplots)
    for ax in getattr(axes, "flat", [axes]):
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def write_result(result: StudyResult, folder: Path) -> None:
    """Write table, figure and summary; the same result gives the same bytes.

    Raises
    ------
    ValueError
        When the summary holds NaN or infinity; None says that a figure is undefined.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(folder / f"{result.name}.csv") as part:
        result.table.to_csv(part, index=False, float_format="%.6g")
    if result.figure is not None:
        from matplotlib import rc_context

        with (
            rc_context({"svg.hashsalt": result.name, "svg.fonttype": "none"}),
            written_whole(folder / f"{result.name}.svg") as part,
        ):
            result.figure.savefig(part, format="svg", metadata={"Date": None})
    with written_whole(folder / f"{result.name}.json") as part:
        text = json.dumps(result.summary, indent=1, allow_nan=False)
        part.write_text(text + "\n", encoding="utf-8")
