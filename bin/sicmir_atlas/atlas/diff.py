"""Compare two atlases: datasets and why they differ, labels, terms, files, schema, predictions."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sicmir_atlas.atlas.build import Build
from sicmir_atlas.atlas.causes import causes_of
from sicmir_atlas.atlas.compare import Comparison, compare_predictions
from sicmir_atlas.atlas.differences import (
    AtlasDiff,
    Change,
    DatasetChange,
    DatasetNote,
    FileCount,
    TableChange,
)
from sicmir_atlas.atlas.label_changes import cell_types, label_changes, term_changes
from sicmir_atlas.atlas.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["AtlasDiff", "diff_atlases"]

_VERSIONS = ("schema_version", "processing_version", "pipeline_version")
_OF_THE_BUILD = ("pipeline_version",)  # a column of `datasets` that says nothing of a dataset


def diff_atlases(before: Path, after: Path, *, tolerance: float | None = None) -> AtlasDiff:
    """Compare two atlases of one major version of the schema.

    A column that one side lacks is taken as null, a table that it lacks as empty. Large files are
    compared by their checksums and not opened, unless there is a tolerance.

    Parameters
    ----------
    before, after
        Atlas folders; any may be one of the former builds of a published atlas.
    tolerance
        Open the large tables, too: values may differ by so much (see
        :func:`.compare.compare_predictions`).

    Raises
    ------
    GoneError
        If there is no atlas in one of the folders, or a file of it is missing.
    CorruptError
        If a manifest cannot be read.
    InputError
        If an atlas is of another major version of the schema.
    """
    old, new = Build(before), Build(after)
    predictions = None if tolerance is None else compare_predictions(old, new, tolerance)
    both = sorted(old.datasets.keys() & new.datasets.keys())
    redone = _redone(old, new) if predictions is None else _not_within(predictions)
    labels = list(label_changes(old, new))
    relabelled = Counter(label.dataset_id for label in labels)
    versions = _changes(_versions(old), _versions(new))
    parameters = _changes(old.manifest.get("parameters", {}), new.manifest.get("parameters", {}))
    changed = []
    for name in both:
        found = _changes(old.datasets[name], new.datasets[name], tolerance=tolerance or 0)
        columns = tuple(change for change in found if change.name not in _OF_THE_BUILD)
        if columns or redone[name]:
            causes = causes_of(
                columns,
                redone[name],
                versions=versions,
                parameters=parameters,
                n_labels=relabelled[name],
            )
            changed.append(_dataset_change(new.datasets[name], columns, redone[name], causes))
    figures = _totals(old), _totals(new)
    return AtlasDiff(
        versions=versions,
        parameters=parameters,
        added=_notes(new, old),
        removed=_notes(old, new),
        changed=tuple(changed),
        n_same=len(both) - len(changed),
        totals=tuple(Change(name, figures[0][name], figures[1][name]) for name in figures[0]),
        labels=tuple(labels),
        terms=tuple(term_changes(old, new)),
        schema=tuple(_schema_changes(old, new)),
        files=_file_counts(old, new),
        tolerance=tolerance,
        predictions=predictions,
    )


def _changes(
    before: Mapping[str, Any], after: Mapping[str, Any], *, tolerance: float = 0
) -> tuple[Change, ...]:
    names = dict.fromkeys([*before, *after])
    pairs = (Change(name, before.get(name), after.get(name)) for name in names)
    return tuple(pair for pair in pairs if not _same(pair.before, pair.after, tolerance))


def _same(before: Any, after: Any, tolerance: float) -> bool:
    if isinstance(before, float) and isinstance(after, float):
        return abs(before - after) <= tolerance
    return bool(before == after)


def _versions(build: Build) -> dict[str, Any]:
    model = build.manifest.get("model", {})
    return {
        **{name: build.manifest.get(name) for name in _VERSIONS},
        "model_id": model.get("model_id"),
        "model_sha256": model.get("sha256"),
    }


def _notes(of: Build, other: Build) -> tuple[DatasetNote, ...]:
    rows = [of.datasets[one] for one in sorted(of.datasets.keys() - other.datasets.keys())]
    names = [field.name for field in fields(DatasetNote)]
    return tuple(DatasetNote(*[row.get(name) for name in names]) for row in rows)  # type: ignore[arg-type]


def _redone(before: Build, after: Build) -> dict[str, tuple[str, ...]]:
    """Tables of which a dataset has another file, by dataset."""

    def of(build: Build) -> set[tuple[str, str, str]]:
        listed = (entry for entry in build.files if entry.get("dataset_id"))
        return {(entry["dataset_id"], entry["table"], entry["sha256"]) for entry in listed}

    return _grouped((dataset_id, table) for dataset_id, table, _ in of(before) ^ of(after))


def _not_within(predictions: Sequence[Comparison]) -> dict[str, tuple[str, ...]]:
    return _grouped((one.dataset_id, one.table) for one in predictions if not one.within)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for dataset_id, table in sorted(set(pairs)):
        found[dataset_id] += (table,)
    return found


def _dataset_change(
    row: Mapping[str, Any],
    columns: tuple[Change, ...],
    redone: tuple[str, ...],
    causes: tuple[str, ...],
) -> DatasetChange:
    status = next((change for change in columns if change.name == "status"), None)
    about = (row["dataset_id"], row.get("title"), status, row.get("reason"))
    return DatasetChange(*about, columns=columns, redone=redone, causes=causes)


def _totals(build: Build) -> dict[str, int | None]:
    rows = list(build.datasets.values())
    status = Counter(row["status"] for row in rows)
    labels = build.harmonisation if "harmonisation" in build.tables else None
    return {
        "datasets": len(rows),
        **{name: status[name] for name in ("included", "excluded", "failed")},
        "cells": sum(e["rows"] for e in build.files if e["table"] == "cells"),
        "pools": sum(e["rows"] for e in build.files if e["table"] == "pool_mirna"),
        "labels": None if labels is None else len({row["cell_type_original"] for row in labels}),
        "cell types": None if labels is None else len(cell_types(labels)),
        "miRNAs": sum(e["rows"] for e in build.files if e["table"] == "mirnas"),
        "bytes": sum(e["bytes"] for e in build.files),
    }


def _schema_changes(before: Build, after: Build) -> Iterator[TableChange]:
    same_version = before.manifest["schema_version"] == after.manifest["schema_version"]
    for table in sorted(before.tables | after.tables):
        large = table in TABLES and TABLES[table].per_dataset
        if large and (same_version or table not in before.tables & after.tables):
            continue  # within a version they cannot differ; where no dataset is, there is no file
        old, new = (
            {field.name: str(field.type) for field in build.schema(table)}
            if table in build.tables
            else {}
            for build in (before, after)
        )
        added = tuple(name for name in new if name not in old)
        removed = tuple(name for name in old if name not in new)
        retyped = tuple(c for c in _changes(old, new) if c.before and c.after)
        if added or removed or retyped:
            yield TableChange(table, added, removed, retyped)


def _file_counts(before: Build, after: Build) -> dict[str, FileCount]:
    old, new = (
        {(entry["path"], entry["sha256"]): entry["bytes"] for entry in build.files}
        for build in (before, after)
    )
    sides = {"same": old.keys() & new.keys(), "added": new.keys() - old, "gone": old.keys() - new}
    known = {**old, **new}
    return {
        name: FileCount(len(found), sum(known[one] for one in found))
        for name, found in sides.items()
    }
