"""Labels of studies that no rule maps, the most cells first, for a person to decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sicmir_atlas.harmonise.overrides import Overrides
from sicmir_atlas.harmonise.rules import map_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["StudyLabel", "is_decided", "undecided"]


class StudyLabel(NamedTuple):
    """A label of a dataset's cell types in one organ: its cells, and their share of the dataset."""

    dataset_id: str
    organ: str | None
    label: str
    n_cells: int
    share: float


def undecided(
    labels: Iterable[StudyLabel], decisions: Sequence[Mapping[str, Any]], *, min_cells: int = 0
) -> list[StudyLabel]:
    """Labels of so many cells that map to no term, by number of cells.

    Parameters
    ----------
    decisions
        Rows of overrides, beside the package's own.
    """
    kept = [one for one in labels if one.n_cells >= min_cells and not is_decided(one, decisions)]
    return sorted(kept, key=lambda one: (-one.n_cells, one.dataset_id, one.label, one.organ or ""))


def is_decided(label: StudyLabel, decisions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a rule or a decision maps a label."""
    overrides = Overrides(decisions, dataset_id=label.dataset_id)
    found = map_label("cell_type", label.label, organ=label.organ, overrides=overrides)
    return found.method != "unmapped"
