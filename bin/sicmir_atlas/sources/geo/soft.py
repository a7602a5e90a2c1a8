"""SOFT, the text in which GEO describes its records (sources spec, section 1.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Entity", "read_soft", "stub"]

_UNUSED = ("contact_", "platform_table", "data_row_count")


@dataclass
class Entity:
    """One record: a series, a sample, a platform.

    Parameters
    ----------
    kind
        Word after ``^``, in capitals.
    accession
        Its accession.
    attributes
        Values by key, in their order; keys without ``!Series_`` and the like.
    """

    kind: str
    accession: str
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def all(self, key: str) -> list[str]:
        """Values of a repeated key; empty ones are dropped."""
        return [value for value in self.attributes.get(key, []) if value]

    def first(self, key: str) -> str | None:
        """First value of a key; None without one."""
        return next(iter(self.all(key)), None)

    def numbered(self, key: str) -> list[str]:
        """Values of ``key``, ``key_1``, ``key_2`` and so on."""
        names = [n for n in self.attributes if re.fullmatch(rf"{key}(_\d+)?", n)]
        return [value for name in names for value in self.all(name)]


def read_soft(lines: Iterable[str], *, kinds: frozenset[str] | None = None) -> Iterator[Entity]:
    """Read records one after another; data tables, notes and contacts are passed over.

    Parameters
    ----------
    lines
        Lines, with or without their ends.
    kinds
        Records to give, such as ``SAMPLE``; all when None. Of others nothing is held.
    """
    entity: Entity | None = None
    in_table = False
    texts: dict[str, str] = {}  # protocols are the same in every sample: held once
    for raw in lines:
        line = raw.rstrip("\r\n")
        if line.startswith("^"):
            if entity:
                yield entity
            in_table = False
            kind, _, accession = (part.strip() for part in line[1:].partition("="))
            kind = kind.upper()
            entity = None if kinds and kind not in kinds else Entity(kind, accession)
        elif line.startswith("!"):
            key, _, value = (part.strip() for part in line[1:].partition("="))
            if key.lower().endswith(("_table_begin", "_table_end")):
                in_table = key.lower().endswith("_begin")
                continue
            name = key.partition("_")[2]
            if entity is None or in_table or name.startswith(_UNUSED):
                continue
            entity.attributes.setdefault(name, []).append(texts.setdefault(value, value))
    if entity:
        yield entity


def stub(accession: str) -> str:
    """Folder that holds a record's own (section 1.4).

    >>> stub("GSM8695035"), stub("GSE1")
    ('GSM8695nnn', 'GSEnnn')
    """
    return f"{accession[:3]}{accession[3:-3]}nnn"
