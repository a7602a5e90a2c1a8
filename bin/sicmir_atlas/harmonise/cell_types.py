"""Cell types by the normalised text of their labels."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from sicmir_atlas.harmonise.readings import (
    Reading,
    faithful_readings,
    is_mixture,
    loose_readings,
    parts,
)
from sicmir_atlas.harmonise.rollup import lineage_of
from sicmir_atlas.harmonise.text import unordered, without_cell
from sicmir_atlas.harmonise.vocabulary import is_tissue, look_up
from sicmir_atlas.names import ontologies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sicmir_atlas.harmonise.readings import Step

__all__ = ["Read", "loosely_read", "read"]

_SHORT = ("b", "t", "nk")  # other labels of one or two letters could mean anything


class Read(NamedTuple):
    """A term, and the step of normalisation that led to it."""

    term_id: str
    step: Step


def read(reading: Reading) -> Read | None:
    """Find the cell type that one reading names.

    The closing ``cell`` does not count, nor does the order of words. A term too broad for a
    lineage is never the answer.
    """
    text, cell = reading.text, without_cell(reading.text)
    spelt = look_up("CL", "folded", text)
    if not spelt and (len(cell) > 2 or cell in _SHORT):
        spelt = look_up("CL", "cell", cell)
    named = spelt or look_up("CL", "unordered", unordered(text))
    if not named or not lineage_of(named.term_id):
        return None
    in_order = spelt or reading.step != "spelling"
    return Read(named.term_id, reading.step if in_order else "order")


@cache
def loosely_read(label: str) -> Read | None:
    """Find the cell type of a label that says more than its name.

    Parts that name cell types must lie on one line of descent (`Dendritic_Langerhans`, `Immune
    (B cell)`), and the finest is taken; parts that contradict each other (`DC_Monocyte`) leave
    the label unmapped. Of one such part, brackets and markers are left out.
    """
    if is_mixture(label):
        return None
    terms = [term for part in parts(label) if (term := _of_part(part))]
    if len(terms) > 1:
        finest = _finest(terms)
        return Read(finest, "parts") if finest else None
    loosely = (found for reading in loose_readings(label) if (found := read(reading)))
    return next(loosely, Read(terms[0], "parts") if terms else None)


def _of_part(part: str) -> str | None:
    if is_tissue(part):
        return None
    readings = (*faithful_readings(part), *loose_readings(part))
    return next((found.term_id for reading in readings if (found := read(reading))), None)


def _finest(terms: Sequence[str]) -> str | None:
    """The term that descends from all the others, if there is one."""
    ancestors = ontologies().get_term_ancestors
    return next((t for t in terms if set(terms) <= {t, *ancestors(t)}), None)
