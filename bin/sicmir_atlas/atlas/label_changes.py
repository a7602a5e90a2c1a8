"""Labels and terms of two builds: what maps to another cell type, what is new, what went.

Both sides need the table ``harmonisation``; without it nothing would be told from all being new.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sicmir_atlas.atlas.differences import LabelChange, TermChange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sicmir_atlas.atlas.build import Build

__all__ = ["cell_types", "label_changes", "term_changes"]

_KINDS = {
    "organ": "organs",
    "tissues": "tissues",
    "diseases": "diseases",
    "disease_category": "disease categories",
}


def cell_types(labels: Sequence[Mapping[str, Any]]) -> set[str]:
    """Labels of the terms that a build's labels map to."""
    return {row["cell_type"] for row in labels if row["cell_type_ontology_term_id"]}


def label_changes(before: Build, after: Build) -> Iterator[LabelChange]:
    """One for each label of a dataset; of several terms by tissue, those that differ."""

    def by_label(build: Build) -> dict[tuple[str, str], dict[str | None, dict[str, Any]]]:
        found: dict[tuple[str, str], dict[str | None, dict[str, Any]]] = defaultdict(dict)
        for row in build.harmonisation:
            terms = found[row["dataset_id"], row["cell_type_original"]]
            term = row["cell_type_ontology_term_id"]
            n_cells = row["n_cells"] + terms.get(term, {"n_cells": 0})["n_cells"]
            terms[term] = {**row, "n_cells": n_cells}
        return found

    old, new = by_label(before), by_label(after)
    for key in sorted(old.keys() & new.keys()):
        gone = [old[key][term] for term in old[key] if term not in new[key]]
        come = [new[key][term] for term in new[key] if term not in old[key]]
        if not gone and not come:
            continue
        one, two = (gone or list(old[key].values()))[0], (come or list(new[key].values()))[0]
        yield LabelChange(
            *key,
            before=one["cell_type_ontology_term_id"],
            before_label=one["cell_type"],
            after=two["cell_type_ontology_term_id"],
            after_label=two["cell_type"],
            mapping_method=two["mapping_method"],
            n_cells=two["n_cells"],
        )


def term_changes(before: Build, after: Build) -> Iterator[TermChange]:
    """One for each kind of terms of which some are new or gone."""

    def values(build: Build) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {kind: set() for kind in _KINDS.values()}
        for row in build.datasets.values():
            for column, kind in _KINDS.items():
                value = row.get(column) or ()
                found[kind].update(value.split(" || ") if isinstance(value, str) else value)
        labels = build.harmonisation
        found["cell types"] = cell_types(labels)
        found["lineages"] = {row["lineage"] for row in labels if row["lineage"]}
        return found

    old, new = values(before), values(after)
    mapped = "harmonisation" in before.tables & after.tables
    for kind in old if mapped else _KINDS.values():
        come, gone = new[kind] - old[kind], old[kind] - new[kind]
        if come or gone:
            yield TermChange(kind, tuple(sorted(come)), tuple(sorted(gone)))
