"""Samplesheets as files: read, written whole, and added to without touching what a person wrote."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from sicmir_atlas.check import check_samplesheet
from sicmir_atlas.disk import written_whole
from sicmir_atlas.errors import InputError
from sicmir_atlas.samplesheet import samplesheet_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    Row = Mapping[str, Any]

__all__ = ["Added", "add_rows", "columns", "read_sheet", "require_writable", "write_sheet"]


class Added(NamedTuple):
    """A sheet's own rows with new ones behind them, and what a person may want to know."""

    rows: list[Row]
    notes: list[str]


def columns() -> list[str]:
    """Columns of a samplesheet in their order."""
    return list(samplesheet_schema()["items"]["properties"])


def require_writable(path: Path, *, update: bool) -> None:
    """Refuse a place where rows would be lost, before anything is asked of the services.

    Raises
    ------
    InputError
        If the name does not end in .csv, or a sheet is there and is not to be added to.
    """
    if path.suffix.lower() != ".csv":
        msg = f"{path}: a samplesheet is written as CSV: give a name that ends in .csv"
        raise InputError(msg)
    if path.exists() and not update:
        msg = (
            f"{path}: there is a samplesheet already: --update keeps its rows as they are and adds "
            "new ones; or name another file"
        )
        raise InputError(msg)


def read_sheet(path: Path, *, beside: Path) -> list[Row]:
    """Read a samplesheet's rows, proved against the schema.

    Parameters
    ----------
    path
        CSV or YAML.
    beside
        Folder that relative paths of the source ``file`` shall belong to.

    Raises
    ------
    InvalidInputError
        Every problem, unknown columns among them.
    """
    away = os.path.relpath(path.resolve().parent, beside.resolve())
    rows = check_samplesheet(path, base=away)
    for row in rows:
        if away == "." and row["url"] and row["source"] == "file":
            row["url"] = "|".join(part.removeprefix("./") for part in row["url"].split("|"))
    return list(rows)


def write_sheet(path: Path, rows: Sequence[Row]) -> None:
    """Write a samplesheet of the columns that hold anything."""
    used = [name for name in columns() if any(row.get(name) for row in rows)]
    with written_whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(used)
        table.writerows([row.get(name) or "" for name in used] for row in rows)


def add_rows(old: Sequence[Row], new: Iterable[Row]) -> Added:
    """Put rows behind those of a sheet, which stay as they are, whatever was edited or emptied.

    A row is there already under its dataset_id, or under its source and accession.
    """
    by_name = {str(row["dataset_id"]).lower(): row for row in old}
    by_accession = {_accession(row): row for row in old if row.get("accession")}
    rows, notes = list(old), []
    for row in new:
        there = by_name.get(str(row["dataset_id"]).lower()) or by_accession.get(_accession(row))
        if there is None:
            rows.append(row)
        elif _accession(there) != _accession(row):
            notes.append(
                f"{there['dataset_id']}: kept with accession {there.get('accession')}; found now: "
                f"{row['accession']}"
            )
    notes.append(f"{len(old)} rows kept as they were, {len(rows) - len(old)} added")
    return Added(rows, notes)


def _accession(row: Row) -> tuple[str, str]:
    return str(row["source"]), str(row.get("accession") or "").lower()
