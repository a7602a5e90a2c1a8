"""Landmark profiles of one input, whatever it is: counts, log-scale bulk, or z-scores."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sicmir_atlas.errors import ExcludedDataset, InputError
from sicmir_atlas.names import MOST_MISSING, landmarks
from sicmir_atlas.prepare.folder import LandmarkWriter, normalise
from sicmir_atlas.prepare.genes import resolve_genes, some_names
from sicmir_atlas.prepare.measure import LandmarkCounter, prove_and_sum
from sicmir_atlas.readers.h5ad import H5adMatrix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd
    from scipy import sparse

    from sicmir_atlas.prepare.genes import GeneMap
    from sicmir_atlas.readers import CountMatrix

__all__ = ["Kind", "Profiles", "landmark_profiles"]

Kind = Literal["counts", "bulk", "scaled"]


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
    """Take the landmark profiles out of a matrix, as a stream in flat memory.

    Counts are read once, and their landmarks set aside on disk; other values are read anew each
    time. Counts of several genes of one landmark add up; other values of such genes do not.

    Parameters
    ----------
    matrix
        Raw counts (``counts``: scaled to 10,000 per cell and ln(1 + x)), log-scale values
        (``bulk``: taken as they are), or z-scores (``scaled``).

    Raises
    ------
    InputError
        If more than half of the landmarks are missing, counts are not raw counts, other values
        are not finite, or name a landmark twice.
    """
    genes = resolve_genes(matrix.genes)
    if len(genes.missing) > MOST_MISSING * len(landmarks()):
        msg = (
            f"{matrix.label}: {len(genes.missing)} of {len(landmarks())} landmark genes are "
            "missing; names must be human symbols or Ensembl ids (see --gene-symbols), here they "
            f"are {some_names(matrix.genes)}"
        )
        raise InputError(msg)
    counter = LandmarkCounter(genes)
    if kind != "counts":
        _require_one_gene_each(genes, matrix.label)
        yield Profiles(
            matrix.cells,
            genes.missing,
            lambda: _finite_blocks(matrix, counter),
            scaled=kind == "scaled",
        )
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


def _require_one_gene_each(genes: GeneMap, label: str) -> None:
    """Refuse several genes of one landmark, where their values are no counts that add up."""
    times = np.bincount(genes.landmark[genes.landmark >= 0], minlength=len(landmarks()))
    if times.max() > 1:
        msg = (
            f"{label}: {times.max()} genes are {landmarks()[times.argmax()]}; logarithms and "
            "z-scores do not add up as counts do: keep one of them"
        )
        raise InputError(msg)


def _finite_blocks(matrix: CountMatrix, counter: LandmarkCounter) -> Iterator[np.ndarray]:
    start = 0
    for block in matrix.blocks():
        values = counter.landmarks(block).toarray()
        wrong = np.argwhere(~np.isfinite(values))
        if len(wrong):
            row, column = wrong[0]
            msg = f"{matrix.label}: {matrix.cells.index[start + row]}, {landmarks()[column]} "
            msg += "is not a number"
            raise InputError(msg)
        yield values
        start += len(values)
