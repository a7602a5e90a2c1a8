"""Which genes a model reads each miRNA from, and their ranking over hubs (spec, section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.disk import written_whole
from sicmir_atlas.errors import InputError
from sicmir_atlas.study.result import StudyResult, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sicmir_atlas.study.expected_gradients import Attributions

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["attributions", "draw_stratified", "read_attributions", "write_attributions"]


def draw_stratified(
    cohorts: Sequence[str] | NDArray[np.str_], n: int, *, seed: int
) -> NDArray[np.int64]:
    """Draw ``n`` samples, of each cohort its share; all where there are no more.

    Returns
    -------
    Sorted positions.
    """
    labels = np.asarray(cohorts)
    names, counts = np.unique(labels, return_counts=True)
    share = counts * min(n, labels.size) / labels.size
    take = np.floor(share).astype(np.int64)
    take[np.argsort(take - share, kind="stable")[: round(share.sum()) - take.sum()]] += 1
    rng = np.random.Generator(np.random.PCG64(seed))
    drawn = [
        rng.permutation(np.flatnonzero(labels == name))[:many]
        for name, many in zip(names, take, strict=True)
    ]
    return np.sort(np.concatenate(drawn))


def attributions(
    found: Attributions,
    landmarks: Sequence[str],
    mirnas: Sequence[str],
    hubs: Sequence[str],
) -> StudyResult:
    """Rank genes by their mean absolute attribution over samples and hubs; check completeness.

    Returns
    -------
    Table of ``gene``, ``importance``, ``rank`` (1 matters most). In the summary, ``completeness``
    compares sums of attributions with what they should be; the error is that of the draws.

    Raises
    ------
    InputError
        When there is no hub.
    """
    chosen = np.isin(np.asarray(mirnas), list(hubs))
    if not chosen.any():
        msg = "no miRNA of the model is a hub, so genes cannot be ranked; find some by a lower "
        msg += "--threshold of `sicmir-atlas study hubs`, and give its hubs.csv"
        raise InputError(msg)
    importance = found.mean_abs[:, chosen].mean(axis=1)
    table = pd.DataFrame({"gene": landmarks, "importance": importance})
    table = table.sort_values("importance", ascending=False, kind="stable", ignore_index=True)
    table["rank"] = np.arange(1, len(table) + 1)
    running = table["importance"].cumsum() / table["importance"].sum()
    summary = {
        "n_samples": len(found.total),
        "n_hubs": int(chosen.sum()),
        "top_genes": table["gene"].head(10).tolist(),
        "n_genes_of_half_the_importance": int((running < 0.5).sum()) + 1,
        "completeness": _completeness(found),
    }
    return StudyResult("attributions", table, summary, _figure(table.head(20), found))


def write_attributions(
    values: Float64, genes: Sequence[str], mirnas: Sequence[str], path: Path
) -> None:
    """Write genes × miRNAs as Parquet: column ``gene``, then a float32 column per miRNA."""
    frame = pd.DataFrame(values.astype(np.float32), columns=list(mirnas))
    frame.insert(0, "gene", list(genes))
    with written_whole(path) as part:
        frame.to_parquet(part, index=False)


def read_attributions(path: Path) -> pd.DataFrame:
    """Read what :func:`write_attributions` wrote, indexed by gene.

    Raises
    ------
    InputError
        When it is missing or no such file.
    """
    if not path.is_file():
        msg = f"no file {path}; `sicmir-atlas study attributions` writes shap_abs_mean.parquet"
        raise InputError(msg)
    try:
        return pd.read_parquet(path).set_index("gene")
    except (ValueError, KeyError, OSError) as error:
        msg = f"{path} is no Parquet file with a column gene, as `sicmir-atlas study attributions` "
        msg += "writes"
        raise InputError(msg) from error


def _completeness(found: Attributions) -> dict[str, float | None]:
    error = found.total - found.expected
    rms_error, rms_expected = (
        float(np.sqrt(np.square(values).mean())) for values in (error, found.expected)
    )
    return {
        "rms_expected": round(rms_expected, 5),
        "rms_error": round(rms_error, 5),
        "mean_error": round(float(error.mean()), 5),
        "relative_error": round(rms_error / rms_expected, 5) if rms_expected else None,
    }


def _figure(best: pd.DataFrame, found: Attributions) -> Any:
    figure, (left, right) = new_figure(width=7.6, height=4.2, ncols=2)
    places = np.arange(len(best))[::-1]
    left.barh(places, best["importance"], color="#0072B2")
    left.set_yticks(places, best["gene"], fontsize=8)
    left.set_ylim(-0.6, len(best) - 0.4)
    left.set_xlabel("mean |attribution| over hubs")
    expected, total = found.expected.ravel(), found.total.ravel()
    reach = 1.05 * max(np.abs(expected).max(), np.abs(total).max())
    cells = right.hexbin(
        expected,
        total,
        gridsize=40,
        extent=(-reach, reach, -reach, reach),
        bins="log",
        mincnt=1,
        cmap="viridis_r",
        linewidths=0.1,
    )
    figure.colorbar(cells, ax=right, label="samples × miRNAs")
    right.axline((0, 0), slope=1, color="#D55E00", linewidth=0.8)
    right.set_xlabel("prediction - mean of background")
    right.set_ylabel("sum of attributions")
    return figure
