"""Matrices of samples × features as csv or Parquet: read, and proven to be what they should."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.sample_names import sample_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["first_of", "read_csv", "read_matrix"]

# 2^30 is more than all reads of a sample
_LARGEST = 30.0
# values moved to another scale may fall a little below 0; log ratios and z-scores fall further
_SMALLEST = -0.5


def read_matrix(
    path: Path, panel: Sequence[str], what: str, *, any_units: bool = False
) -> pd.DataFrame:
    """Read samples × features, their names as tables are joined by.

    Parameters
    ----------
    path
        csv, csv.gz or Parquet.
    panel, what
        Names that columns may have, by which a turned table is known, and what they are of.
    any_units
        Whether the values may be another thing than log2(x + 1).

    Raises
    ------
    InputError
        When it cannot be read, is turned or empty, names something twice, or holds text, infinity
        or values that log2(x + 1) cannot give.
    """
    if path.suffix == ".parquet":
        frame = _read_parquet(path)
        header = frame.columns
    else:
        frame = read_csv(path, index_col=0)
        # pandas renames the second column of a name
        header = read_csv(path, header=None, nrows=1, dtype=str).iloc[0, -frame.shape[1] :].dropna()
    frame.index = pd.Index([sample_name(str(name)) for name in frame.index])
    frame.columns = pd.Index([str(name).strip() for name in frame.columns])
    if not frame.columns.isin(panel).any() and frame.index.isin(panel).any():
        msg = f"{path}: row {frame.index[frame.index.isin(panel)][0]} is a {what}; "
        msg += f"rows must be samples, columns {what}s: turn the table"
        raise InputError(msg)
    for kind, names in (("sample", frame.index), (what, pd.Index(header).astype(str).str.strip())):
        if not names.is_unique:
            msg = f"{path}: {kind} {names[names.duplicated()][0]} occurs twice"
            raise InputError(msg)
    if frame.empty:
        msg = f"{path}: {len(frame)} samples × {frame.shape[1]} {what}s leave nothing to read"
        raise InputError(msg)
    text = [
        name for name, dtype in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(dtype)
    ]
    if text:
        msg = f"{path}: column {text[0]} is not numeric; rows must be samples, columns {what}s"
        raise InputError(msg)
    infinite = np.isinf(frame.to_numpy(dtype=np.float64, na_value=np.nan))
    if infinite.any():
        sample, name = first_of(frame, infinite)
        msg = f"{path}: sample {sample}, {what} {name} is infinite; take log2(x + 1), not log2(x)"
        raise InputError(msg)
    if not any_units:
        _check_units(path, frame, what)
    return frame


def _check_units(path: Path, frame: pd.DataFrame, what: str) -> None:
    values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    for wrong, most, which, where in (
        (values > _LARGEST, np.nanargmax, "largest", f"above {_LARGEST:g}"),
        (values < _SMALLEST, np.nanargmin, "smallest", "below 0"),
    ):
        if wrong.any():
            row, column = np.unravel_index(int(most(values)), values.shape)
            msg = f"{path}: the {which} value, {values[row, column]:.6g}, is {where}, which "
            msg += f"log2(x + 1) never gives (sample {frame.index[row]}, {what} "
            msg += f"{frame.columns[column]}); give log2(x + 1) of TPM, FPKM, RSEM or RPM: "
            msg += "not counts, linear values, log ratios or z-scores"
            raise InputError(msg)


def read_csv(path: Path, **options: Any) -> pd.DataFrame:
    """Read a csv or csv.gz; ``options`` are those of pandas.

    Raises
    ------
    InputError
        When it is missing, empty or no such table.
    """
    if not path.is_file():
        msg = f"no file {path}"
        raise InputError(msg)
    if path.stat().st_size == 0:
        msg = f"{path} is empty"
        raise InputError(msg)
    try:
        return pd.read_csv(path, encoding="utf-8-sig", **options)
    except (ValueError, EOFError, OSError, csv.Error) as error:
        first = str(error).splitlines()[0]
        msg = f"{path} cannot be read as csv or csv.gz: {first}"
        raise InputError(msg) from error


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (ValueError, OSError) as error:
        msg = f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}"
        raise InputError(msg) from error


def first_of(frame: pd.DataFrame, where: NDArray[np.bool_]) -> tuple[str, str]:
    """Name the sample and the feature of the first value that is marked."""
    row, column = np.argwhere(where)[0]
    return frame.index[row], frame.columns[column]
