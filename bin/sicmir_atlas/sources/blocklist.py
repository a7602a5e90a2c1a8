"""Datasets that are known and not wanted, each with the reason."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

from sicmir_atlas.errors import ExcludedDataset, GoneError, InputError
from sicmir_atlas.sources.files import mask_each

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["BLOCKLIST_COLUMNS", "is_listed", "known_as", "read_blocklist", "require_wanted"]

BLOCKLIST_COLUMNS = ("accession", "reason")

_DOI = re.compile(r"(?:doi:\s*|https?://(?:dx\.)?doi\.org/)(?=10\.\d)")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def read_blocklist(path: Path) -> dict[str, str]:
    """Read a CSV with columns accession and reason; others may stand beside them.

    Returns
    -------
    Reason by accession in lower case, without an address around a DOI or an id of CELLxGENE. An
    accession may be that of a dataset, a version, a collection or a series, a DOI or an address.

    Raises
    ------
    GoneError
        If there is no such file.
    InputError
        If a column is missing, or a cell is empty.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in BLOCKLIST_COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                msg = f"{path.name}: column {missing[0]} is missing: a blocklist has columns "
                msg += " and ".join(BLOCKLIST_COLUMNS)
                raise InputError(msg)
            blocked = {}
            for row in reader:
                accession, reason = ((row[name] or "").strip() for name in BLOCKLIST_COLUMNS)
                if not accession or not reason:
                    msg = (
                        f"{path.name}: line {reader.line_num}: accession and reason are both "
                        "needed: whoever reads the list later has to know why"
                    )
                    raise InputError(msg)
                blocked[_plain(accession)] = reason
    except FileNotFoundError as error:
        msg = f"{path}: no such blocklist"
        raise GoneError(msg) from error
    except csv.Error as error:
        msg = f"{path.name}: not CSV: {error}"
        raise InputError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path.name}: not UTF-8 text (byte {error.start}): save it as CSV in UTF-8"
        raise InputError(msg) from error
    return blocked


def require_wanted(names: Iterable[str | None], blocked: Mapping[str, str]) -> None:
    """Refuse a dataset that is on the blocklist under any of its names.

    Of several accessions or addresses, joined by ``|``, one is enough.

    Raises
    ------
    ExcludedDataset
        Rule ``blocklist``, with the reason given there.
    """
    for given in names:
        for name in known_as(given):
            if reason := blocked.get(name):
                shown = given or "" if name == _plain(given or "") else name
                raise ExcludedDataset("blocklist", f"{mask_each(shown)}: {reason}")


def is_listed(row: Mapping[str, Any], blocked: Mapping[str, str]) -> bool:
    """Tell whether a row of the samplesheet is refused before it is looked up."""
    try:
        require_wanted((row.get(name) for name in ("accession", "doi", "url")), blocked)
    except ExcludedDataset:
        return True
    return False


def known_as(given: str | None) -> list[str]:
    """All that a blocklist may call a cell: as a whole, and each part of it.

    In lower case, without an address around a DOI or an id of CELLxGENE.
    """
    parts = (given or "").split("|")
    return list(dict.fromkeys(_plain(part) for part in (given or "", *parts) if part.strip()))


def _plain(name: str) -> str:
    text = _DOI.sub("", name.strip().lower(), count=1)
    found: list[str] = [] if "|" in text else _UUID.findall(text)
    return found[-1] if found else text
