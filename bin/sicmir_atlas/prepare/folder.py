"""A prepared dataset on disk: what PREPARE leaves and PREDICT reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from sicmir_atlas.disk import folder_written_whole, require_room
from sicmir_atlas.errors import GoneError
from sicmir_atlas.names import landmarks
from sicmir_atlas.readers.h5ad import H5adMatrix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Self

__all__ = ["TARGET_SUM", "LandmarkWriter", "PreparedDataset", "normalise", "write_prepared"]

TARGET_SUM = 1e4


@dataclass(frozen=True)
class PreparedDataset:
    """Folder of one prepared dataset.

    ``landmarks.h5ad`` log-normalised landmarks, cells × 977, ordered by cell type, or by id where
    the study labels none; ``cells.parquet`` the cells in that order; ``qc_losses.parquet``;
    ``prepared.json`` the rest.
    """

    folder: Path

    @property
    def facts(self) -> dict[str, Any]:
        """Samplesheet row, counts and missing landmarks."""
        path = self.folder / "prepared.json"
        if not path.is_file():
            msg = f"{self.folder}: no prepared dataset here (prepared.json is expected)"
            raise GoneError(msg)
        return json.loads(path.read_text())  # type: ignore[no-any-return]

    def cells(self) -> pd.DataFrame:
        """Labels and QC figures, columns of table ``cells`` without ``dataset_id``."""
        return pd.read_parquet(self.folder / "cells.parquet")

    def qc_losses(self) -> pd.DataFrame:
        """Cells lost to each rule, columns of table ``qc_losses`` without ``dataset_id``."""
        return pd.read_parquet(self.folder / "qc_losses.parquet")

    def blocks(self) -> Iterator[sparse.csr_matrix]:
        """Stream log-normalised landmark rows in the order of the cells."""
        with H5adMatrix(self.folder / "landmarks.h5ad") as matrix:
            yield from matrix.blocks()


def normalise(counts: sparse.csr_matrix, library_size: np.ndarray) -> sparse.csr_matrix:
    """Scale each row to 10,000 counts per cell and take ln(1 + x), as float32."""
    scale = np.divide(
        TARGET_SUM, library_size, out=np.zeros(len(library_size)), where=library_size > 0
    )
    values = np.log1p(counts.data * np.repeat(scale, np.diff(counts.indptr)))
    return sparse.csr_matrix(
        (values.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape
    )


def write_prepared(
    output: Path,
    *,
    cells: pd.DataFrame,
    blocks: Iterable[sparse.csr_matrix],
    qc_losses: pd.DataFrame,
    missing_landmarks: Mapping[str, str],
    facts: Mapping[str, Any],
) -> PreparedDataset:
    """Write a prepared dataset; the folder appears whole or not at all.

    Parameters
    ----------
    cells
        Kept cells, in order of the rows of ``blocks``; ``n_counts`` is their library size.
    blocks
        Raw landmark counts of the kept cells.
    """
    sizes, done, n_values = cells["n_counts"].to_numpy(float), 0, 0
    with folder_written_whole(output) as part:
        with LandmarkWriter(part / "landmarks.h5ad") as writer:
            for block in blocks:
                stop = done + block.shape[0]
                writer.add(normalise(block, sizes[done:stop]))
                done, n_values = stop, n_values + block.count_nonzero()
            writer.finish(cells["cell_id"])
        cells.to_parquet(part / "cells.parquet", index=False)
        qc_losses.to_parquet(part / "qc_losses.parquet", index=False)
        everything = {
            **facts,
            "missing_landmarks": dict(missing_landmarks),
            "sparsity_cells": 1 - n_values / max(1, len(cells) * len(landmarks())),
        }
        (part / "prepared.json").write_text(json.dumps(everything, indent=1, sort_keys=True) + "\n")
    return PreparedDataset(output)


class LandmarkWriter:
    """Write a cells × 977 matrix as h5ad, block by block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        require_room(path, 0)
        self._file = h5py.File(path, "w")
        self._group = self._file.create_group("X")
        for name, dtype in (("data", np.float32), ("indices", np.int32)):
            self._group.create_dataset(name, (0,), dtype, maxshape=(None,), chunks=(1 << 16,))
        self._ends = [np.zeros(1, np.int64)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, block: sparse.csr_matrix) -> None:
        """Append rows."""
        require_room(self._path, block.data.nbytes + block.indices.nbytes)
        start = int(self._ends[-1][-1])
        for name, values in (("data", block.data), ("indices", block.indices)):
            dataset = self._group[name]
            dataset.resize((start + len(values),))
            dataset[start:] = values
        self._ends.append(block.indptr[1:].astype(np.int64) + start)

    def finish(self, cell_ids: pd.Series[str]) -> None:
        """Write what makes the file an AnnData: row pointers, cell ids, gene symbols."""
        from anndata.io import write_elem

        indptr = np.concatenate(self._ends)
        self._group.create_dataset("indptr", data=indptr)
        shape = np.array([len(indptr) - 1, len(landmarks())])
        self._group.attrs.update(
            {"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": shape}
        )
        write_elem(self._file, "obs", pd.DataFrame(index=cell_ids.to_numpy(object)))
        write_elem(self._file, "var", pd.DataFrame(index=np.array(landmarks(), dtype=object)))
        self._file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
