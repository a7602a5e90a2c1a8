"""Roll terms up into broad groups by their ancestors, never by their names."""

from __future__ import annotations

from functools import cache
from typing import Literal

from sicmir_atlas.names import ontologies, read_data_table

__all__ = ["disease_category_of", "lineage_of", "organ_of", "organs"]

_SEVERAL = " || "

Table = Literal["lineages", "organs", "disease_categories"]


@cache
def lineage_of(cell_type_term: str) -> str | None:
    """Coarse lineage of a CL term; None where the term is too broad for one."""
    return _first_group("lineages", cell_type_term)


@cache
def organ_of(tissue_term: str) -> str | None:
    """Organ that an UBERON term is or is part of; None for cell lines and for other organs."""
    return _first_group("organs", tissue_term)


@cache
def disease_category_of(disease_term: str) -> str | None:
    """Broad category of a MONDO term, or of PATO's ``normal``.

    Of several terms joined by `` || `` every category is named once, joined in the same way.
    """
    found = [_first_group("disease_categories", term) for term in disease_term.split(_SEVERAL)]
    return _SEVERAL.join(dict.fromkeys(name for name in found if name)) or None


@cache
def organs() -> tuple[str, ...]:
    """Names of the organs that tissues roll up to, by the alphabet."""
    return tuple(sorted({name for name, _ in _groups("organs")}))


def _first_group(table: Table, term: str) -> str | None:
    """First group of a table whose term is ``term`` or an ancestor of it (is a, part of).

    A deprecated term counts as the one that replaces it.
    """
    parser = ontologies()
    if not parser.is_valid_term_id(term):
        return None
    if parser.is_term_deprecated(term):
        instead = parser.get_term_replacement(term) or ""
        same = instead.partition(":")[0] == term.partition(":")[0]
        term = instead if same else term
    ancestors = {term, *parser.get_term_ancestors(term)}
    return next((name for name, root in _groups(table) if root in ancestors), None)


@cache
def _groups(table: Table) -> tuple[tuple[str, str], ...]:
    """Names of groups with their terms, in the order in which they are asked."""
    rows = read_data_table(f"{table}.tsv")
    return tuple(zip(rows.iloc[:, 0], rows["term_id"], strict=True))
