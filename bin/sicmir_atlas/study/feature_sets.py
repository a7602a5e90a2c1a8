"""Which genes to learn from: the landmarks, or the most variable genes, and how many of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.crossval import agreement, cross_validate
from sicmir_atlas.study.intervals import interval_columns
from sicmir_atlas.study.result import StudyResult, new_figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sicmir_atlas.model.learners import Learner, Predict
    from sicmir_atlas.model.pairs import Pairs

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["SIZES", "TopVariance", "feature_sets", "planned_sets", "read_wide"]

SIZES = (50, 100, 200, 500, 977, 1000, 2000, 5000)

_COLOURS = ("#0072B2", "#D55E00", "#009E73")


@dataclass(frozen=True)
class TopVariance:
    """A learner that sees only the genes that vary most over its own training samples."""

    learner: Learner
    n_genes: int

    @property
    def name(self) -> str:
        """Name in tables."""
        return f"{self.learner.name} on {self.n_genes} genes"

    def fit(self, x: Float64, y: Float64, cohorts: NDArray[np.str_], *, seed: int) -> Predict:
        """See :meth:`.learners.Learner.fit`."""
        most = np.argsort(-x.var(axis=0), kind="stable")[: self.n_genes]
        chosen = np.sort(most)
        predict = self.learner.fit(x[:, chosen], y, cohorts, seed=seed)
        return lambda rows: predict(rows[:, chosen])


def read_wide(path: Path, samples: pd.Index[str]) -> pd.DataFrame:
    """Read a wide mRNA table from Parquet for these samples; whole numbers are hundredths.

    Returns
    -------
    Samples × genes, log2(x + 1), float64.

    Raises
    ------
    InputError
        When the file cannot be read, lacks a sample or has it twice, or a value is missing or not
        a number.
    """
    if not path.is_file():
        msg = f"no file {path}"
        raise InputError(msg)
    try:
        frame = pd.read_parquet(path)
    except (ValueError, OSError) as error:
        msg = f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}"
        raise InputError(msg) from error
    if not frame.index.is_unique:
        msg = f"{path}: sample {frame.index[frame.index.duplicated()][0]} occurs twice"
        raise InputError(msg)
    absent = samples[~samples.isin(frame.index)]
    if len(absent):
        msg = f"{path} lacks {len(absent)} of {len(samples)} samples, such as {absent[0]}; "
        msg += "its index must name the samples as the other tables do"
        raise InputError(msg)
    for name, dtype in frame.dtypes.items():
        if not pd.api.types.is_numeric_dtype(dtype):
            msg = f"{path}: column {name} is not numeric; rows must be samples, columns genes"
            raise InputError(msg)
    whole = all(pd.api.types.is_integer_dtype(dtype) for dtype in frame.dtypes)
    values = frame.loc[samples].astype(np.float64)
    if not np.isfinite(values.to_numpy()).all():
        row, column = np.argwhere(~np.isfinite(values.to_numpy()))[0]
        msg = f"{path}: no value for sample {samples[row]}, gene {values.columns[column]}; "
        msg += "fill or drop what is missing"
        raise InputError(msg)
    return values / 100 if whole else values


def planned_sets(
    mrna: pd.DataFrame, wide: pd.DataFrame | None, sizes: Sequence[int]
) -> list[tuple[str, int]]:
    """List the sets that :func:`feature_sets` judges, as (genes, n_genes).

    Raises
    ------
    InputError
        When a size is below 1.
    """
    if any(size < 1 for size in sizes):
        msg = f"{min(sizes)} genes are no feature set; sizes start at 1"
        raise InputError(msg)
    n_genes = {"landmarks": mrna.shape[1]} | ({} if wide is None else {"variable": wide.shape[1]})
    return [
        (name, size)
        for name, most in n_genes.items()
        for size in sorted({most, *(size for size in sizes if size < most)})
    ]


def feature_sets(
    pairs: Pairs,
    learner: Learner,
    *,
    wide: pd.DataFrame | None = None,
    sizes: Sequence[int] = SIZES,
    n_folds: int = 5,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> StudyResult:
    """Cross-validate a learner on the K most variable genes of each table.

    Variance is taken over the training samples of every fold. Where ``wide`` was itself chosen by
    variance over all samples, its limits have seen the test samples' mRNA, though no miRNA.

    Parameters
    ----------
    wide
        Samples × genes, log scale; beside the landmarks of ``pairs``.
    sizes
        Each up to the genes of a table; all genes of a table are always among them.
    progress
        Called with the number of sets done, of those that :func:`planned_sets` lists.

    Returns
    -------
    Table: ``genes`` (landmarks or variable), ``n_genes``, ``pcc_within_cohort`` and ``pcc_pooled``
    with 95 % intervals over miRNAs, and ``difference`` of the within-cohort PCC to that of all
    landmarks with its paired interval.
    """
    tables: dict[str, pd.DataFrame] = {"landmarks": pairs.mrna}
    if wide is not None:
        tables["variable"] = wide.loc[pairs.mrna.index]
    _, y, cohorts = pairs.arrays
    judged = {}
    for done, (name, size) in enumerate(planned_sets(pairs.mrna, wide, sizes), start=1):
        x = tables[name].to_numpy(dtype=np.float64)
        chosen = TopVariance(learner, size)
        predicted = cross_validate(
            chosen, x, y, cohorts, n_folds=n_folds, seed=seed, patients=pairs.patients
        )
        judged[name, size] = agreement(y, predicted, pairs.groups)
        if progress is not None:
            progress(done)
    reference = judged["landmarks", pairs.mrna.shape[1]].within
    rows = [
        {
            "genes": name,
            "n_genes": size,
            **interval_columns("pcc_within_cohort", found.within),
            **interval_columns("pcc_pooled", found.pooled),
            **interval_columns("difference", found.within - reference),
        }
        for (name, size), found in judged.items()
    ]
    table = pd.DataFrame(rows)
    best = table.loc[table["pcc_within_cohort"].idxmax()]
    summary = {
        "learner": learner.name,
        "n_samples": len(y),
        "n_mirnas": y.shape[1],
        "n_folds": n_folds,
        "seed": seed,
        "best": {"genes": best["genes"], "n_genes": int(best["n_genes"])},
        "pcc_within_cohort": {
            f"{row.genes} {row.n_genes}": round(row.pcc_within_cohort, 4)
            for row in table.itertuples()
        },
    }
    return StudyResult("features", table, summary, _figure(table))


def _figure(table: pd.DataFrame) -> Any:
    figure, axes = new_figure(width=7.2, height=3.4, ncols=2)
    ax: Any
    for ax, column, label in zip(
        axes,
        ("pcc_within_cohort", "pcc_pooled"),
        ("mean PCC within cohorts", "mean PCC, cohorts pooled"),
        strict=True,
    ):
        for colour, (name, rows) in zip(_COLOURS, table.groupby("genes", sort=False), strict=False):
            said = {"landmarks": "landmarks", "variable": "variable genes"}[str(name)]
            ax.plot(rows["n_genes"], rows[column], "o-", color=colour, label=said, markersize=4)
            ax.fill_between(
                rows["n_genes"],
                rows[f"{column}_low"],
                rows[f"{column}_high"],
                color=colour,
                alpha=0.2,
                linewidth=0,
            )
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.set_xlabel("most variable genes of the table")
        ax.set_ylabel(label)
    axes[0].legend(frameon=False)
    return figure
