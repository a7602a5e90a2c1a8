"""Cells of a file as the single-cell experiments take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from sicmir_atlas.errors import InputError
from sicmir_atlas.profiles import landmark_profiles
from sicmir_atlas.readers import open_counts
from sicmir_atlas.study.percell import Cells

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_cells"]


def read_cells(
    path: Path, by: str, *, layer: str | None = None, gene_symbols: str | None = None
) -> Cells:
    """Read raw counts, log-normalise their landmarks, and keep the cells that have a type.

    The landmarks of all cells are held in memory.

    Raises
    ------
    InputError
        When the values are no counts, or ``obs`` has no column ``by``.
    """
    with (
        open_counts([path], layer=layer, gene_symbols=gene_symbols) as matrix,
        landmark_profiles(matrix, kind="counts") as profiles,
    ):
        if by not in profiles.rows:
            known = ", ".join(map(str, profiles.rows.columns)) or "no columns"
            msg = f"{path}: obs has no column {by!r} of cell types; it has: {known}"
            raise InputError(msg)
        types = profiles.rows[by].astype(object)
        x = sparse.vstack(list(profiles.blocks())).toarray()
    typed = types.notna().to_numpy()
    return Cells(path.stem, x[typed].astype(np.float32), types[typed].to_numpy(str))
