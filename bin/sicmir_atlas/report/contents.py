"""What a report says of an atlas, asked of its tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sicmir_atlas.atlas.schema import TABLES
from sicmir_atlas.report import queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sicmir_atlas.atlas.query import Atlas

__all__ = ["STATUSES", "Contents", "Row", "gather"]

Row = dict[str, Any]


class Grid(NamedTuple):
    """Cells by organ (rows) and lineage (columns), and the largest of these figures."""

    lineages: list[str | None]
    rows: list[tuple[str | None, list[int]]]
    most: int


STATUSES = ("failed", "excluded", "included")
"""In the order in which a reader has to do something about them."""

_MOST_MISSING, _MOST_UNMAPPED, _TOP_MIRNAS = 10, 15, 8


@dataclass(frozen=True)
class Contents:
    """What a report says, as plain values.

    Attributes
    ----------
    manifest
        The atlas's own.
    datasets
        Rows of table ``datasets``: failed, excluded, included; each with ``lost``, its cells lost
        to each rule, ``kept_share``, those that QC kept of the called ones, and ``mapped_share``,
        those of the kept ones that have a cell type's term.
    missing_landmarks
        ``landmark``, ``n_datasets``: those that most datasets lack.
    cells
        ``organ``, ``lineage``, ``disease_category``, ``mapping_method``, ``n``: cells of each
        combination.
    unmapped
        ``label``, ``place``, ``n_cells``, ``n_datasets``: labels without a term that most cells
        have.
    top_mirnas
        By lineage: ``mirna``, ``beaten``, ``in_type``, ``n_datasets``, ``n_groups``,
        ``reliability``, ``is_hub``.
    counts
        Single figures: ``n_cell_types``, ``n_mirnas``, ``n_trained``, ``n_unmapped_labels``,
        ``n_landmarks_missing``.
    """

    manifest: Mapping[str, Any]
    datasets: Sequence[Row]
    missing_landmarks: Sequence[Row]
    cells: Sequence[Row]
    unmapped: Sequence[Row]
    top_mirnas: Mapping[str, Sequence[Row]]
    counts: Mapping[str, int]

    def of_status(self, status: str) -> list[Row]:
        """Datasets that left the line in this way."""
        return [row for row in self.datasets if row["status"] == status]

    @property
    def included(self) -> list[Row]:
        """Datasets with results."""
        return self.of_status("included")

    @property
    def judged(self) -> list[Row]:
        """Included datasets whose distance from the training data was judged, farthest first."""
        rows = [row for row in self.included if row["is_far"] is not None]
        return sorted(rows, key=lambda row: (-row["domain_distance"], row["dataset_id"]))

    @property
    def lost(self) -> Counter[str]:
        """Cells that the included datasets lost to each rule."""
        return sum((Counter(row["lost"]) for row in self.included), Counter())

    @property
    def n_simulated(self) -> int:
        """Datasets whose title says that they are simulated."""
        return sum("simulated" in (row["title"] or "").casefold() for row in self.datasets)

    def total(self, column: str) -> int:
        """Sum of a column over the included datasets; nulls count nothing."""
        return sum(row[column] or 0 for row in self.included)

    def cells_by(self, column: str) -> list[tuple[str | None, int]]:
        """Cells of each value of a column, most first; those without a value come last."""
        found: Counter[str | None] = Counter()
        for row in self.cells:
            found[row[column]] += row["n"]
        return sorted(found.items(), key=lambda kv: (kv[0] is None, -kv[1], str(kv[0])))

    def organs_by_lineage(self) -> Grid | None:
        """Cells of each organ and lineage; None where either has one value only."""
        organs, lineages = ([name for name, _ in self.cells_by(c)] for c in ("organ", "lineage"))
        if min(len(organs), len(lineages)) < 2:
            return None
        found: Counter[tuple[str | None, str | None]] = Counter()
        for row in self.cells:
            found[row["organ"], row["lineage"]] += row["n"]
        rows = [(organ, [found[organ, lineage] for lineage in lineages]) for organ in organs]
        return Grid(lineages, rows, max(found.values()))


def gather(atlas: Atlas) -> Contents:
    """Ask an atlas for everything that its report says."""

    def rows(query: str, *values: Any) -> list[Row]:
        found: list[Row] = atlas.arrow(query, list(values)).to_pylist()
        return found

    lost: dict[str, dict[str, int]] = {}
    for row in rows(queries.LOST):
        lost.setdefault(row["dataset_id"], {})[row["rule"]] = row["n_lost"]
    nulls = dict.fromkeys(column.name for column in TABLES["datasets"].columns)
    datasets = [nulls | row for row in rows(queries.DATASETS)]
    for row in datasets:
        row["lost"] = lost.get(row["dataset_id"], {})
        row["kept_share"] = _share(row["n_cells_qc"], row["n_cells_raw"])
        row["mapped_share"] = _share(row["n_cells_mapped"], row["n_cells_qc"])
    datasets.sort(key=lambda row: (STATUSES.index(row["status"]), row["dataset_id"]))
    top: dict[str, list[Row]] = {}
    for row in rows(queries.TOP_MIRNAS, _TOP_MIRNAS):
        top.setdefault(row["lineage"], []).append(row)
    return Contents(
        manifest=atlas.manifest,
        datasets=datasets,
        missing_landmarks=rows(queries.MISSING_LANDMARKS, _MOST_MISSING),
        cells=rows(queries.CELLS),
        unmapped=rows(queries.UNMAPPED, _MOST_UNMAPPED),
        top_mirnas=top,
        counts=rows(queries.COUNTS)[0],
    )


def _share(part: int | None, whole: int | None) -> float | None:
    return part / whole if part is not None and whole else None
