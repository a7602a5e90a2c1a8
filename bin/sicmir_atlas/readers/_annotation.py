"""obs and var of an h5ad file, without its matrices."""

from __future__ import annotations

import warnings

import h5py
import pandas as pd

from sicmir_atlas.errors import CorruptError, InputError, SicmirError
from sicmir_atlas.readers.base import gene_table
from sicmir_atlas.readers.hdf5 import require_small
from sicmir_atlas.readers.limits import LIMITS, Limits

__all__ = ["SYMBOL_COLUMNS", "read_genes", "read_obs"]

SYMBOL_COLUMNS = ("symbol", "feature_name", "gene_symbols", "gene_name")


def read_obs(file: h5py.File, label: str, limits: Limits = LIMITS) -> pd.DataFrame:
    """Read obs as anndata would; categories stay categories."""
    return _frame(file, "obs", label, limits)


def read_genes(
    file: h5py.File,
    where: str,
    gene_symbols: str | None,
    label: str,
    limits: Limits = LIMITS,
) -> pd.DataFrame:
    """Read gene names and symbols that belong to the matrix at `where`.

    Raises
    ------
    InputError
        If var has no column `gene_symbols`.
    """
    in_raw = where.startswith("raw")
    var = _frame(file, where.removesuffix("X") + "var" if in_raw else "var", label, limits)
    columns = (gene_symbols,) if gene_symbols else SYMBOL_COLUMNS
    found = next((name for name in columns if name in var), None)
    if found:
        return gene_table(var.index, var[found].astype(object))
    if in_raw and "var" in file:
        # symbols are often kept in var alone; raw's genes are looked up there by name
        main = _frame(file, "var", label, limits)
        found = next((name for name in columns if name in main), None)
        if found and main.index.is_unique:
            return gene_table(var.index, main[found].astype(object).reindex(var.index))
    if gene_symbols:
        msg = (
            f"{label}: var has no column {gene_symbols!r}; it has "
            f"{', '.join(map(str, var.columns)) or 'none'}: name one of them in gene_symbols"
        )
        raise InputError(msg)
    return gene_table(var.index)


def _frame(file: h5py.File, where: str, label: str, limits: Limits) -> pd.DataFrame:
    from anndata import read_h5ad
    from anndata.io import read_elem

    if where not in file:
        msg = f"{label}: no {where} in the file: it is not an h5ad file, or is cut short"
        raise CorruptError(msg)
    rows = limits.cells if where == "obs" else limits.genes
    require_small(file, where, label, rows=rows, limits=limits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # "consider rewriting it"
        try:
            if isinstance(file[where], h5py.Dataset):  # a record array: anndata before 0.7
                for name in set(file) - {"X", "raw.X", "raw", "layers"}:  # all of it is read
                    require_small(file, name, label, rows=limits.cells, limits=limits)
                old = read_h5ad(file.filename, backed="r")
                source = old.raw if where.startswith("raw") else old
                frame = source.obs if where == "obs" else source.var
                old.file.close()
            else:
                frame = read_elem(file[where])
        except SicmirError:
            raise
        except Exception as error:  # anndata raises a private type for an unknown encoding
            msg = f"{label}: {where} cannot be read: {error}"
            raise CorruptError(msg) from error
    return pd.DataFrame(frame)
