#!/usr/bin/env python3
"""Make the package's overrides anew: those made by hand, then those that studies agree on.

    tools/overrides.py author_celltype_to_cl.tsv.gz 2026-11-21

Rows of the package's curators stay as they are; rows of sfaira's curators are learnt from the
labels, and bear the date of the command.
"""

from __future__ import annotations

import csv
import datetime as dt
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bin"))

from sfaira_labels import read_labels

from sicmir_atlas.harmonise.overrides import Override
from sicmir_atlas.harmonise.score import consensus

TABLE = Path(sys.path[0]) / "sicmir_atlas/data/overrides.tsv"
LEARNT = "sfaira curators"
LEFT_OUT = {
    ("*", "Ductal cell"): "of the pancreas in these studies, of the bile ducts or breast in others",
    ("*", "Satellite cell"): "of muscle in these studies, of ganglia in others",
}


def main() -> None:
    labels, today = Path(sys.argv[1]), dt.date.fromisoformat(sys.argv[2])
    with TABLE.open(newline="") as file:
        rows = [Override(**row) for row in csv.DictReader(file, delimiter="\t")]
    by_hand = [row for row in rows if row.curator != LEARNT]
    decided = {(row.field, row.scope, row.label.casefold()) for row in by_hand}
    learnt = [
        row._replace(curator=LEARNT, curated_on=str(today), source="two studies or more agree")
        for row in consensus(read_labels(labels))
        if (row.scope, row.label) not in LEFT_OUT
        and (row.field, row.scope, row.label.casefold()) not in decided
    ]
    with TABLE.open("w", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(Override._fields)
        table.writerows(sorted(by_hand) + sorted(learnt))
    print(f"{TABLE.name}: {len(by_hand)} decisions made by hand, {len(learnt)} learnt")


if __name__ == "__main__":
    main()
