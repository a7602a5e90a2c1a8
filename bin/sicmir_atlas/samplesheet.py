"""Samplesheets as they are written: CSV or YAML to rows of text, with the place of each row."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from sicmir_atlas.errors import GoneError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Row", "Samplesheet", "read_samplesheet", "samplesheet_schema"]


@dataclass(frozen=True)
class Row:
    """One dataset: its number among the datasets, its line in the file, its cells."""

    number: int
    line: int
    cells: Mapping[str, str | None]

    @property
    def where(self) -> str:
        """Beginning of a message about this row."""
        return f"row {self.number} (line {self.line}), "


@dataclass(frozen=True)
class Samplesheet:
    """All rows, the column names as written, and what could not be read as a table."""

    columns: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@cache
def samplesheet_schema() -> dict[str, Any]:
    """JSON schema of a samplesheet; its properties are the columns, in their order."""
    text = (resources.files("sicmir_atlas.data") / "schema_input.json").read_text()
    return json.loads(text)  # type: ignore[no-any-return]


def read_samplesheet(path: Path) -> Samplesheet:
    """Read a samplesheet without judging its values.

    Text is stripped, empty cells become None, and a byte-order mark is dropped. A YAML sheet is
    a list of maps, bare or under ``datasets``; lists of text in it become ``a|b``.

    Raises
    ------
    GoneError
        The file does not exist.
    InputError
        It is neither .csv nor .yaml, or not text, or not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        msg = f"{path}: no such samplesheet"
        raise GoneError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path.name}: not UTF-8 text (byte {error.start}): save it as CSV in UTF-8"
        raise InputError(msg) from error
    match path.suffix.lower():
        case ".csv":
            return _read_csv(text)
        case ".yaml" | ".yml":
            return _read_yaml(text, path.name)
    msg = f"{path.name}: a samplesheet is a .csv, .yaml or .yml file"
    raise InputError(msg)


def _read_csv(text: str) -> Samplesheet:
    reader = csv.reader(io.StringIO(text, newline=""))
    sheet = Samplesheet()
    sheet.columns.extend(name.strip() for name in next(reader, []))
    line = reader.line_num + 1
    for values in reader:
        cells = [value.strip() or None for value in values]
        here, line = line, reader.line_num + 1
        if not any(cells):
            continue
        row = Row(len(sheet.rows) + 1, here, dict(zip(sheet.columns, cells, strict=False)))
        sheet.rows.append(row)
        if len(cells) != len(sheet.columns):
            sheet.problems.append(
                f"{row.where}{len(cells)} cells for {len(sheet.columns)} columns: "
                "quote a value that holds a comma"
            )
    if len(sheet.columns) == 1 and any(mark in sheet.columns[0] for mark in ";\t"):
        sheet.problems.append("columns are separated by ';' or tab: separate them by commas")
    return sheet


def _read_yaml(text: str, name: str) -> Samplesheet:
    import yaml

    try:
        content = yaml.safe_load(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        msg = f"{name}: not YAML: {' '.join(str(error).split())}"
        raise InputError(msg) from error
    if content is None or root is None:
        return Samplesheet()
    if isinstance(content, dict) and set(content) == {"datasets"}:
        content, root = content["datasets"] or [], root.value[0][1]
    if not isinstance(content, list):
        msg = f"{name}: a YAML samplesheet is a list of datasets, bare or under the key 'datasets'"
        raise InputError(msg)
    sheet = Samplesheet()
    for number, entry in enumerate(content, 1):
        line = root.value[number - 1].start_mark.line + 1
        cells: dict[str, str | None] = {}
        row = Row(number, line, cells)
        if not isinstance(entry, dict):
            sheet.problems.append(f"{row.where}is no map of column: value")
            continue
        for key, value in entry.items():
            cells[str(key)] = _text(value)
            if isinstance(value, dict):
                sheet.problems.append(f"{row.where}column {key}: a map where text is expected")
        sheet.rows.append(row)
        sheet.columns.extend(key for key in cells if key not in sheet.columns)
    return sheet


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case list():
            return "|".join(_text(part) or "" for part in value)
        case dt.date():
            return value.isoformat()
    return str(value).strip() or None
