"""What a samplesheet row turned out to be: files, and what the source says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sicmir_atlas.errors import ExcludedDataset
    from sicmir_atlas.sources.files import RemoteFile

__all__ = ["Refused", "Resolved", "completed"]


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """One dataset of a row; a row that names a collection has several.

    Parameters
    ----------
    dataset_id
        The row's, with a suffix where the row has several datasets.
    files
        What to fetch.
    accession
        Accession of this very dataset.
    version
        The version that was found, so that it can be had again.
    columns
        Columns of the samplesheet that the source knows; the row's own values come first.
    samples
        By sample (GSM), in the source's order: columns that all its cells share.
    notes
        For people: what was chosen among several files, and what was left.
    """

    dataset_id: str
    files: tuple[RemoteFile, ...]
    accession: str | None = None
    version: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    samples: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def facts(self, row_id: str) -> dict[str, Any]:
        """All but the files, for JSON; ``row`` is the dataset_id of the samplesheet's row."""
        facts = {key: value for key, value in asdict(self).items() if key != "files"}
        return {"row": row_id, **facts, "notes": list(self.notes)}


@dataclass(frozen=True, kw_only=True)
class Refused:
    """One dataset of a row that a rule refuses before a byte is fetched."""

    dataset_id: str
    accession: str
    because: ExcludedDataset


def completed(row: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Row with the columns it leaves empty filled in from a source's facts.

    dataset_id, accession and version are those of the dataset that was found.
    """
    filled = {**row, **{k: v for k, v in facts["columns"].items() if not row.get(k)}}
    found = {k: facts[k] for k in ("accession", "version") if facts.get(k)}
    return {**filled, **found, "dataset_id": facts["dataset_id"]}
