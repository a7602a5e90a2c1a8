"""Rows of a samplesheet for accessions of GEO, filled with what GEO says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sicmir_atlas.catalogue.lookup import look_up_all
from sicmir_atlas.errors import GoneError, InputError
from sicmir_atlas.sources.geo.findings import shown
from sicmir_atlas.sources.geo.records import accessions_of
from sicmir_atlas.sources.resolved import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from sicmir_atlas.catalogue.lookup import Problem
    from sicmir_atlas.sources.http import Client
    from sicmir_atlas.sources.resolved import Resolved

__all__ = ["Listing", "read_accessions", "rows"]

_LONGEST = 64


@dataclass(frozen=True)
class Listing:
    """What became of the accessions.

    Parameters
    ----------
    rows
        One for each accession that was found and that no rule refuses.
    notes
        By accession: which files are taken, why, and how to take others.
    problems
        By accession: what broke or which rule refuses it.
    """

    rows: list[dict[str, str]] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)


def rows(
    client: Client,
    accessions: Iterable[str],
    *,
    blocked: Mapping[str, str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Listing:
    """Look up accessions (GSE, GSM, or samples of one dataset by ``|``), one row for each.

    Column files stays empty, so that the choice is made anew whenever the row is resolved.

    Parameters
    ----------
    client
        Asks GEO.
    accessions
        Each once; what is no accession is a problem of its own.
    blocked
        Reasons by accession.
    progress
        Told how many accessions are done.
    """
    listing = Listing()
    asked: dict[str, dict[str, str]] = {}
    for text in accessions:
        try:
            parts = accessions_of(text)
        except InputError as problem:
            listing.problems[text] = problem
            continue
        row = {"dataset_id": _name(parts), "source": "geo", "accession": "|".join(parts)}
        asked.setdefault(row["accession"], row)
    looked = look_up_all(list(asked.values()), client, blocked=blocked, progress=progress)
    for row, one in zip(asked.values(), looked, strict=True):
        if one.problem:
            listing.problems[row["accession"]] = one.problem
        for found in one.found:
            if isinstance(found, Refused):
                listing.problems[row["accession"]] = found.because
                continue
            listing.rows.append({**found.columns, **row})
            listing.notes[row["accession"]] = _notes(found)
    return listing


def read_accessions(path: Path) -> list[str]:
    """Read accessions from a text, one on a line; what follows ``#`` is a remark.

    Raises
    ------
    GoneError
        If there is no such file.
    InputError
        If it holds none, or is no text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        msg = f"{path}: no such file of accessions"
        raise GoneError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path}: not UTF-8 text (byte {error.start}); write one accession on a line"
        raise InputError(msg) from error
    found = [name for line in text.splitlines() if (name := line.partition("#")[0].strip())]
    if not found:
        msg = f"{path}: no accession in it; write one on a line"
        raise InputError(msg)
    return found


def _name(accessions: list[str]) -> str:
    """Name of the dataset in the atlas."""
    joined = "-".join(accessions)
    return joined if len(joined) <= _LONGEST else f"{accessions[0]}-and-{len(accessions) - 1}-more"


def _notes(found: Resolved) -> list[str]:
    names = [file.name for file in found.files]
    plural = "s" if len(names) > 1 else ""
    return [f"takes {len(names)} file{plural}: {shown(names, 6)}", *found.notes]
