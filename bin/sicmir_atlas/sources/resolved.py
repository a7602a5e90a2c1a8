"""What a samplesheet row turned out to be: files, and what the source says of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sicmir_atlas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sicmir_atlas.errors import ExcludedDataset
    from sicmir_atlas.sources.files import RemoteFile

__all__ = ["Refused", "Resolved", "as_resolved", "completed"]


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
    belongs_to
        Accessions of what this dataset is part of: its collection, or the series of its samples.
    notes
        For people: what was chosen among several files, and what was left.
    """

    dataset_id: str
    files: tuple[RemoteFile, ...]
    accession: str | None = None
    version: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    samples: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    belongs_to: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def facts(self, row_id: str) -> dict[str, Any]:
        """All but the files, for JSON; ``row`` is the dataset_id of the samplesheet's row."""
        facts = asdict(self)
        del facts["files"], facts["belongs_to"]
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


def as_resolved(
    rows: Iterable[Mapping[str, Any]],
    facts: Iterable[Mapping[str, Any]],
    verdicts: Iterable[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Rows of a samplesheet as the datasets that they turned out to be.

    Parameters
    ----------
    rows
        The samplesheet.
    facts
        What was learnt of each dataset that was resolved.
    verdicts
        Those with a ``row`` tell of datasets of a row that were refused.

    Returns
    -------
    A row for each dataset, and each row that was not resolved as it is.

    Raises
    ------
    InputError
        If two datasets have one name.
    """
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in facts:
        found[one["row"]].append(dict(one))
    for verdict in verdicts:
        if "row" in verdict:
            found[verdict["row"]].append({"columns": {}, **verdict})
    datasets = [
        dataset
        for row in rows
        for dataset in ([completed(row, one) for one in found[row["dataset_id"]]] or [{**row}])
    ]
    names = Counter(dataset["dataset_id"] for dataset in datasets)
    twice = sorted(name for name, count in names.items() if count > 1)
    if twice:
        msg = f"{', '.join(twice)}: two rows come to a dataset of this name: rename a row"
        raise InputError(msg)
    return datasets
