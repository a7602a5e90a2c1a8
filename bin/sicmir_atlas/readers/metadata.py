"""Cell-metadata tables that stand beside a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.readers.limits import LIMITS, Limits, require_at_most
from sicmir_atlas.readers.text import bounded, open_bytes

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["id_column", "join_metadata", "read_metadata", "typed"]

_MAX_COLUMNS = 10_000
_ID_COLUMNS = ("barcode", "barcodes", "cell", "cell_id", "cellid", "cell_barcode")


def read_metadata(path: Path, *, limits: Limits = LIMITS) -> pd.DataFrame:
    """Read a cell-metadata table, indexed by cell id.

    The id is a column named like barcode, cell or cell_id, else the first column. Text columns
    become categories.

    Raises
    ------
    CorruptError
        If the file is cut short.
    InputError
        If it is no table, is beyond ``limits.table`` bytes, or a cell id repeats.
    """
    with open_bytes(path) as file:
        text = bounded(file, path.name, limit=limits.table, rows=limits.cells)
        # peeking reads no further than one buffer, so a header without end is no danger
        header, _, rest = text.peek(1 << 20).partition(b"\n")  # type: ignore[attr-defined]
        first = rest.partition(b"\n")[0]
        marks = (b"\t", b",", b";")
        delimiter = max(marks, key=lambda mark: (header.count(mark), first.count(mark)))
        n_columns = 1 + header.count(delimiter)
        require_at_most(_MAX_COLUMNS, n_columns, "columns", path.name, "is it a table of cells?")
        try:
            # the one missing value is the empty field: a cell type may be called NA or None
            table = pd.read_csv(
                text,
                sep=delimiter.decode(),
                encoding="utf-8-sig",
                keep_default_na=False,
                na_values=[""],
                dtype="category",
            )
        except UnicodeDecodeError as error:
            msg = f"{path.name}: not UTF-8 ({error}): convert the file, for example "
            msg += "iconv -f WINDOWS-1252 -t UTF-8"
            raise InputError(msg) from error
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            msg = f"{path.name}: not a table of cells: {error}"
            raise InputError(msg) from error
    if not isinstance(table.index, pd.RangeIndex):  # R: the header is one field short
        table = table.reset_index(names="cell_id")
    column = id_column(table.columns)
    table = table.set_index(table[column].astype(str).rename("cell_id")).drop(columns=column)
    repeated = table.index[table.index.duplicated()].unique()
    if len(repeated):
        msg = f"{path.name}: {len(repeated)} cell ids in column {column!r} occur more than once "
        msg += f"(such as {', '.join(repeated[:3])})"
        raise InputError(msg)
    return table.apply(typed)


def join_metadata(cells: pd.DataFrame, table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Bring a metadata table into the order of the matrix's cells; rows beyond them are left out.

    Raises
    ------
    InputError
        If a cell of the matrix is not in the table.
    """
    missing = cells.index[~cells.index.isin(table.index)]
    if len(missing):
        msg = (
            f"{path.name}: {len(missing)} of {len(cells)} cells of the matrix are not in the table "
            f"(such as {', '.join(missing[:3])}): ids must be written as in the matrix"
        )
        raise InputError(msg)
    return cells.join(table)


def id_column(columns: pd.Index) -> str:
    """Name of the column of cell ids: one that is called so, else the first."""
    by_name = {str(name).lower(): name for name in reversed(columns)}
    found: str = next((by_name[name] for name in _ID_COLUMNS if name in by_name), columns[0])
    return found


def typed(column: pd.Series) -> pd.Series:
    """Numbers where they are written as numbers are; else categories, so donor 01 stays 01."""
    labels = column.astype("category")
    written = labels.cat.categories.astype(object)
    numbers = pd.to_numeric(written, errors="coerce")
    if labels.isna().any() or list(numbers.astype(str)) != list(written):
        return labels
    return pd.Series(np.asarray(numbers)[labels.cat.codes], index=column.index)
