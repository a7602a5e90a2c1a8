"""Tables of bulk or z-scored profiles, in either orientation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from sicmir_atlas.errors import GoneError, InputError
from sicmir_atlas.readers.orientation import count_genes
from sicmir_atlas.readers.text import open_bytes, read_line

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_profile_table"]


def read_profile_table(path: Path) -> pd.DataFrame:
    """Read a csv, tsv or Parquet table of profiles as samples × genes.

    The side on which more of the names are known for genes is taken for the genes.

    Raises
    ------
    GoneError
        If there is no such file.
    InputError
        If the table cannot be read, or holds anything but numbers.
    """
    if not path.is_file():
        msg = f"{path}: no such file"
        raise GoneError(msg)
    try:
        table = _read_parquet(path) if path.suffix == ".parquet" else _read_text(path)
    except (ValueError, OSError) as error:
        msg = f"{path.name}: cannot be read as a table: {error}"
        raise InputError(msg) from error
    text = _text_columns(table)
    if text:
        msg = f"{path.name}: column {text[0]!r} holds text; profiles are numbers"
        raise InputError(msg)
    table.index, table.columns = table.index.astype(str), table.columns.astype(str)
    return table.T if count_genes(table.index) > count_genes(table.columns) else table


def _read_parquet(path: Path) -> pd.DataFrame:
    table = pd.read_parquet(path)
    names = _text_columns(table)[:1] if isinstance(table.index, pd.RangeIndex) else []
    return table.set_index(names[0]) if names else table


def _read_text(path: Path) -> pd.DataFrame:
    with open_bytes(path) as file:
        header = read_line(file, path.name).decode(errors="replace")
    table = pd.read_csv(path, sep=max(",\t;", key=header.count))
    # R leaves the field above the names out, and pandas then takes them for the index itself
    return table.set_index(table.columns[0]) if isinstance(table.index, pd.RangeIndex) else table


def _text_columns(table: pd.DataFrame) -> list[str]:
    return [c for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])]
