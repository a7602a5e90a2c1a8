"""Roll terms up into broad groups by their ancestors, never by their names."""

from __future__ import annotations

from functools import cache

from sicmir_atlas.names import ontologies, read_data_table

__all__ = ["disease_category_of", "lineage_of", "organ_of"]


@cache
def lineage_of(cell_type_term: str) -> str | None:
    """Coarse lineage of a CL term: the first of the package's lineages among its ancestors."""
    parser = ontologies()
    if not parser.is_valid_term_id(cell_type_term):
        return None
    ancestors = set(parser.get_term_ancestors(cell_type_term, include_self=True))
    for lineage, term in _lineages():
        if term in ancestors:
            return lineage
    return None


def organ_of(tissue_term: str) -> str | None:
    """Organ of an UBERON term."""
    raise NotImplementedError


def disease_category_of(disease_term: str) -> str | None:
    """Broad category of a MONDO term, or of several joined by `` || ``."""
    raise NotImplementedError


@cache
def _lineages() -> tuple[tuple[str, str], ...]:
    table = read_data_table("lineages.tsv")
    return tuple(zip(table["lineage"], table["term_id"], strict=True))
