"""Expected directions: which miRNA is known to be higher in which cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.harmonise.rules import map_label
from sicmir_atlas.names import ontologies, read_data_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["COLUMNS", "labels_within", "read_directions", "terms_of"]

COLUMNS = ("mirna", "group", "reference", "direction", "source")


def read_directions(path: Path | None = None) -> pd.DataFrame:
    """Read expected directions, one a row: ``group`` is ``up`` or ``down`` against ``reference``.

    Parameters
    ----------
    path
        csv or tsv of :data:`COLUMNS`; groups are CL ids, or labels of the dataset. None for the
        package's own list of sorted blood cells, each with the publication that says so.

    Raises
    ------
    InputError
        When a column or value is missing, a direction is neither, or a row stands twice.
    """
    if path is None:
        return read_data_table("marker_directions.tsv")
    if not path.is_file():
        msg = f"no file {path}; give a csv with columns {', '.join(COLUMNS)}"
        raise InputError(msg)
    separator = "\t" if path.suffix == ".tsv" else ","
    table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        msg = f"{path} lacks the column {missing[0]}; it needs {', '.join(COLUMNS)}"
        raise InputError(msg)
    table = table[list(COLUMNS)].map(str.strip)
    wrong = ~table["direction"].isin(["up", "down"]) | (table[list(COLUMNS[:3])] == "").any(axis=1)
    if wrong.any():
        row = int(wrong.to_numpy().argmax()) + 2
        msg = f"{path}, row {row}: needs mirna, group, reference, and direction up or down"
        raise InputError(msg)
    twice = table.duplicated(list(COLUMNS[:3]))
    if twice.any():
        msg = f"{path}, row {int(twice.to_numpy().argmax()) + 2} stands there twice; keep one"
        raise InputError(msg)
    return table


def terms_of(
    labels: Iterable[str], given: Mapping[str, str] | None = None
) -> dict[str, str | None]:
    """Map labels to CL terms by the rules of the harmonisation; ``given`` terms come first."""
    given = given or {}
    return {label: given.get(label) or map_label("cell_type", label).term_id for label in labels}


def labels_within(group: str, terms: Mapping[str, str | None]) -> set[str]:
    """Labels that are ``group``, or whose terms are it or descend from it."""
    ancestors = ontologies().get_term_ancestors
    return {
        label
        for label, term in terms.items()
        if label == group or (term and (term == group or group in ancestors(term)))
    }
