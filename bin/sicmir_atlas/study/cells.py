"""Cells of a file as the single-cell experiments take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from sicmir_atlas.errors import InputError
from sicmir_atlas.profiles import landmark_profiles
from sicmir_atlas.readers import open_counts

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Cells", "read_cells"]


@dataclass(frozen=True, eq=False)
class Cells:
    """Log-normalised landmarks of one dataset (cells × 977), and the type of every cell."""

    name: str
    x: NDArray[np.float32]
    types: NDArray[np.str_]


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
