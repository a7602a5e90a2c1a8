"""The page itself: everything in one file, nothing fetched, the same atlas the same bytes."""

from __future__ import annotations

import base64
import hashlib
import math
from importlib import resources
from statistics import median
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from sicmir_atlas.report import charts, losses
from sicmir_atlas.report.contents import STATUSES
from sicmir_atlas.report.words import FILTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sicmir_atlas.atlas.diff import AtlasDiff
    from sicmir_atlas.report.contents import Contents

__all__ = ["render"]

_FILES = resources.files("sicmir_atlas.report") / "templates"
_SHOWN = {
    "n_cells_raw": "called cells",
    "n_cells_qc": "kept cells",
    "n_cell_types": "cell types",
    "n_cells_mapped": "mapped cells",
    "n_landmarks": "landmarks",
    "n_pools": "pools",
}
_METHODS = {
    "given_id": "id given by the study",
    "exact_label": "exact label",
    "unique_synonym": "unique synonym",
    "normalised_text": "normalised text",
    "override": "override by a curator",
    "unmapped": "unmapped",
    "unlabelled": "no label",
}


def render(
    contents: Contents,
    *,
    title: str = "SiCmiR atlas",
    place: str = "atlas",
    diff: AtlasDiff | None = None,
    run_files: Sequence[str] = (),
) -> str:
    """Make the page.

    Parameters
    ----------
    contents
        What :func:`.contents.gather` found.
    place
        Atlas folder as a reader would type it.
    diff
        What changed since an earlier atlas.
    run_files
        Links to the run's own files, relative to the page.
    """
    script = _read("table.js")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            contents=contents,
            title=title,
            place=place,
            diff=diff,
            run_files=run_files,
            style=Markup(_read("style.css")),
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals.update(
        charts=charts,
        losses=losses,
        METHODS=_METHODS,
        SHOWN=_SHOWN,
        STATUSES=STATUSES,
        by_rule=_by_rule,
        known=_known,
        median=median,
        shade=_shade,
        status_bar=_status_bar,
    )
    environment.filters.update(FILTERS)
    return environment


def _read(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _shade(n: int, most: int) -> int:
    """Depth of colour, in percent, on log scale: numbers of cells differ by orders."""
    return round(10 + 90 * math.log1p(n) / math.log1p(most)) if n else 0


def _status_bar(contents: Contents) -> Markup:
    parts = [charts.Part(s, s, len(contents.of_status(s))) for s in reversed(STATUSES)]
    return charts.stack(parts, title="Datasets by how they left the line")


def _by_rule(contents: Contents) -> list[tuple[str, int]]:
    """Cells of each mapping method, in the order in which the rules are asked."""
    counted = dict(contents.cells_by("mapping_method"))
    return [(method, counted[method]) for method in _METHODS if method in counted]


def _known(rows: Sequence[dict[str, Any]], column: str) -> list[Any]:
    """Values of a column that are not null."""
    return [row[column] for row in rows if row[column] is not None]
