"""Map free-text labels to ontology terms, offline, by rules that can be named."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from typing import Literal, NamedTuple

from sicmir_atlas.names import ontologies, read_data_table

__all__ = ["UNKNOWN", "Field", "Mapping", "lineage_of", "map_label"]

Field = Literal["cell_type", "tissue", "disease", "assay", "sex", "development_stage"]
Method = Literal["given_id", "exact_label", "unique_synonym", "unmapped"]

UNKNOWN = "unknown"
_ONTOLOGIES: dict[Field, tuple[str, ...]] = {
    "cell_type": ("CL",),
    "tissue": ("UBERON",),
    "disease": ("MONDO", "PATO"),
    "assay": ("EFO",),
    "sex": ("PATO",),
    "development_stage": ("HsapDv",),
}
_TERM_ID = re.compile(r"^[A-Za-z]+:\d+$")


class Mapping(NamedTuple):
    """What a label maps to: term, the term's label, and the rule that found it."""

    term_id: str | None
    label: str | None
    method: Method


@cache
def map_label(field: Field, label: str) -> Mapping:
    """Map one label: a term id as given, an exact label, or a synonym of one term only.

    Case and surrounding space do not count. Deprecated terms are never mapped to. Disease maps
    to MONDO, and ``normal`` to PATO.
    """
    parser = ontologies()
    text = label.strip()
    if _TERM_ID.match(text):
        given = text.upper() if not text.startswith("Hsap") else text
        if given.partition(":")[0] in _ONTOLOGIES[field] and parser.is_valid_term_id(given):
            return Mapping(given, parser.get_term_label(given), "given_id")
        return Mapping(None, None, "unmapped")
    for ontology in _ONTOLOGIES[field]:
        labels, synonyms = _index(ontology)
        key = text.casefold()
        if key in labels:
            return Mapping(labels[key], parser.get_term_label(labels[key]), "exact_label")
        terms = synonyms.get(key, set())
        if len(terms) == 1:
            (term,) = terms
            return Mapping(term, parser.get_term_label(term), "unique_synonym")
    return Mapping(None, None, "unmapped")


@cache
def lineage_of(cell_type_term: str) -> str | None:
    """Coarse lineage of a CL term: the first of the package's lineages among its ancestors."""
    ancestors = set(ontologies().get_term_ancestors(cell_type_term, include_self=True))
    for lineage, term in _lineages():
        if term in ancestors:
            return lineage
    return None


@cache
def _lineages() -> tuple[tuple[str, str], ...]:
    table = read_data_table("lineages.tsv")
    return tuple(zip(table["lineage"], table["term_id"], strict=True))


@cache
def _index(ontology: str) -> tuple[dict[str, str], dict[str, set[str]]]:
    parser = ontologies()
    labels: dict[str, str] = {}
    synonyms: dict[str, set[str]] = defaultdict(set)
    for label, term in parser.get_term_label_to_id_map(ontology).items():
        if term.startswith(f"{ontology}:") and not parser.is_term_deprecated(term):
            labels[label.casefold()] = term
            for synonym in parser.get_term_synonyms(term):
                synonyms[synonym.casefold()].add(term)
    return labels, dict(synonyms)
