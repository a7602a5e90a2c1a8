"""Landmark profiles of one input, whatever it is: counts, log-scale bulk, or z-scores."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sicmir_atlas.errors import ExcludedDataset, InputError
from sicmir_atlas.names import landmarks
from sicmir_atlas.prepare.folder import LandmarkWriter, normalise
from sicmir_atlas.prepare.genes import resolve_genes
from sicmir_atlas.prepare.measure import LandmarkCounter, prove_and_sum
from sicmir_atlas.readers.h5ad import H5adMatrix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd
    from scipy import sparse

    from sicmir_atlas.readers import CountMatrix

__all__ = ["Kind", "Profiles", "landmark_profiles"]

Kind = Literal["counts", "bulk", "scaled"]
_MOST_MISSING = 0.5


class Profiles:
    """Rows × 977 landmark values that can be streamed again and again.

    Attributes
    ----------
    rows
        One row per profile: the input's cells or samples, with their annotation.
    missing
        Landmarks that the input lacks, and why; they are zero.
    scaled
        Whether the values are z-scores already.
    """

    def __init__(
        self,
        rows: pd.DataFrame,
        missing: Mapping[str, str],
        blocks: Callable[[], Iterator[Any]],
        *,
        scaled: bool,
    ) -> None:
        self.rows, self.missing, self.scaled = rows, missing, scaled
        self.blocks = blocks


@contextmanager
def landmark_profiles(matrix: CountMatrix, *, kind: Kind) -> Iterator[Profiles]:
    """Take the landmark profiles out of a matrix in one pass; memory stays flat for counts.

    Parameters
    ----------
    matrix
        Raw counts (``counts``: scaled to 10,000 per cell and ln(1 + x)), log-scale values
        (``bulk``: taken as they are), or z-scores (``scaled``).

    Raises
    ------
    InputError
        If more than half of the landmarks are missing, or counts are not raw counts.
    """
    genes = resolve_genes(matrix.genes)
    if len(genes.missing) > _MOST_MISSING * len(landmarks()):
        msg = (
            f"{matrix.label}: {len(genes.missing)} of {len(landmarks())} landmark genes are "
            "missing; names must be human symbols or Ensembl ids (see --gene-symbols)"
        )
        raise InputError(msg)
    counter = LandmarkCounter(genes)
    if kind != "counts":
        picked = [counter.landmarks(block).toarray() for block in matrix.blocks()]
        values = np.vstack(picked) if picked else np.zeros((0, len(landmarks())))
        if not np.isfinite(values).all():
            row, column = np.argwhere(~np.isfinite(values))[0]
            msg = (
                f"{matrix.label}: {matrix.cells.index[row]}, {landmarks()[column]} is not a number"
            )
            raise InputError(msg)
        yield Profiles(matrix.cells, genes.missing, lambda: iter([values]), scaled=kind == "scaled")
        return
    with tempfile.TemporaryDirectory(prefix="sicmir-") as folder:
        path = Path(folder) / "landmarks.h5ad"
        with LandmarkWriter(path) as writer:
            try:
                for block in matrix.blocks():
                    writer.add(normalise(counter.landmarks(block), prove_and_sum(block)))
            except ExcludedDataset as refused:
                msg = f"{matrix.label}: {refused.figure.replace('`counts_layer`', '--layer')}"
                raise InputError(msg) from refused
            writer.finish(matrix.cells.index.to_series())

        def blocks() -> Iterator[sparse.csr_matrix]:
            with H5adMatrix(path) as stored:
                yield from stored.blocks()

        yield Profiles(matrix.cells, genes.missing, blocks, scaled=False)
