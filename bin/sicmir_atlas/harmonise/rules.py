"""Map free-text labels to ontology terms, offline, by rules that can be named."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache

from sicmir_atlas.harmonise.mapping import Field, Mapping
from sicmir_atlas.names import ontologies

__all__ = ["map_given", "map_label"]

_ONTOLOGIES: dict[Field, tuple[str, ...]] = {
    "cell_type": ("CL",),
    "tissue": ("UBERON",),
    "disease": ("MONDO", "PATO"),
    "assay": ("EFO",),
    "sex": ("PATO",),
    "development_stage": ("HsapDv",),
}
_TERM_ID = re.compile(r"^[A-Za-z]+:\d+$")
_ANY_TERM_ID = re.compile(r"^[A-Za-z]+[:_][A-Za-z0-9_]+$")  # Cellosaurus writes CVCL_0030
_SEVERAL = " || "


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
def map_given(field: Field, label: str | None, term_id: str | None) -> Mapping:
    """Take the term that stands beside a label as it is; without one, map the label.

    Terms may be of any ontology (a tissue may be a cell line), newer than those known here, or
    several joined by `` || ``, as CELLxGENE writes diseases (sources spec, section 2.2).
    """
    terms = (term_id or "").split(_SEVERAL)
    if term_id and all(_ANY_TERM_ID.match(term) for term in terms):
        parser = ontologies()
        known = all(parser.is_valid_term_id(term) for term in terms)
        named = _SEVERAL.join(parser.get_term_label(term) for term in terms) if known else label
        return Mapping(term_id, named, "given_id")
    return map_label(field, label) if label else Mapping(None, None, "unmapped")


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
