"""Decisions of curators: the package's table, and what a run brings along."""

from __future__ import annotations

import csv
import datetime as dt
import io
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from sicmir_atlas.errors import InputError
from sicmir_atlas.harmonise.mapping import ONTOLOGIES, Field
from sicmir_atlas.harmonise.rollup import organs
from sicmir_atlas.harmonise.text import fold, unordered
from sicmir_atlas.names import ontologies, read_data_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["ANY", "DATASET", "Override", "Overrides", "package_overrides", "read_overrides"]

ANY = "*"
DATASET = "dataset:"


class Override(NamedTuple):
    """One decision: what a label of a field means in an organ, in a dataset, or anywhere."""

    field: str
    scope: str
    label: str
    term_id: str
    curator: str = ""
    curated_on: str = ""
    source: str = ""


class Overrides:
    """Decisions by field, scope and label; of one scope, those given come before the package's.

    Parameters
    ----------
    rows
        Decisions of a run: for an organ, for any (``*``), or for one dataset (``dataset:ID``).
    dataset_id
        The dataset whose own decisions count.
    package
        Whether the package's table stands behind them.
    """

    def __init__(
        self,
        rows: Iterable[Mapping[str, Any]] = (),
        *,
        dataset_id: str | None = None,
        package: bool = True,
    ) -> None:
        given = list(_decisions(rows))
        own = [row for row in given if row.scope == f"{DATASET}{dataset_id}"]
        self._own = {(row.field, _as_written(row.label)): row for row in own}
        self._tables = (_by_text(given), _shipped()) if package else (_by_text(given),)

    def find(self, field: Field, label: str, organ: str | None = None) -> Override | None:
        """Decision on a label: the dataset's own, its organ's, or that for any organ."""
        return self.particular(field, label, organ) or self.general(field, fold(label), organ)

    def particular(self, field: Field, label: str, organ: str | None) -> Override | None:
        """Decision on this very label: in the dataset as it is written, or in the organ."""
        own = self._own.get((field, _as_written(label)))
        return own or (self._at(field, organ, fold(label)) if organ else None)

    def general(self, field: Field, folded: str, organ: str | None) -> Override | None:
        """Decision on a folded text, whatever the order of its words, in the organ or in any."""
        for scope in (organ, ANY):
            row = scope and (
                self._at(field, scope, folded) or self._at(field, scope, unordered(folded))
            )
            if row:
                return row
        return None

    def _at(self, field: Field, scope: str, text: str) -> Override | None:
        return next(
            (t[field, scope, text] for t in self._tables if (field, scope, text) in t), None
        )


@cache
def package_overrides() -> Overrides:
    """The package's own table."""
    return Overrides()


def read_overrides(path: Path) -> list[dict[str, str]]:
    """Read a table of decisions, CSV or else tab-separated, and prove every row of it.

    Raises
    ------
    InputError
        If the table lacks a column, or a row names no such field, organ, term or day, or says
        another thing than a row above it; every line that is wrong is named.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path.name}: not UTF-8 text (byte {error.start}): save it in UTF-8"
        raise InputError(msg) from error
    delimiter = "," if path.suffix.lower() == ".csv" else "\t"
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    lacking = [name for name in Override._fields[:6] if name not in (table.fieldnames or ())]
    if lacking:
        msg = (
            f"{path.name}: column {', '.join(lacking)} is missing; "
            f"the columns are {', '.join(Override._fields)}"
        )
        raise InputError(msg)
    rows = [(table.line_num, Override(**_cells(row))) for row in table]
    said: list[str] = []
    decided: dict[tuple[str, str, str], tuple[int, Override]] = {}
    for line, row in rows:
        first, other = decided.setdefault((row.field, row.scope, _looked_up_by(row)), (line, row))
        wrong = list(_wrong(row))
        repeated = _as_written(row.label) == _as_written(other.label)
        if first != line and (repeated or row.term_id != other.term_id):
            wrong.append(f"label: {row.label!r} is decided in line {first} already; keep one")
        said += [f"{path.name}, line {line}, column {one}" for one in wrong]
    if said:
        msg = "\n".join(said)
        raise InputError(msg)
    return [row._asdict() for _, row in rows]


def _wrong(row: Override) -> Iterator[str]:
    """What is wrong with a row: the column, and what to write there."""
    fields: dict[str, Field] = {field: field for field in get_args(Field)}
    if row.field not in fields:
        yield f"field: {row.field!r} is none of {', '.join(fields)}"
    elif wrong := _wrong_term(row.term_id, ONTOLOGIES[fields[row.field]]):
        yield f"term_id: {wrong}"
    if row.scope != ANY and row.scope not in organs() and not row.scope.partition(DATASET)[2]:
        yield (
            f"scope: {row.scope!r} is no organ; write {ANY} for any, {DATASET}ID for one dataset, "
            f"or one of {', '.join(organs())}"
        )
    if row.scope in organs() and row.field != "cell_type":
        yield f"scope: an organ is for cell_type alone; write {ANY} or {DATASET}ID"
    if not row.label:
        yield "label: it is empty; write the study's own word"
    if not row.curator:
        yield "curator: it is empty; write who decided"
    try:
        dt.date.fromisoformat(row.curated_on)
    except ValueError:
        yield f"curated_on: {row.curated_on!r} is no day; write it as 2026-01-31"


def _wrong_term(term: str, allowed: tuple[str, ...]) -> str | None:
    parser, wanted = ontologies(), " or ".join(allowed)
    if term.partition(":")[0] not in allowed:
        return f"{term!r} is no term of {wanted}"
    if not parser.is_valid_term_id(term):
        return f"{term} is not known; look for the term in {wanted}"
    if parser.is_term_deprecated(term):
        instead = parser.get_term_replacement(term)
        return f"{term} is deprecated" + (f"; write {instead}" if instead else "; choose another")
    return None


def _cells(row: Mapping[str, str | None]) -> dict[str, str]:
    return {name: (row.get(name) or "").strip() for name in Override._fields}


_ByText = dict[tuple[str, str, str], Override]


@cache
def _shipped() -> _ByText:
    return _by_text(_decisions(read_data_table("overrides.tsv").to_dict("records")))


def _by_text(rows: Iterable[Override]) -> _ByText:
    table: _ByText = {}
    for row in rows:
        text = fold(row.label)
        for key in filter(None, (text, unordered(text))):
            table.setdefault((row.field, row.scope, key), row)
    return table


def _decisions(rows: Iterable[Mapping[str, Any]]) -> Iterator[Override]:
    return (Override(**{name: row.get(name) or "" for name in Override._fields}) for row in rows)


def _looked_up_by(row: Override) -> str:
    """Text by which a decision is found: as written in a dataset, however it is spelt elsewhere."""
    return _as_written(row.label) if row.scope.startswith(DATASET) else fold(row.label)


def _as_written(label: str) -> str:
    return label.strip().casefold()
