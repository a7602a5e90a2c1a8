"""Datasets that are known and not wanted, each with the reason."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from sicmir_atlas.errors import ExcludedDataset, GoneError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["BLOCKLIST_COLUMNS", "read_blocklist", "require_wanted"]

BLOCKLIST_COLUMNS = ("accession", "reason")


def read_blocklist(path: Path) -> dict[str, str]:
    """Read a CSV with columns accession and reason; others may stand beside them.

    Returns
    -------
    Reason by accession in lower case. An accession may be that of a dataset, a version, a
    collection or a series, a DOI or an address.

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
                blocked[accession.lower()] = reason
    except FileNotFoundError as error:
        msg = f"{path}: no such blocklist"
        raise GoneError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path.name}: not UTF-8 text (byte {error.start}): save it as CSV in UTF-8"
        raise InputError(msg) from error
    return blocked


def require_wanted(names: Iterable[str | None], blocked: Mapping[str, str]) -> None:
    """Refuse a dataset that is on the blocklist under any of its names.

    Raises
    ------
    ExcludedDataset
        Rule ``blocklist``, with the reason given there.
    """
    for name in names:
        reason = blocked.get((name or "").strip().lower())
        if reason:
            raise ExcludedDataset("blocklist", f"{name}: {reason}")
