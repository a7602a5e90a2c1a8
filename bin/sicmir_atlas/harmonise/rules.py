"""Map free-text labels to ontology terms, offline, by rules that can be named."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from sicmir_atlas.harmonise.cell_types import loosely_read, read
from sicmir_atlas.harmonise.mapping import ONTOLOGIES, Mapping
from sicmir_atlas.harmonise.overrides import package_overrides
from sicmir_atlas.harmonise.readings import Reading, faithful_readings, is_mixture
from sicmir_atlas.harmonise.text import fold
from sicmir_atlas.harmonise.vocabulary import look_up, shared_synonyms
from sicmir_atlas.names import ontologies

if TYPE_CHECKING:
    from sicmir_atlas.harmonise.mapping import Field, Method
    from sicmir_atlas.harmonise.overrides import Override, Overrides

__all__ = ["Found", "find", "map_given", "map_label"]

_TERM_ID = re.compile(r"^[A-Za-z]+:\d+$")
_ANY_TERM_ID = re.compile(r"^[A-Za-z]+[:_][A-Za-z0-9_]+$")  # Cellosaurus writes CVCL_0030
_SEVERAL = " || "
_UNMAPPED = Mapping(None, None, "unmapped")


class Found(NamedTuple):
    """A term, the rule that found it, and the step within that rule or an override's scope."""

    term_id: str
    method: Method
    step: str = ""
    row: Override | None = None


def map_label(
    field: Field, label: str, *, organ: str | None = None, overrides: Overrides | None = None
) -> Mapping:
    """Map one label by the first rule that knows it.

    In order: a term id as given, an exact label, a synonym of one term only, normalised text, an
    override. What was decided for this label in this dataset or organ comes before all of these
    but a given id. A deprecated term is mapped to only where it is given and nothing replaced it.
    Disease maps to MONDO, and ``normal`` to PATO.

    Parameters
    ----------
    organ
        One of :func:`.rollup.organs`.
    overrides
        The package's own unless given.
    """
    text = label.strip()
    if _TERM_ID.match(text):
        given = _current(text.upper() if not text.startswith("Hsap") else text)
        if given and given.partition(":")[0] in ONTOLOGIES[field]:
            return Mapping(given, ontologies().get_term_label(given), "given_id")
    found = find(field, text, organ=organ, overrides=overrides or package_overrides())
    if not found:
        return _UNMAPPED
    name = ontologies().get_term_label(found.term_id)
    if not found.row:
        return Mapping(found.term_id, name, found.method)
    return Mapping(
        found.term_id, name, found.method, found.row.curator or None, found.row.curated_on or None
    )


def map_given(
    field: Field,
    label: str | None,
    term_id: str | None,
    *,
    organ: str | None = None,
    overrides: Overrides | None = None,
) -> Mapping:
    """Take the term that stands beside a label as it is; without one, map the label.

    Terms may be of any ontology (a tissue may be a cell line), newer than those known here, or
    several joined by `` || ``, as CELLxGENE writes diseases (sources spec, section 2.2).
    """
    terms = (term_id or "").split(_SEVERAL)
    if term_id and all(_ANY_TERM_ID.match(term) for term in terms):
        known = [_current(term) for term in terms]
        if all(known):
            names = _SEVERAL.join(ontologies().get_term_label(term) for term in known)
            gone = any(ontologies().is_term_deprecated(str(term)) for term in known)
            named = label if gone and label else names
            return Mapping(_SEVERAL.join(map(str, known)), named, "given_id")
        return Mapping(term_id, label, "given_id")
    return map_label(field, label, organ=organ, overrides=overrides) if label else _UNMAPPED


def _current(term_id: str) -> str | None:
    """A deprecated term's successor in its ontology, else the term; None where nobody knows it."""
    parser = ontologies()
    if not parser.is_valid_term_id(term_id):
        return None
    instead = parser.get_term_replacement(term_id) if parser.is_term_deprecated(term_id) else None
    same = instead and instead.partition(":")[0] == term_id.partition(":")[0]
    return instead if same else term_id


def find(field: Field, label: str, *, organ: str | None, overrides: Overrides) -> Found | None:
    """Find the term of a label that is no term id, and say how.

    Readings of a label are asked from the most to the least faithful, names before overrides at
    each; only then is a label of a cell type read loosely.
    """
    decided = overrides.particular(field, label, organ)
    if decided:
        return Found(decided.term_id, "override", decided.scope, decided)
    for ontology in ONTOLOGIES[field]:
        named = look_up(ontology, "as_is", label.casefold())
        if named:
            return Found(named.term_id, "exact_label" if named.is_label else "unique_synonym")
    for ontology in ONTOLOGIES[field]:
        named = look_up(ontology, "folded", fold(label))
        if named and label.casefold() not in shared_synonyms(ontology):
            return Found(named.term_id, "normalised_text", "spelling")
    of_cells = field == "cell_type"
    readings = faithful_readings(label) if of_cells else (Reading("spelling", fold(label)),)
    for reading in readings:
        found = read(reading) if of_cells and not is_mixture(label) else None
        if found:
            return Found(found.term_id, "normalised_text", found.step)
        row = overrides.general(field, reading.text, organ)
        if row:
            return Found(row.term_id, "override", row.scope, row)
    found = loosely_read(label) if of_cells else None
    return Found(found.term_id, "normalised_text", found.step) if found else None
