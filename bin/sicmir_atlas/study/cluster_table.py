"""Whether miRNAs of one genomic cluster are predicted alike, and which clusters hold hubs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.crossval import MIN_COHORT
from sicmir_atlas.study.clusters import DISTANCE, find_clusters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sicmir_atlas.sources.bulk.hairpins import Hairpin
    from sicmir_atlas.study.clusters import Cluster
    from sicmir_atlas.study.predicted import Predicted

    Float64: TypeAlias = NDArray[np.float64]
    Mask: TypeAlias = NDArray[np.bool_]

__all__ = ["Clustered", "clustered", "correlations"]

logger = logging.getLogger(__name__)

_CONSTANT = 1e-12
_COLUMNS = (
    "cluster",
    "chromosome",
    "start",
    "end",
    "strand",
    "n_hairpins",
    "n_mirnas",
    "n_hubs",
    "mean_pcc",
)


class Clustered(NamedTuple):
    """What the genome adds to a table of hubs.

    Parameters
    ----------
    hubs
        The table with ``cluster`` (none where the miRNA is in none; names joined by ``;`` where
        loci of several make it) and ``n_in_cluster``: miRNAs of the table in these clusters,
        itself included; 0 in none, missing where the annotation does not have the miRNA.
    clusters
        Clusters with a miRNA of the table, most hubs first: ``cluster``, ``chromosome``,
        ``start``, ``end``, ``strand``, ``n_hairpins``; of the table's miRNAs in it ``n_mirnas``,
        ``n_hubs`` and ``mean_pcc``; medians over their pairs, ``median_pcc_difference`` and, of
        samples, ``median_predicted_r`` and ``median_measured_r``; ``mirnas`` from 5' to 3'.
    summary
        Counts, and the same medians over all pairs of one cluster beside all other pairs.
    """

    hubs: pd.DataFrame
    clusters: pd.DataFrame
    summary: dict[str, Any]


def clustered(
    table: pd.DataFrame,
    hairpins: Sequence[Hairpin],
    *,
    distance: int = DISTANCE,
    samples: Predicted | None = None,
) -> Clustered:
    """Find the genomic clusters of the miRNAs of a table of hubs, and see whether they agree.

    Pairs that one stem-loop makes are left out of the comparisons: arms are compared by
    :func:`.hubs`.

    Parameters
    ----------
    table
        As :func:`.hub_table` or :func:`.hub_table_of_card` makes it.
    distance
        As for :func:`.find_clusters`.
    samples
        Measured and predicted levels of the table's miRNAs; without them none are correlated.

    Raises
    ------
    InputError
        When no stem-loop makes a miRNA of the table.
    """
    names = list(table["mirna"])
    is_known = table["mirna"].isin({m for hairpin in hairpins for m in hairpin.mirnas})
    known = is_known.to_numpy(dtype=bool)
    if not known.any():
        msg = f"no stem-loop of the annotation makes any of the {len(names)} miRNAs, such as "
        msg += f"{names[0]}; give miRBase's hsa.gff3, whose names of miRNAs must be as the model's"
        raise InputError(msg)
    if not known.all():
        msg = "%d of %d miRNAs are not in the annotation, such as %s; they are in no cluster"
        logger.warning(msg, (~known).sum(), len(names), table["mirna"][~known].iloc[0])
    found = [c for c in find_clusters(hairpins, distance=distance) if set(c.mirnas) & set(names)]
    inside = _membership(names, [cluster.mirnas for cluster in found])
    together = _share(inside)
    arms = _share(_membership(names, [hairpin.mirnas for hairpin in hairpins]))
    mates = together & ~arms
    others = ~together & ~arms & known & known[:, None]
    alike = _alike(table, samples)
    listed = _listed(table, found, inside, mates, alike)
    summary = {
        "distance": distance,
        "n_clusters": len(found),
        "n_with_several_hubs": int((listed["n_hubs"] > 1).sum()),
        "n_mirnas_not_annotated": int((~known).sum()),
        "in_clusters": _half(table[inside.any(axis=1)]),
        "elsewhere": _half(table[known & ~inside.any(axis=1)]),
        "n_pairs": int(mates.sum() // 2),
    }
    for name, matrix in alike.items():
        summary[f"median_{name}"] = {
            "same_cluster": _rounded(_median(matrix, mates)),
            "other_pairs": _rounded(_median(matrix, others)),
        }
    called = np.array([cluster.name for cluster in found], dtype=object)
    hubs = table.assign(
        cluster=[";".join(called[row]) or None for row in inside],
        n_in_cluster=pd.Series(together.sum(axis=1), table.index).astype("Int64").where(is_known),
    )
    return Clustered(hubs, listed, summary)


def correlations(values: Float64, groups: NDArray[np.str_]) -> Float64:
    """Correlate columns with each other within groups, each centred on its mean of the group.

    Parameters
    ----------
    values
        Samples × miRNAs; NaN is left out, pair by pair.
    groups
        Group of every sample.

    Returns
    -------
    miRNAs × miRNAs; NaN where fewer than 10 samples have both, or one is constant.
    """
    frame = pd.DataFrame(values)
    centred = (frame - frame.groupby(groups).transform("mean")).to_numpy(dtype=np.float64)
    there = (~np.isnan(centred)).astype(np.float64)
    x = np.nan_to_num(centred)
    n = there.T @ there
    sums, size = x.T @ there, np.maximum(n, 1)
    variance = np.square(x).T @ there / size - np.square(sums / size)
    covariance = x.T @ x / size - (sums / size) * (sums / size).T
    is_defined = (n >= MIN_COHORT) & (np.minimum(variance, variance.T) > _CONSTANT)
    norm = np.sqrt(np.where(is_defined, variance * variance.T, 1))
    return np.where(is_defined, covariance / norm, np.nan)


def _membership(names: Sequence[str], groups: Sequence[Sequence[str]]) -> Mask:
    place = {name: i for i, name in enumerate(names)}
    inside = np.zeros((len(names), len(groups)), dtype=bool)
    for column, group in enumerate(groups):
        inside[[place[name] for name in group if name in place], column] = True
    return inside


def _share(inside: Mask) -> Mask:
    """Which two names are in a group together; a name is with itself if it is in any."""
    return inside.astype(np.float32) @ inside.astype(np.float32).T > 0


def _alike(table: pd.DataFrame, samples: Predicted | None) -> dict[str, Float64]:
    """Matrices over the table's miRNAs that tell how alike two of them are."""
    pcc = table["pcc_test"].to_numpy(dtype=np.float64)
    alike = {"pcc_difference": np.abs(pcc - pcc[:, None])}
    if samples is not None:
        order = pd.Index(samples.mirnas).get_indexer(table["mirna"])
        alike["predicted_r"] = correlations(samples.predicted[:, order], samples.groups)
        alike["measured_r"] = correlations(samples.truth[:, order], samples.groups)
    return alike


