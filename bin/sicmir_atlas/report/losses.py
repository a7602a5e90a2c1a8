"""Cells before and after each rule: from barcodes to called cells, from those to kept ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sicmir_atlas.report.charts import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sicmir_atlas.report.contents import Contents, Row

__all__ = ["BEFORE_QC", "QC", "Step", "calling_steps", "parts_of", "qc_steps"]

BEFORE_QC = {
    "spatial": "spots of tissue, no cells",
    "umi": "assays that count reads",
    "primary": "cells that another dataset holds",
}
QC = {
    "min_genes": "too few genes",
    "max_genes": "too many genes",
    "min_counts": "too few counts",
    "max_counts": "too many counts",
    "max_pct_mt": "too many mitochondrial counts",
}


class Step(NamedTuple):
    """One line of a waterfall; ``start`` and ``share`` are parts of its first line."""

    kind: str
    label: str
    n: int
    start: float
    share: float


def calling_steps(contents: Contents) -> list[Step]:
    """From barcodes to called cells, over the included datasets."""
    known = [row for row in contents.included if row["n_barcodes"] and row["n_cells_raw"]]
    barcodes, called = (sum(row[name] for row in known) for name in ("n_barcodes", "n_cells_raw"))
    lost = {label: contents.lost[rule] for rule, label in BEFORE_QC.items()}
    lost["empty droplets, and cells that the row's filter drops"] = (
        barcodes - called - sum(lost.values())
    )
    return _waterfall(("barcodes", barcodes), lost, ("called cells", called))


def qc_steps(contents: Contents) -> list[Step]:
    """From called cells to those that passed QC, over the included datasets."""
    lost = {label: contents.lost[rule] for rule, label in QC.items()}
    called, kept = contents.total("n_cells_raw"), contents.total("n_cells_qc")
    return _waterfall(("called cells", called), lost, ("cells kept", kept))


def parts_of(row: Row) -> list[Part]:
    """Called cells of a dataset: those kept, and those lost to each rule of QC."""
    lost = [Part(rule, label, row["lost"].get(rule, 0)) for rule, label in QC.items()]
    return [Part("kept", "kept", row["n_cells_qc"] or 0), *lost]


def _waterfall(
    first: tuple[str, int], lost: Mapping[str, int], last: tuple[str, int]
) -> list[Step]:
    total = first[1]
    if not total:
        return []
    steps = [Step("whole", *first, 0.0, 1.0)]
    left = total
    for label, n in lost.items():
        if n > 0:
            left -= n
            steps.append(Step("lost", label, n, left / total, n / total))
    return [*steps, Step("kept", *last, 0.0, last[1] / total)]
