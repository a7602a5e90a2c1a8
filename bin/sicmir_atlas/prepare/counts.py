"""Prove that a matrix holds raw counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sicmir_atlas.errors import ExcludedDataset

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["prove_counts"]

_LARGEST_LOG = 30.0  # log2 of a billion counts: no log-normalised value is larger
_REMEDY = "name the matrix of raw counts in `counts_layer` (X, raw.X or a layer)"


def prove_counts(block: sparse.csr_matrix) -> None:
    """Check that every value of a block is a non-negative whole number.

    Raises
    ------
    ExcludedDataset
        Rule ``raw_counts``; the figure names what the matrix looks like: z-scored,
        log-normalised, normalised, or not finite.
    """
    values = block.data
    if values.dtype.kind in "ub" or not values.size:
        return
    low, high = values.min(), values.max()
    if not np.isfinite([low, high]).all():
        figure = "the matrix holds values that are not finite"
    elif low < 0:
        figure = f"the matrix looks z-scored or centred (smallest value {low:.4g})"
    elif values.dtype.kind == "i" or not np.any(values != np.rint(values)):
        return
    else:
        kind = "log-normalised" if high <= _LARGEST_LOG else "normalised, not logged"
        figure = f"the matrix looks {kind} (fractions, largest value {high:.4g})"
    raise ExcludedDataset("raw_counts", f"{figure}; {_REMEDY}")
