"""Write a curator's decisions down, one at a time."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from sicmir_atlas.disk import written_whole
from sicmir_atlas.harmonise.overrides import Override

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["add_decision"]


def add_decision(path: Path, decision: Override) -> None:
    """Add a decision behind those of a table; what stands there stays as it is.

    The table appears whole or not at all, so that a crash costs no former decision. A new one
    gets a header, and commas or tabs by the ending of its name.
    """
    text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
    delimiter = "," if path.suffix.lower() == ".csv" else "\t"
    header = next(csv.reader(io.StringIO(text), delimiter=delimiter), None)
    added = io.StringIO()
    table = csv.DictWriter(
        added,
        fieldnames=header or Override._fields,
        delimiter=delimiter,
        lineterminator="\n",
        extrasaction="ignore",
    )
    if header is None:
        table.writeheader()
    table.writerow(decision._asdict())
    ended = text if not text or text.endswith("\n") else f"{text}\n"
    with written_whole(path) as part:
        part.write_text(ended + added.getvalue(), encoding="utf-8")
