"""What may differ between two atlases, as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sicmir_atlas.atlas.compare import Comparison

__all__ = [
    "AtlasDiff",
    "Change",
    "DatasetChange",
    "DatasetNote",
    "FileCount",
    "LabelChange",
    "TableChange",
    "TermChange",
]


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
    another file (with a tolerance: other values), ``causes`` say why, in words. ``status`` is null
    where that stayed; ``reason`` is the one of the atlas after.
    """

    dataset_id: str
    title: str | None
    status: Change | None
    reason: str | None
    columns: tuple[Change, ...]
    redone: tuple[str, ...]
    causes: tuple[str, ...]


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
