"""Two builds' large tables, value by value: for machines whose sums differ in the last digits."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sicmir_atlas.atlas.database import quoted, scan
from sicmir_atlas.atlas.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sicmir_atlas.atlas.build import Build

__all__ = ["Comparison", "compare_predictions"]

_COLUMNS_AT_ONCE = 64  # a million cells: 300 MB
_MEANS = "cell_type_mirna"


@dataclass(frozen=True)
class Comparison:
    """How far one dataset's rows of a table lie apart.

    ``largest`` is the largest difference of a number, in ``column``, over the ``n_rows`` rows that
    both have. ``columns`` hold other values that are no numbers.
    """

    dataset_id: str
    table: str
    n_rows: int
    n_only_before: int
    n_only_after: int
    largest: float
    column: str | None
    columns: tuple[str, ...]
    within: bool


def compare_predictions(before: Build, after: Build, tolerance: float) -> tuple[Comparison, ...]:
    """Compare the large tables of the datasets that two builds share, row by key.

    Rows are within the tolerance if both sides have them, no number differs by more, and all else
    is equal. Values of float16 may differ by one step of that type beside: sums that differ in
    the last digit may round to neighbours. Of ``cell_type_mirna`` only the means are compared,
    since ranks of nearly equal means may change places. Memory is bounded by the rows of one
    dataset times 64 columns.
    """
    found = list(_means(before, after, tolerance))
    for table, spec in TABLES.items():
        if spec.per_dataset:
            for dataset_id in _shared(before, after, table):
                sides = [side.paths(table, dataset_id)[0] for side in (before, after)]
                found.append(_compare(dataset_id, table, sides[0], sides[1], tolerance))
    return tuple(sorted(found, key=lambda one: (one.dataset_id, one.table)))


def _shared(before: Build, after: Build, table: str) -> list[str]:
    def of(side: Build) -> set[str]:
        return {entry["dataset_id"] for entry in side.files if entry["table"] == table}

    return sorted(of(before) & of(after))


def _compare(
    dataset_id: str, table: str, before: Path, after: Path, tolerance: float
) -> Comparison:
    files = [pq.ParquetFile(path) for path in (before, after)]
    keys = [name for name in TABLES[table].primary_key if name != "dataset_id"]
    index = [pd.MultiIndex.from_frame(file.read(keys).to_pandas()) for file in files]
    place = index[1].get_indexer(index[0])
    rows = np.flatnonzero(place >= 0), place[place >= 0]
    largest, worst, within = 0.0, None, True
    other: list[str] = []
    known = set(files[1].schema_arrow.names)
    names = [name for name in files[0].schema_arrow.names if name in known]
    for start in range(0, len(names), _COLUMNS_AT_ONCE):
        wanted = names[start : start + _COLUMNS_AT_ONCE]
        columns = [file.read(wanted) for file in files]
        for name in wanted:
            one, two = (c[name].take(pa.array(r)) for c, r in zip(columns, rows, strict=True))
            if not (_numeric(one.type) and _numeric(two.type)):
                if not one.equals(two):
                    other.append(name)
                continue
            difference, close, comparable = _apart(one, two, tolerance)
            within &= close
            if not comparable:
                other.append(name)
            if difference > largest:
                largest, worst = difference, name
    n_rows = len(rows[0])
    lost, new = len(index[0]) - n_rows, len(index[1]) - n_rows
    within &= not (lost or new or other)
    return Comparison(
        dataset_id, table, n_rows, lost, new, largest, worst, tuple(other), bool(within)
    )


def _numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _apart(
    one: pa.ChunkedArray, two: pa.ChunkedArray, tolerance: float
) -> tuple[float, bool, bool]:
    """Largest difference, whether each is allowed, and whether the same rows are null."""
    a, b = (np.asarray(side.to_numpy(), np.float64) for side in (one, two))
    finite = np.isfinite(a) & np.isfinite(b)
    comparable = np.array_equal(a[~finite], b[~finite], equal_nan=True)
    a, b = a[finite], b[finite]
    difference = np.abs(a - b)
    allowed: float | np.ndarray = tolerance
    if pa.types.is_float16(one.type) and pa.types.is_float16(two.type):
        allowed = tolerance + np.spacing(np.maximum(np.abs(a), np.abs(b)).astype(np.float16))
    return float(difference.max(initial=0)), bool((difference <= allowed).all()), comparable


def _means(before: Build, after: Build, tolerance: float) -> Iterator[Comparison]:
    files = [[str(path) for path in side.paths(_MEANS)] for side in (before, after)]
    shared = before.datasets.keys() & after.datasets.keys()
    if not (all(files) and shared):
        return
    key = ", ".join(TABLES[_MEANS].primary_key)
    query = f"""
    SELECT dataset_id, count(*) FILTER (b.mean IS NOT NULL AND a.mean IS NOT NULL),
           count(*) FILTER (b.mean IS NULL), count(*) FILTER (a.mean IS NULL),
           coalesce(max(abs(a.mean::DOUBLE - b.mean)), 0)
    FROM (SELECT {key}, mean FROM {scan(files[0])}) a
    FULL JOIN (SELECT {key}, mean FROM {scan(files[1])}) b USING ({key})
    GROUP BY dataset_id ORDER BY dataset_id
    """
    with tempfile.TemporaryDirectory() as spill, duckdb.connect() as connection:
        connection.execute(f"SET temp_directory = {quoted(spill)}")
        for dataset_id, n_rows, lost, new, largest in connection.execute(query).fetchall():
            if dataset_id in shared:
                within = not (lost or new) and largest <= tolerance
                column = "mean" if largest else None
                yield Comparison(dataset_id, _MEANS, n_rows, lost, new, largest, column, (), within)
