"""Which barcodes are cells, which cells pass, and whether enough of them do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd

from sicmir_atlas.errors import ExcludedDataset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = [
    "PROFILES",
    "QcProfile",
    "Rule",
    "call_cells",
    "losses",
    "qc_rules",
    "require_cells",
    "require_cells_after_qc",
    "tally",
]

UNLABELLED = "unlabelled"
_UNFILTERED_MEDIAN_UMI = 100  # below it half the barcodes hold less than any cell caller keeps


@dataclass(frozen=True)
class QcProfile:
    """Thresholds of cell and dataset QC (atlas specification, section 2).

    Bounds are strict or inclusive as the paper states them for each profile. A bound that is
    ``None`` is no rule; ``n_mads`` adds bounds at median ± so many MADs on log scale.
    """

    strict: bool
    min_genes: float | None = 200
    max_genes: float | None = None
    max_pct_mt: float | None = None
    n_mads: float | None = None
    min_cells: int = 500
    min_cells_qc: int = 100

    def with_thresholds(self, **given: float | None) -> QcProfile:
        """Profile with the thresholds that are not ``None`` replaced."""
        return replace(self, **{k: v for k, v in given.items() if v is not None})  # type: ignore[arg-type]


PROFILES: dict[Literal["atlas", "case", "adaptive"], QcProfile] = {
    "atlas": QcProfile(strict=True, max_genes=2500, max_pct_mt=5),
    "case": QcProfile(strict=False, max_pct_mt=10),
    "adaptive": QcProfile(strict=False, n_mads=3),
}


class Rule(NamedTuple):
    """One bound on one figure of a cell."""

    name: str
    figure: str
    threshold: float
    strict: bool

    def broken_by(self, cells: pd.DataFrame) -> NDArray[np.bool_]:
        """Cells that break the rule."""
        value = cells[self.figure].to_numpy(float)
        lower = self.name.startswith("min_")
        inside: NDArray[np.bool_] = value > self.threshold if lower else value < self.threshold
        if not self.strict:
            inside |= value == self.threshold
        return np.logical_not(inside)


def call_cells(
    n_counts: NDArray[np.float64], *, how: Literal["auto", "always", "never"], min_umi: int
) -> NDArray[np.bool_]:
    """Tell cells from empty droplets: barcodes with at least ``min_umi`` counts.

    ``auto`` calls cells only on unfiltered input, where the median barcode holds fewer than 100
    counts; on filtered input every barcode is a cell.
    """
    unfiltered = n_counts.size > 0 and np.median(n_counts) < _UNFILTERED_MEDIAN_UMI
    if how == "never" or (how == "auto" and not unfiltered):
        return np.ones(n_counts.size, bool)
    called: NDArray[np.bool_] = n_counts >= min_umi
    return called


def qc_rules(cells: pd.DataFrame, profile: QcProfile) -> list[Rule]:
    """Bounds that a profile sets on these cells, in the order in which losses are counted.

    ``pct_mt`` that is null for all cells skips the mitochondrial rule.
    """
    has_mt = cells["pct_mt"].notna().any()
    fixed = [
        ("min_genes", "n_genes", profile.min_genes),
        ("max_genes", "n_genes", profile.max_genes),
        ("max_pct_mt", "pct_mt", profile.max_pct_mt if has_mt else None),
    ]
    rules = [Rule(n, f, float(t), profile.strict) for n, f, t in fixed if t is not None]
    if profile.n_mads is not None:
        for name in ("genes", "counts", *(["pct_mt"] if profile.max_pct_mt is None else [])):
            rules += _mad_rules(name, cells, profile.n_mads)
    return _tightest(rules)


def losses(
    cells: pd.DataFrame, cell_types: pd.Series[str], rules: list[Rule]
) -> tuple[NDArray[np.bool_], pd.DataFrame]:
    """Apply the rules; count per cell type what each one costs, as :func:`tally` does."""
    return tally({r.name: (r.threshold, r.broken_by(cells)) for r in rules}, cell_types)


def tally(
    broken_by: Mapping[str, tuple[float | None, NDArray[np.bool_]]], cell_types: pd.Series[str]
) -> tuple[NDArray[np.bool_], pd.DataFrame]:
    """Count per cell type what each rule costs.

    Parameters
    ----------
    broken_by
        By rule, in order: its threshold, and the cells that break it.
    cell_types
        The study's label of each cell.

    Returns
    -------
    The cells that pass, and the rows of table ``qc_losses`` without ``dataset_id``.
    """
    labels = cell_types.astype(object).fillna(UNLABELLED).astype(str)
    passing = np.ones(len(labels), bool)
    parts = []
    for name, (threshold, broken) in broken_by.items():
        counts = pd.DataFrame({"n_fail": broken, "n_lost": broken & passing}).groupby(
            labels.to_numpy(), observed=True
        )
        part = counts.sum().astype("int64").assign(n_cells=counts.size().astype("int64"))
        parts.append(part.assign(rule=name, threshold=threshold).astype({"threshold": float}))
        passing &= ~broken
    columns = ["cell_type_original", "rule", "threshold", "n_cells", "n_fail", "n_lost"]
    if not parts:
        return passing, pd.DataFrame(columns=columns)
    table = pd.concat(parts).rename_axis("cell_type_original").reset_index()
    return passing, table[columns]


def require_cells(n_cells: int, profile: QcProfile) -> None:
    """Refuse a dataset with too few called cells (more than 500 unless set)."""
    if n_cells <= profile.min_cells:
        figure = f"{n_cells:,} called cells; more than {profile.min_cells:,} are asked"
        raise ExcludedDataset("min_cells", figure)


def require_cells_after_qc(n_cells: int, n_before: int, profile: QcProfile) -> None:
    """Refuse a dataset that QC leaves too small (at least 100 unless set)."""
    if n_cells < profile.min_cells_qc:
        asked = f"at least {profile.min_cells_qc:,} are asked"
        figure = f"{n_cells:,} of {n_before:,} cells pass QC; {asked}"
        raise ExcludedDataset("min_cells_qc", figure)


def _mad_rules(name: str, cells: pd.DataFrame, n_mads: float) -> list[Rule]:
    """Bounds at median ± so many MADs on log scale; none where half of the cells are alike."""
    figure = name if name == "pct_mt" else f"n_{name}"
    logged = np.log1p(cells[figure].dropna().to_numpy(float))
    middle = np.median(logged) if logged.size else 0.0
    reach = n_mads * np.median(np.abs(logged - middle)) if logged.size else 0.0
    if reach == 0:
        return []
    # rounded, so that a cell on the bound does not hang on the last bit of a logarithm
    low, high = (round(float(np.expm1(middle + side)), 6) for side in (-reach, reach))
    upper = Rule(f"max_{name}", figure, high, strict=False)
    return [upper] if name == "pct_mt" else [Rule(f"min_{name}", figure, low, strict=False), upper]


def _tightest(rules: list[Rule]) -> list[Rule]:
    kept: dict[str, Rule] = {}
    for rule in rules:
        other = kept.get(rule.name)
        tighter = other is None or (
            rule.threshold > other.threshold
            if rule.name.startswith("min_")
            else rule.threshold < other.threshold
        )
        if tighter:
            kept[rule.name] = rule
    return list(kept.values())