def _listed(
    table: pd.DataFrame,
    found: Sequence[Cluster],
    inside: Mask,
    mates: Mask,
    alike: dict[str, Float64],
) -> pd.DataFrame:
    rows = []
    for cluster, is_in in zip(found, inside.T, strict=True):
        about, own = cluster.hairpins[0], table[is_in]
        row: dict[str, Any] = {
            "cluster": cluster.name,
            "chromosome": about.chromosome,
            "start": cluster.start,
            "end": cluster.end,
            "strand": about.strand,
            "n_hairpins": len(cluster.hairpins),
            "n_mirnas": len(own),
            "n_hubs": int(own["is_hub"].sum()),
            "mean_pcc": own["pcc_test"].mean(),
        }
        here = np.ix_(is_in, is_in)
        for name, matrix in alike.items():
            row[f"median_{name}"] = _median(matrix[here], mates[here])
        named = set(own["mirna"])
        rows.append(row | {"mirnas": ";".join(name for name in cluster.mirnas if name in named)})
    columns = [*_COLUMNS, *(f"median_{name}" for name in alike), "mirnas"]
    return pd.DataFrame(rows, columns=columns).sort_values(
        ["n_hubs", "n_mirnas"], ascending=False, kind="stable", ignore_index=True
    )


def _half(table: pd.DataFrame) -> dict[str, Any]:
    n_hubs = int(table["is_hub"].sum())
    mean = float(table["pcc_test"].mean())
    return {"n_mirnas": len(table), "n_hubs": n_hubs, "mean_pcc": _rounded(mean)}


def _median(matrix: Float64, pairs: Mask) -> float:
    values = matrix[np.triu(pairs, k=1)]
    defined = values[~np.isnan(values)]
    return float(np.median(defined)) if defined.size else np.nan


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)
