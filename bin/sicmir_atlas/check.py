"""Parameters and samplesheet against their JSON schemas; every problem is said at once."""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from sicmir_atlas.errors import InputError
from sicmir_atlas.samplesheet import Row, read_samplesheet, samplesheet_schema
from sicmir_atlas.sources.addresses import SCHEMES
from sicmir_atlas.sources.files import base_name, mask, mask_each
from sicmir_atlas.sources.resolve import needs_accession

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from jsonschema.exceptions import ValidationError

__all__ = ["InvalidInputError", "check_parameters", "check_samplesheet"]

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://")
_WEB = ("http", "https")
_NO_FILES = (
    "files of this machine are not read here (--allow_files false): "
    "give an address, with source url"
)
_STAGED = ("file", *(scheme for scheme in SCHEMES if scheme not in _WEB))


class InvalidInputError(InputError):
    """Problems in the parameters or the samplesheet; `problems` has one line for each."""

    def __init__(self, what: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        super().__init__(f"{what}: {count}\n" + "\n".join(f"  {line}" for line in problems))


def check_samplesheet(path: Path, *, base: str, allow_files: bool = True) -> list[dict[str, Any]]:
    """Read a samplesheet and prove every row against its schema.

    Parameters
    ----------
    path
        CSV, or YAML with the same keys.
    base
        Folder or address that relative paths of the source ``file`` belong to.
    allow_files
        Whether rows of source ``file`` may be there.

    Returns
    -------
    One dictionary per dataset with every column of the schema, None where the cell is empty.

    Raises
    ------
    InvalidInputError
        Every problem, with its row, line and column.
    """
    schema = samplesheet_schema()
    columns = list(schema["items"]["properties"])
    sheet = read_samplesheet(path)
    problems = [*sheet.problems, *_column_problems(sheet.columns, columns)]
    if not sheet.rows and not problems:
        problems.append("it names no dataset: give at least one row")
    for row in sheet.rows:
        problems += [f"{row.where}{text}" for text in _row_problems(row, schema)]
        if not allow_files and row.cells.get("source") == "file":
            problems.append(f"{row.where}column source: {_NO_FILES}")
    problems += _duplicates(sheet.rows)
    if problems:
        raise InvalidInputError(path.name, problems)
    return [{column: _value(column, row.cells, base) for column in columns} for row in sheet.rows]


def check_parameters(parameters: Mapping[str, Any], *, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Prove parameters against ``nextflow_schema.json``.

    Text that the schema wants as a number or a boolean is read as one, as some versions of
    Nextflow pass ``--seed 1`` as text.

    Raises
    ------
    InvalidInputError
        Every wrong or unknown parameter.
    """
    known: dict[str, Any] = {}
    for group in schema["$defs"].values():
        known |= group["properties"]
    values = {name: _coerced(value, known.get(name, {})) for name, value in parameters.items()}
    values = {name: value for name, value in values.items() if value is not None}
    problems = [f"--{name}: {text}" for name, text in _schema_problems(values, schema)]
    # Nextflow adds --min-umi as minUmi too: name an unknown parameter once
    unknown = {re.sub(r"[-_]", "", name).lower(): name for name in values if name not in known}
    problems += [
        f"--{name}: no such parameter{_meant(name, known, '--')}" for name in unknown.values()
    ]
    if problems:
        what = "parameters"
        raise InvalidInputError(what, problems)
    return values


def _schema_problems(instance: object, schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give (key, text) for each violation; the key is the property at fault."""
    from jsonschema import Draft202012Validator

    problems = []
    for error in Draft202012Validator(schema).iter_errors(instance):
        if error.validator == "required":
            key = error.message.split("'")[1]  # one error for each missing property
            problems.append((key, "missing, and has to be given"))
        else:
            problems.append((str(error.path[0] if error.path else ""), _said(error)))
    return sorted(problems)


def _said(error: ValidationError) -> str:
    instance = mask_each(error.instance) if isinstance(error.instance, str) else error.instance
    shown = json.dumps(instance, ensure_ascii=False)
    if not isinstance(error.schema, dict):
        return error.message
    if "errorMessage" in error.schema:
        return f"{shown}: {error.schema['errorMessage']}"
    if error.validator == "enum":
        allowed = [str(value) for value in error.schema["enum"]]
        return f"{shown} is none of {', '.join(allowed)}{_meant(str(error.instance), allowed)}"
    if error.validator == "type":
        wanted = error.schema["type"]
        kinds = [wanted] if isinstance(wanted, str) else [k for k in wanted if k != "null"]
        return f"{instance!r} is not of type {' or '.join(map(repr, kinds))}"
    return error.message.replace(repr(error.instance), repr(instance))


def _meant(name: str, known: Iterable[str], prefix: str = "") -> str:
    plain = {re.sub(r"[^a-z0-9]", "", word.lower()): word for word in known}
    close = difflib.get_close_matches(re.sub(r"[^a-z0-9]", "", name.lower()), plain, 1, 0.6)
    return f"; did you mean {prefix}{plain[close[0]]}?" if close else ""


def _coerced(value: object, described: Mapping[str, Any]) -> object:
    kinds = described.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else kinds
    if not isinstance(value, str) or "string" in kinds:
        return value
    if "boolean" in kinds and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if "integer" in kinds and re.fullmatch(r"-?\d+", value):
        return int(value)
    if "number" in kinds and re.fullmatch(r"-?\d+(\.\d*)?([eE]-?\d+)?", value):
        return float(value)
    return value


def _column_problems(found: Sequence[str], known: Sequence[str]) -> list[str]:
    problems = [
        f"column {name!r}: no such column{_meant(name, known)}"
        for name in dict.fromkeys(found)
        if name not in known
    ]
    twice = [name for name, count in Counter(found).items() if count > 1]
    return problems + [f"column {name!r} is there more than once" for name in twice]


def _row_problems(row: Row, schema: Mapping[str, Any]) -> Iterator[str]:
    item = {"$defs": schema.get("$defs", {}), **schema["items"]}
    cells = {key: value for key, value in row.cells.items() if value is not None}
    wrong = dict.fromkeys(_schema_problems(cells, item))
    yield from (f"column {key}: {text}" for key, text in wrong)
    if any(key in ("source", "url") for key, _ in wrong):
        return
    if needs_accession(cells["source"]):
        for column in ("url", "sha256"):
            if column in cells:
                yield (
                    f"column {column}: source {cells['source']} finds its files by accession: "
                    "leave it empty, and choose among them with column files"
                )
        return
    files = [part.strip() for part in cells["url"].split("|")]
    for text in _address_problems(cells["source"], files):
        yield f"column url: {text}"
    given = cells.get("sha256")
    if given is not None and given.count("|") + 1 != len(files):
        yield (
            f"column sha256: {given.count('|') + 1} checksum(s) for {len(files)} file(s): "
            "give one for each file in the order of url, separated by '|'"
        )


def _address_problems(source: str, files: Sequence[str]) -> Iterator[str]:
    for name in files:
        scheme = _SCHEME.match(name)
        if not name:
            yield "an empty part between '|'"
        elif _file_name(name) is None:
            yield f"{mask(name)!r} is no address: mend it"
        elif source == "url" and (scheme is None or scheme[1].lower() not in SCHEMES):
            yield f"{mask(name)!r} is no http, https, s3 or gs address: mend it, or use source file"
        elif source == "file" and scheme is not None and scheme[1].lower() in _WEB:
            yield f"{mask(name)!r} is an address: use source url"
        elif source == "file" and scheme is not None and scheme[1] not in _STAGED:
            yield f"{mask(name)!r}: the scheme {scheme[1]} is not supported"
    names = Counter(filter(None, map(_file_name, files)))
    for name, count in names.items():
        if count > 1:
            yield f"{count} files are called {name!r}: files of one dataset need distinct names"


def _file_name(url: str) -> str | None:
    try:
        return base_name(url)
    except ValueError:
        return None


def _duplicates(rows: Sequence[Row]) -> Iterator[str]:
    first: dict[str, Row] = {}
    for row in rows:
        name = row.cells.get("dataset_id")
        if name is None:
            continue
        earlier = first.setdefault(name.lower(), row)
        if earlier is not row:
            yield (
                f"{row.where}column dataset_id: {name!r} is taken by row {earlier.number}; "
                "names have to differ by more than the case of letters"
            )


def _value(column: str, cells: Mapping[str, str | None], base: str) -> str | None:
    value = cells.get(column)
    if column != "url" or value is None:
        return value
    parts = [part.strip() for part in value.split("|")]
    if cells["source"] == "file":
        parts = [
            part
            if part.startswith("/") or _SCHEME.match(part)
            else f"{base.rstrip('/')}/{part.removeprefix('./')}"
            for part in parts
        ]
    return "|".join(parts)
