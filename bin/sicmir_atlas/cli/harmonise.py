"""`sicmir-atlas harmonise`: labels that no rule maps, and a person's decisions on them."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sicmir_atlas.harmonise.queue import StudyLabel

__all__ = ["harmonise"]

logger = logging.getLogger("sicmir_atlas")


def harmonise(
    sheet: Path,
    /,
    *,
    atlas: str | None = None,
    overrides: Path | None = None,
    curator: str | None = None,
    list_only: Annotated[bool, Parameter(name="--list", negative="")] = False,
    min_cells: int = 0,
    format: Literal["table", "csv"] = "table",  # noqa: A002  the option's name
) -> None:
    """Decide, label by label, what a study's cell types mean; decisions become overrides.

    Labels that no rule maps are shown by number of cells, each with terms that it may mean. Every
    decision is written at once and is not asked again; run the pipeline with --overrides to use
    them. A decision holds in its dataset, or, as you say, in every dataset of the organ.

    Parameters
    ----------
    sheet
        Samplesheet, CSV or YAML.
    atlas
        Atlas that knows the labels of datasets which are no local files.
    overrides
        Table of decisions to read and add to; overrides.tsv beside the samplesheet unless given.
    curator
        Your name, written beside each decision; asked for unless given.
    list_only
        Print the labels and ask nothing, as is done where standard input is no terminal.
    min_cells
        Leave out labels of fewer cells.
    format
        How the list is written; csv asks nothing, too.
    """
    from contextlib import nullcontext

    from sicmir_atlas.atlas.query import open_atlas
    from sicmir_atlas.catalogue.labels import study_labels
    from sicmir_atlas.check import check_samplesheet
    from sicmir_atlas.cli._decide import Session
    from sicmir_atlas.harmonise.overrides import read_overrides
    from sicmir_atlas.harmonise.queue import undecided

    rows = check_samplesheet(sheet, base=str(sheet.parent))
    table = overrides or sheet.with_name("overrides.tsv")
    decisions: list[Mapping[str, str]] = list(read_overrides(table)) if table.exists() else []
    with open_atlas(atlas) if atlas else nullcontext() as opened:
        gathered = study_labels(
            rows, atlas=opened, progress=lambda name: logger.info("%s: reading labels", name)
        )
    for dataset_id, note in sorted(gathered.notes.items()):
        logger.info("%s: %s", dataset_id, note)
    waiting = undecided(gathered.labels, decisions, min_cells=min_cells)
    if list_only or format == "csv" or not sys.stdin.isatty():
        sys.stdout.write(_text(waiting, format))
        logger.info("%s", _summary(waiting))
        return
    session = Session(
        table, decisions, curator=curator, today=datetime.now(UTC).astimezone().date().isoformat()
    )
    logger.info("%s", _summary(waiting))
    session.ask(waiting)
    logger.info("%s: %d decisions added", table, session.n_decided)


def _summary(waiting: Sequence[StudyLabel]) -> str:
    datasets = len({one.dataset_id for one in waiting})
    cells = sum(one.n_cells for one in waiting)
    return f"{len(waiting)} labels of {datasets} datasets map to no term: {cells:,} cells"


def _text(waiting: Sequence[StudyLabel], kind: str) -> str:
    import pandas as pd

    from sicmir_atlas.cli._table import as_text
    from sicmir_atlas.harmonise.candidates import candidates
    from sicmir_atlas.harmonise.queue import StudyLabel

    table = pd.DataFrame(waiting, columns=StudyLabel._fields)
    shown = 5 if kind == "csv" else 3
    table["candidates"] = [
        "; ".join(
            f"{c.label} ({c.term_id})" for c in candidates(one.label, organ=one.organ, n=shown)
        )
        for one in waiting
    ]
    if kind == "csv":
        return str(table.to_csv(index=False))
    table["share"] = [f"{one.share:.1%}" for one in waiting]
    return as_text(table, most_rows=len(table))
