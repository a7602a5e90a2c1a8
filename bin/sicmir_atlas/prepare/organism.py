"""The rule that only human data are included, as far as a samplesheet row alone can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sicmir_atlas.errors import ExcludedDataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["require_human_organisms", "require_human_row"]

_HUMAN = {"homo sapiens", "human", "ncbitaxon:9606"}


def require_human_row(dataset: Mapping[str, Any]) -> None:
    """Refuse a row that names another organism; one that names none, or a column, may pass."""
    given = dataset.get("organism")
    if given and not given.startswith("obs:"):
        require_human_organisms([given])


def require_human_organisms(organisms: Iterable[str]) -> None:
    """Refuse any organism that is not human.

    Raises
    ------
    ExcludedDataset
        Rule ``organism``.
    """
    others = [o for o in organisms if str(o).strip().casefold() not in _HUMAN]
    if others:
        figure = f"{', '.join(map(str, others))}; only Homo sapiens is included"
        raise ExcludedDataset("organism", figure)
