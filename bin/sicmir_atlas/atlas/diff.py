"""What differs between two atlases: datasets and why, labels, terms, files, tables, predictions."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from sicmir_atlas.atlas.compare import Comparison, compare_predictions
from sicmir_atlas.atlas.manifest import read_manifest
from sicmir_atlas.atlas.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "AtlasDiff",
    "Change",
    "DatasetChange",
    "DatasetNote",
    "FileCount",
    "LabelChange",
    "TableChange",
    "TermChange",
    "diff_atlases",
]

_VERSIONS = ("schema_version", "processing_version", "pipeline_version")
_OF_THE_BUILD = ("pipeline_version",)  # columns of `datasets` that say nothing of a dataset


@dataclass(frozen=True)
class Change:
    """A value that differs; null where one side lacks it."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class DatasetNote:
    """A dataset that only one of the atlases has."""

    dataset_id: str
    title: str | None
    accession: str | None
    status: str
    reason: str | None
    n_cells_qc: int | None
    n_cell_types: int | None


@dataclass(frozen=True)
class DatasetChange:
    """A dataset of both atlases that differs.

    ``columns`` are those of its row in ``datasets``; ``redone`` are the tables of which it has
    another file (with a tolerance: other values); ``status`` is null where that stayed.
    """

    dataset_id: str
    title: str | None
    status: Change | None
    reason: str | None
    columns: tuple[Change, ...]
    redone: tuple[str, ...]


@dataclass(frozen=True)
class LabelChange:
    """A label of a study that maps to another cell type now; null terms are `unknown`."""

    dataset_id: str
    cell_type_original: str
    before: str | None
    before_label: str | None
    after: str | None
    after_label: str | None
    mapping_method: str
    n_cells: int


@dataclass(frozen=True)
class TermChange:
    """Values of one kind (``cell types``, ``organs`` …) that are new or gone."""

    kind: str
    new: tuple[str, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True)
class TableChange:
    """Columns of a table that are new, gone, or of another type."""

    table: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    retyped: tuple[Change, ...]


@dataclass(frozen=True)
class FileCount:
    """A number of files, and their bytes."""

    files: int
    bytes: int


@dataclass(frozen=True)
class AtlasDiff:
    """What differs between an atlas before and after; empty tuples where nothing does.

    ``n_same`` counts the datasets of both that do not differ. ``totals`` are figures of both,
    whether they differ or not. ``labels`` and ``terms`` need the table ``harmonisation`` in both.
    ``files`` has the keys ``same``, ``added`` and ``gone``; a small table written anew is both of
    the last. ``predictions`` is null unless a tolerance was given.
    """

    versions: tuple[Change, ...]
    parameters: tuple[Change, ...]
    added: tuple[DatasetNote, ...]
    removed: tuple[DatasetNote, ...]
    changed: tuple[DatasetChange, ...]
    n_same: int
    totals: tuple[Change, ...]
    labels: tuple[LabelChange, ...]
    terms: tuple[TermChange, ...]
    schema: tuple[TableChange, ...]
    files: Mapping[str, FileCount]
    tolerance: float | None
    predictions: tuple[Comparison, ...] | None

    @property
    def different(self) -> bool:
        """Whether anything differs; within the tolerance, where one was given."""
        found = (self.versions, self.parameters, self.added, self.removed, self.changed)
        files = self.files["added"].files or self.files["gone"].files
        return any((*found, self.labels, self.terms, self.schema)) or (
            self.tolerance is None and bool(files)
        )

    def as_json(self) -> dict[str, Any]:
        """The difference as plain values."""
        return {"different": self.different, **asdict(self)}


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
    old, new = _Side(before), _Side(after)
    predictions = None if tolerance is None else compare_predictions(old, new, tolerance)
    rows = old.datasets, new.datasets
    both = sorted(rows[0].keys() & rows[1].keys())
    changed = [
        change
        for change in (
            _dataset_change(rows[0][name], rows[1][name], _redone(name, old, new, predictions))
            for name in both
        )
        if change is not None
    ]
    labelled = "harmonisation" in old.tables and "harmonisation" in new.tables
    return AtlasDiff(
        versions=_changes(_versions(old), _versions(new)),
        parameters=_changes(old.manifest.get("parameters", {}), new.manifest.get("parameters", {})),
        added=tuple(_note(rows[1][name]) for name in sorted(rows[1].keys() - rows[0].keys())),
        removed=tuple(_note(rows[0][name]) for name in sorted(rows[0].keys() - rows[1].keys())),
        changed=tuple(changed),
        n_same=len(both) - len(changed),
        totals=tuple(Change(name, value, new.totals()[name]) for name, value in old.totals().items()),
        labels=tuple(_label_changes(old, new)) if labelled else (),
        terms=tuple(_term_changes(old, new)) if labelled else (),
        schema=tuple(_schema_changes(old, new)),
        files=_file_counts(old, new),
        tolerance=tolerance,
        predictions=predictions,
    )
