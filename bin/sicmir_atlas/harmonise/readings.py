"""Ways to read the label of a cell type."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from sicmir_atlas.harmonise.text import expanded, fold

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Reading", "Step", "faithful_readings", "is_mixture", "loose_readings", "parts"]

Step = str

_MIXTURE = re.compile(
    r"[/&?|]|\b(?:and|or|non|not|like|other|mix(?:ed|ture)?|doublets?|multiplets?|un(?!i)\w+ed"
    r"|unknown|ambiguous|contaminat\w+|debris|in cell cycle|tumou?rs?|malignan\w+|cancer\w*"
    r"|neoplas\w+|leuk\w+mi\w+|(?:carcin|lymph|gli|melan|sarc|blast|aden|myel)oma)\b",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]\s*")
_SEPARATOR = re.compile(r"[_,;:]| - ")
_LEADING_NUMBER = re.compile(r"(?:c|cl|cluster)?[ _-]?\d+[ _.:)-]+(?=.*[a-z])", re.IGNORECASE)
_TRAILING_NUMBER = re.compile(
    r"(?:[ _.,-]+(?:cluster[ _-]?)?(?:\d{1,2}|[IVX]{1,4}|[A-F])|(?<=[a-z]{4})\d{1,2})$"
)
_NUMBERED = re.compile(r"(?:type|group|class|layer|stage|phase|helper|th|grade)$", re.IGNORECASE)
_MARKER = re.compile(r"\b(?!cd\d)[a-z0-9]+ (?:positive|negative|high|low|dim|bright)\b")


class Reading(NamedTuple):
    """One way to read a label: what was done to it, and its text in folded form."""

    step: Step
    text: str


def is_mixture(label: str) -> bool:
    """Whether a label speaks of several kinds of cells, of none, or of tumour cells."""
    return bool(_MIXTURE.search(label.replace("_", " ")))


@cache
def faithful_readings(label: str) -> tuple[Reading, ...]:
    """Read all that a label says: as spelt, without a cluster's number, abbreviations written out.

    What stands in brackets is put before the other words: `Endothelial cell (lymphatic)`.
    """
    text = _without_numbers(label)
    inside, outside = _unbracketed(text)
    whole = fold(f"{inside} {outside}")
    return _distinct(
        [
            Reading("spelling", fold(label)),
            Reading("number", fold(text)),
            Reading("brackets", whole),
            Reading("abbreviation", expanded(whole)),
        ]
    )


@cache
def loose_readings(label: str) -> tuple[Reading, ...]:
    """Read a label without its brackets, then without its markers (but those called CD)."""
    _, outside = _unbracketed(_without_numbers(label))
    text = expanded(fold(outside))
    return _distinct(
        [
            Reading("brackets", fold(outside)),
            Reading("brackets", text),
            Reading("marker", " ".join(_MARKER.sub(" ", text).split())),
        ]
    )


def parts(label: str) -> list[str]:
    """Parts of a label that underscores, commas and brackets set apart; none of a whole one."""
    text = _without_numbers(label)
    found = [*_SEPARATOR.split(_BRACKETS.sub(" ", text)), *_BRACKETS.findall(text)]
    found = [_without_numbers(part.strip()) for part in found if part.strip()]
    return found if len(found) > 1 else []


def _unbracketed(text: str) -> tuple[str, str]:
    inside = " ".join(map(_without_numbers, _BRACKETS.findall(text)))
    return inside, _without_numbers(_BRACKETS.sub(" ", text).strip())


def _without_numbers(text: str) -> str:
    """Text without the number of a cluster before or behind it."""
    text = _LEADING_NUMBER.sub("", text).strip() if _LEADING_NUMBER.match(text) else text
    found = _TRAILING_NUMBER.search(text)
    if found and found.start() and not _NUMBERED.search(text[: found.start()]):
        return text[: found.start()].strip()
    return text


def _distinct(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    seen: dict[str, Reading] = {}
    for reading in readings:
        if reading.text:
            seen.setdefault(reading.text, reading)
    return tuple(seen.values())
