"""Cell Ranger's HDF5 matrices, and CellBender's, which have the same layout."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import h5py
import numpy as np
import pandas as pd

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.readers.base import BLOCK_ROWS, CountMatrix, gene_table
from sicmir_atlas.readers.compressed import CompressedMatrix
from sicmir_atlas.readers.hdf5 import (
    open_hdf5,
    own_part,
    read_part,
    require_kind,
    require_small,
    text_values,
)
from sicmir_atlas.readers.limits import LIMITS, Limits
from sicmir_atlas.readers.spill import Entries, Spill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scipy.sparse import csr_matrix

__all__ = ["TenxH5Matrix"]

_GENE_TYPE = "Gene Expression"


class _Part(NamedTuple):
    """One group of the file: a genome in v2, everything in v3."""

    features: pd.DataFrame
    barcodes: np.ndarray
    matrix: CompressedMatrix


class TenxH5Matrix(CountMatrix):
    """Counts that Cell Ranger wrote as HDF5, v3 (``/matrix``) or v2 (a group for each genome).

    Only features of type ``Gene Expression`` are read; antibodies, guides, tags and peaks are left
    out. All genomes are read: ``genes`` has a column ``genome`` (null where the file gives none),
    and the genome's name is taken off gene names that begin with it, as those of mixed references
    do (sources spec, section 1.5).

    Parameters
    ----------
    path
        The file.
    limits
        What is refused for its size.

    Raises
    ------
    CorruptError
        If the file is not HDF5, is cut short, or contradicts itself.
    InputError
        If it is another kind of HDF5 file, holds no gene expression, or cell ids repeat.
    """

    def __init__(self, path: Path, *, limits: Limits = LIMITS) -> None:
        label = path.name
        self._file = open_hdf5(path)
        try:
            require_kind(self._file, "10x_h5", label)
            groups = [own_part(self._file, name, label) for name in self._file]
            self._parts = [
                _read_part(group, label, limits)
                for group in groups
                if isinstance(group, h5py.Group) and "barcodes" in group
            ]
            features = pd.concat([part.features for part in self._parts], ignore_index=True)
            self._kept = (features["type"] == _GENE_TYPE).to_numpy()
            if not self._kept.any():
                found = ", ".join(f"{kind} ({n})" for kind, n in Counter(features["type"]).items())
                msg = f"{label}: no feature is of type {_GENE_TYPE}: it has {found or 'none'}"
                raise InputError(msg)
            kept = features[self._kept]
            genes = gene_table(kept["name"].to_numpy(), kept["symbol"].to_numpy())
            genes["genome"] = kept["genome"].array
            barcodes = pd.Index(np.concatenate([part.barcodes for part in self._parts]))
            # cells of several genomes stand in several groups of v2
            cells = barcodes.unique() if len(self._parts) > 1 else barcodes
            super().__init__(genes=genes, cells=pd.DataFrame(index=cells), label=label)
        except BaseException:
            self._file.close()
            raise

    def blocks(self, n_rows: int = BLOCK_ROWS) -> Iterator[csr_matrix]:
        """Stream row blocks; several groups are brought together on disk, once."""
        if len(self._parts) > 1:
            blocks = self._joined.blocks(len(self._kept), n_rows)
        else:
            blocks = self._parts[0].matrix.blocks(n_rows)
        for block in blocks:
            yield block if self._kept.all() else block[:, self._kept]

    def close(self) -> None:
        """Close the file and remove what was brought together."""
        if "_joined" in self.__dict__:
            self._joined.close()
        self._file.close()

    @cached_property
    def _joined(self) -> Spill:
        return Spill.filled(self.n_cells, self._entries())

    def _entries(self) -> Iterator[Entries]:
        first = 0
        for part in self._parts:
            place = self.cells.index.get_indexer(pd.Index(part.barcodes))
            for cells, genes, values in part.matrix.entries():
                yield place[cells], genes + first, values
            first += len(part.features)


def _read_part(group: h5py.Group, label: str, limits: Limits) -> _Part:
    """Read the names of one group; v2 has no feature types and names the genome itself."""
    names = {"name": "features/id", "symbol": "features/name"}
    optional = {"type": "features/feature_type", "genome": "features/genome"}
    if "features" not in group:
        names, optional = {"name": "genes", "symbol": "gene_names"}, {}
    missing = [where for where in (*names.values(), "barcodes", "shape") if where not in group]
    if missing:
        msg = f"{label}: {group.name} has no {missing[0]}: not as Cell Ranger writes it, or damaged"
        raise CorruptError(msg)
    require_small(group, "barcodes", label, rows=limits.cells, limits=limits)
    columns: dict[str, np.ndarray] = {}
    for column, where in (names | optional).items():
        if where in group:
            require_small(group, where, label, rows=limits.genes, limits=limits)
            columns[column] = text_values(group[where], label)
    if len({len(values) for values in columns.values()}) > 1:
        msg = f"{label}: columns of the features in {group.name} differ in length: fetch it again"
        raise CorruptError(msg)
    features = pd.DataFrame(columns).assign(
        **{"type": _GENE_TYPE} if "type" not in columns else {},
        **{"genome": _genome_of(group)} if "genome" not in columns else {},
    )
    features["genome"] = features["genome"].astype("string").replace("", pd.NA)
    barcodes = text_values(group["barcodes"], label)
    shape = tuple(int(n) for n in read_part(group["shape"], slice(None), label))
    if shape != (len(features), len(barcodes)):
        msg = f"{label}: {group.name} is {' × '.join(map(str, shape))}, but names {len(features)} "
        msg += f"features and {len(barcodes)} barcodes: fetch it again"
        raise CorruptError(msg)
    for column in ("name", "symbol"):
        features[column] = [
            _without_genome(name, genome)
            for name, genome in zip(features[column], features["genome"], strict=True)
        ]
    return _Part(features, barcodes, CompressedMatrix(group, shape[::-1], label, limits))


def _genome_of(group: h5py.Group) -> str:
    """Name of the genome in v2; programs that know none call the group something else."""
    name = str(group.name).strip("/")
    return "" if name in {"matrix", "background_removed"} else name


def _without_genome(name: str, genome: object) -> str:
    prefix = f"{genome}_"
    return name.removeprefix(prefix).lstrip("_") if name.startswith(prefix) else name
