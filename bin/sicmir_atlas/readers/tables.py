"""Tables of bulk or z-scored profiles, in either orientation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from sicmir_atlas.errors import GoneError, InputError
from sicmir_atlas.names import read_data_table

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_profile_table"]


def read_profile_table(path: Path) -> pd.DataFrame:
    """Read a csv, tsv or Parquet table of profiles as samples × genes.

    The side on which more landmark genes are named is taken for the genes.

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
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
            text = [c for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])]
            table = table.set_index(text[0]) if text else table
        else:
            table = pd.read_csv(path, sep=None, engine="python", index_col=0)
    except (ValueError, OSError) as error:
        msg = f"{path.name}: cannot be read as a table: {error}"
        raise InputError(msg) from error
    table.index, table.columns = table.index.astype(str), table.columns.astype(str)
    panel = read_data_table("landmarks.tsv")
    known = set(panel.to_numpy().ravel())
    in_columns, in_rows = (len(known.intersection(names)) for names in (table.columns, table.index))
    table = table.T if in_rows > in_columns else table
    wrong = [c for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])]
    if wrong:
        msg = f"{path.name}: column {wrong[0]!r} holds text; profiles are numbers"
        raise InputError(msg)
    return table
