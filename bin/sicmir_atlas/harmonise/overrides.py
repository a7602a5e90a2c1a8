"""Decisions of curators: the package's table, and what a run brings along."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sicmir_atlas.harmonise.text import fold, unordered
from sicmir_atlas.names import read_data_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sicmir_atlas.harmonise.mapping import Field

__all__ = ["ANY", "DATASET", "Override", "Overrides", "package_overrides"]

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


_ByText = dict[tuple[str, str, str], Override]


@cache
def _shipped() -> _ByText:
    return _by_text(_decisions(read_data_table("overrides.tsv").to_dict("records")))


def _by_text(rows: Iterable[Override]) -> _ByText:
    table: _ByText = {}
    for row in rows:
        text = fold(row.label)
        for key in filter(None, (text, unordered(text))):
            table[row.field, row.scope, key] = row
    return table


def _decisions(rows: Iterable[Mapping[str, Any]]) -> Iterator[Override]:
    return (Override(**{name: row.get(name) or "" for name in Override._fields}) for row in rows)


def _as_written(label: str) -> str:
    return label.strip().casefold()
