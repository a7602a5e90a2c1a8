"""Which cells of a matrix the atlas wants, before any figure of theirs is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sicmir_atlas.assays import assay_kind
from sicmir_atlas.errors import ExcludedDataset
from sicmir_atlas.prepare.metadata import row_filter
from sicmir_atlas.prepare.qc import tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["select"]

_WHY = {
    "spatial": "spots of tissue are no cells ({assays})",
    "umi": "assays that count reads are left out, UMI-based ones are included ({assays})",
    "primary": "another dataset holds these cells (is_primary_data false); primary_data any keeps "
    "them",
}


def select(
    dataset: Mapping[str, Any], cells: pd.DataFrame, labels: pd.DataFrame
) -> tuple[NDArray[np.bool_], pd.DataFrame]:
    """Leave out cells that the row's filter drops, spots, cells of read counts, and repeated ones.

    Parameters
    ----------
    dataset
        Row of the samplesheet; ``primary_data`` ``only`` leaves out cells that another dataset
        holds.
    cells, labels
        Cells of the matrix, and what :func:`~sicmir_atlas.prepare.metadata.cell_labels` says of
        them.

    Returns
    -------
    The cells that are wanted, and rows of table ``qc_losses`` for the rules that left any out.

    Raises
    ------
    ExcludedDataset
        Rule ``spatial``, ``umi`` or ``primary``, where it leaves no cell.
    """
    kinds = labels["assay_ontology_term_id"].map(assay_kind, na_action="ignore").astype(object)
    broken = {"spatial": kinds == "spatial", "umi": kinds == "reads"}
    if dataset.get("primary_data") == "only":
        repeated = labels["is_primary_data"] == False  # noqa: E712  null is not false
        broken["primary"] = repeated.fillna(value=False)
    filtered = row_filter(dataset, cells)
    wanted = filtered.copy()
    for rule, by in broken.items():
        left = wanted & ~by.to_numpy(bool)
        if wanted.any() and not left.any():
            assays = ", ".join(sorted(labels.loc[wanted, "assay"].dropna().unique()))
            figure = f"none of {wanted.sum():,} cells is left: {_WHY[rule].format(assays=assays)}"
            raise ExcludedDataset(rule, figure)
        wanted = left
    costly: dict[str, tuple[None, NDArray[np.bool_]]] = {
        rule: (None, by.to_numpy(bool)[filtered])
        for rule, by in broken.items()
        if by[filtered].any()
    }
    return wanted, tally(costly, labels.loc[filtered, "cell_type_original"])[1]
