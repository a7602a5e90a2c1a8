"""Several samplesheets to one, in which no data stand twice."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from sicmir_atlas.catalogue.duplicates import find_duplicates
from sicmir_atlas.disk import written_whole
from sicmir_atlas.errors import ExcludedDataset
from sicmir_atlas.sources.blocklist import BLOCKLIST_COLUMNS, known_as, require_wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Row = Mapping[str, Any]

__all__ = ["Merged", "merge", "write_dropped"]

_LONGEST = 64


@dataclass(frozen=True)
class Merged:
    """What became of the rows.

    Parameters
    ----------
    rows
        Those that stay, in the order of the sheets.
    dropped
        accession, reason, dataset_id and kept (the dataset_id that stays) of the others.
    notes
        Rows that were renamed, or that may share data with another and stay all the same.
    """

    rows: list[Row] = field(default_factory=list)
    dropped: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def merge(sheets: Sequence[Sequence[Row]], *, blocked: Mapping[str, str] | None = None) -> Merged:
    """Put the rows of all sheets into one; of the same data the sheet named first stays.

    Parameters
    ----------
    sheets
        Rows with the samplesheet's keys; see :func:`.duplicates.find_duplicates`.
    blocked
        Reasons by accession; such rows are dropped.
    """
    merged = Merged()
    every: list[Row] = []
    for row in (row for sheet in sheets for row in sheet):
        try:
            require_wanted((row.get(name) for name in ("accession", "doi", "url")), blocked or {})
            every.append(row)
        except ExcludedDataset as because:
            merged.dropped.append(_dropped(row, str(because), ""))
    duplicates = {found.position: found for found in find_duplicates(every)}
    names: dict[int, str] = {}
    taken: set[str] = set()
    for i, row in enumerate(every):
        found = duplicates.get(i)
        if found and found.certain:
            kept = names[found.of]
            reason = f"the same data as {kept}: {found.reason}"
            merged.dropped.append(_dropped(row, reason, kept))
            continue
        name = names[i] = _free(str(row["dataset_id"]), taken)
        taken.add(name.lower())
        merged.rows.append({**row, "dataset_id": name})
        if name != row["dataset_id"]:
            merged.notes.append(
                f"{row['dataset_id']}: the name is taken by other data: renamed {name}"
            )
        if found:
            merged.notes.append(
                f"{name}: kept, may share data with {names[found.of]}: {found.reason}"
            )
    return merged


def write_dropped(path: Path, merged: Merged) -> None:
    """Write what was dropped as a blocklist, but for accessions that a row which stays has."""
    stay = {name for row in merged.rows for name in known_as(_accession(row))}
    names = (*BLOCKLIST_COLUMNS, "dataset_id", "kept")
    with written_whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, names, lineterminator="\n")
        table.writeheader()
        dropped = (row for row in merged.dropped if known_as(row["accession"])[0] not in stay)
        table.writerows(dropped)


def _dropped(row: Row, reason: str, kept: str) -> dict[str, str]:
    name = str(row["dataset_id"])
    return {"accession": _accession(row), "reason": reason, "dataset_id": name, "kept": kept}


def _accession(row: Row) -> str:
    return str(row.get("accession") or row.get("url"))


def _free(name: str, taken: set[str]) -> str:
    """Name that no other row has, whatever the case of letters."""
    endings = ("" if n == 1 else f"-{n}" for n in count(1))
    return next(
        free for end in endings if (free := name[: _LONGEST - len(end)] + end).lower() not in taken
    )
