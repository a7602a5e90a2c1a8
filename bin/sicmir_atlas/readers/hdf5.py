"""HDF5 files: opened, told apart, and proven to be no larger than they may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.readers.limits import LIMITS, Limits, require_at_most
from sicmir_atlas.readers.text import require_file

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "kind_of",
    "open_hdf5",
    "own_part",
    "read_part",
    "require_kind",
    "require_small",
    "text_values",
]

# chunks cut by a block's edge stay decompressed; HDF5's default is smaller than many chunks
_CHUNK_CACHE = 64 << 20
_MAX_DEPTH = 8
_NAMES = {
    "h5ad": "an h5ad file",
    "10x_h5": "a Cell Ranger file: name it .h5, or set format to 10x_h5",
    "loom": "a loom file: name it .loom, or set format to loom",
    "molecule_info": "Cell Ranger's molecule_info.h5: take filtered_feature_bc_matrix.h5",
    "h5seurat": "an h5Seurat file: write it as h5ad in R",
}


def open_hdf5(path: Path) -> h5py.File:
    """Open an HDF5 file for reading.

    Raises
    ------
    CorruptError
        If it is not HDF5, or cut short.
    InputError
        If it is a folder.
    """
    require_file(path)
    try:
        return h5py.File(path, "r", rdcc_nbytes=_CHUNK_CACHE)
    except OSError as error:
        with path.open("rb") as file:
            head = file.read(8)
        if head.lstrip().startswith(b"<"):
            msg = f"{path.name}: a web page in the place of the file: fetch it again"
        elif head.startswith(b"\x1f\x8b"):
            msg = f"{path.name}: compressed by gzip: unpack it"
        elif head != b"\x89HDF\r\n\x1a\n":
            msg = f"{path.name}: not a readable HDF5 file: it begins with {head!r}"
        else:
            msg = f"{path.name}: not a readable HDF5 file, cut short or damaged ({error}): "
            msg += "fetch it again"
        raise CorruptError(msg) from error


def kind_of(file: h5py.File) -> str | None:
    """Tell single-cell formats apart by what they keep where; None for others."""
    if "row_attrs" in file and "col_attrs" in file:
        return "loom"
    if "obs" in file and "var" in file:
        return "h5ad"
    if "cell.names" in file and "assays" in file:
        return "h5seurat"
    if any(isinstance(group, h5py.Group) and "barcodes" in group for group in file.values()):
        return "10x_h5"
    return "molecule_info" if "barcode_idx" in file else None


def require_kind(file: h5py.File, wanted: str, label: str) -> None:
    """Refuse a file of another format, and say which it is.

    Raises
    ------
    InputError
        If it is of a format that is known.
    CorruptError
        If it is of none.
    """
    kind = kind_of(file)
    if kind is None:
        has = ", ".join(list(file)[:5]) or "nothing"
        msg = f"{label}: not {_NAMES[wanted].partition(':')[0]}, or cut short: it holds {has}"
        raise CorruptError(msg)
    if kind != wanted:
        msg = f"{label}: not {_NAMES[wanted].partition(':')[0]} but {_NAMES[kind]}"
        raise InputError(msg)


def read_part(dataset: h5py.Dataset, part: Any, label: str) -> np.ndarray:
    """Read a slice of a dataset.

    Raises
    ------
    CorruptError
        If its bytes are damaged.
    """
    try:
        return np.asarray(dataset[part])
    except OSError as error:
        msg = f"{label}: {dataset.name} is damaged and cannot be read ({error}): fetch it again"
        raise CorruptError(msg) from error


def own_part(parent: h5py.Group, name: str, label: str) -> Any:
    """Get a group or dataset whose bytes lie in the file itself.

    Raises
    ------
    CorruptError
        If it is not there, or leads to another file.
    """
    part = parent.get(name)
    if part is None or part.file.filename != parent.file.filename:
        lies_elsewhere = True
    else:
        lies_elsewhere = isinstance(part, h5py.Dataset) and (part.is_virtual or part.external)
    if lies_elsewhere:
        msg = f"{label}: {parent.name.rstrip('/')}/{name} is not in the file, or leads to another: "
        msg += "fetch it again, or write it into one file"
        raise CorruptError(msg)
    return part


def require_small(
    parent: h5py.Group, name: str, label: str, *, rows: int, limits: Limits = LIMITS
) -> None:
    """Prove that a table can be read whole, before anything of it is.

    Raises
    ------
    InputError
        If a column has more than `rows` rows, or all together are beyond ``limits.table`` bytes.
    CorruptError
        If a part of it lies in another file.
    """
    total = 0
    waiting = [(own_part(parent, name, label), _MAX_DEPTH)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, h5py.Dataset):
            length = part.shape[0] if part.shape else 1
            total += part.nbytes
            remedy = f"{part.name} is damaged, or not a table of one dataset"
            require_at_most(rows, length, "rows", label, remedy)
            require_at_most(limits.table, total, "bytes of table", label, remedy)
        elif depth:  # groups may hold themselves
            waiting += [(own_part(part, inner, label), depth - 1) for inner in part]


def text_values(dataset: h5py.Dataset, label: str) -> np.ndarray:
    """Read one-dimensional text, or numbers as they are."""
    values = read_part(dataset, slice(None), label)
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8", "replace").astype(object)
    if values.dtype.kind == "O":
        decoded = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values]
        return np.array(decoded, dtype=object)
    return values
