"""Keys, references and values of an atlas's tables, few rows at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sicmir_atlas.atlas.database import quoted, scan
from sicmir_atlas.atlas.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import duckdb

    from sicmir_atlas.atlas.schema import TableSpec

    # paths by table and dataset; None is the dataset of a file that holds all of them
    Files: TypeAlias = dict[str, dict[str | None, list[str]]]

__all__ = ["count", "parts_of", "table_problems"]

ROWS_AT_A_TIME = 1_000_000  # half a gigabyte to compare


def table_problems(
    connection: duckdb.DuckDBPyConnection,
    spec: TableSpec,
    files: Mapping[str | None, list[str]],
    sound: Files,
) -> Iterator[str]:
    """Tell what is wrong in the rows of a table.

    A table of one file a dataset is checked file by file, any other by groups of datasets: a key
    holds its dataset, so none is in two of them.

    Parameters
    ----------
    files
        Of the table, those to check, by dataset.
    sound
        All files that others may refer to.
    """
    everything = scan([path for paths in files.values() for path in paths])
    yield from _value_problems(connection, spec, everything)
    if spec.per_dataset:
        pieces = {dataset_id: [scan(paths)] for dataset_id, paths in files.items()}
        yield from _strangers(connection, files)
    else:
        parts = parts_of(connection, spec, everything)
        pieces = {None: [f"(FROM {everything} WHERE {part})" for part in parts]}
    key = ", ".join(f'"{name}"' for name in spec.primary_key)
    repeated = sum(
        count(connection, f"SELECT 1 FROM {rows} GROUP BY {key} HAVING count(*) > 1")
        for each in pieces.values()
        for rows in each
    )
    if repeated:
        yield f"{repeated} keys ({key}) occur more than once"
    for columns, target in spec.references.items():
        lost = 0
        for dataset_id, each in pieces.items():
            there = sound.get(target, {})
            if TABLES[target].per_dataset:
                there = {dataset_id: there.get(dataset_id, [])}
            known = [path for paths in there.values() for path in paths]
            join = f"ANTI JOIN {scan(known)} USING ({columns})" if known else ""
            lost += sum(count(connection, f"SELECT 1 FROM {rows} {join}") for rows in each)
        if lost:
            yield f"{lost} rows have a {columns} that {target} lacks"


def _strangers(
    connection: duckdb.DuckDBPyConnection, files: Mapping[str | None, list[str]]
) -> Iterator[str]:
    for dataset_id, paths in files.items():
        if dataset_id is None:
            continue
        others = f"FROM {scan(paths)} WHERE dataset_id IS DISTINCT FROM {quoted(dataset_id)}"
        n_others = count(connection, others)
        if n_others:
            yield f"{n_others} rows in the file of {dataset_id} are of another dataset"


def _value_problems(
    connection: duckdb.DuckDBPyConnection, spec: TableSpec, rows: str
) -> Iterator[str]:
    if spec.mirna_type is not None:
        wide = spec.all_columns()[len(spec.columns) :]
        counts = ", ".join(f'count_if(NOT isfinite("{c.name}"))' for c in wide)
        counted = connection.execute(f"SELECT {counts} FROM {rows}").fetchone()
        for column, n_bad in zip(wide, counted or (), strict=True):
            if n_bad:
                yield f"column {column.name} has {n_bad} values not finite"
    for column in spec.columns:
        if column.values:
            allowed = ", ".join(map(quoted, column.values))
            name = f'"{column.name}"'
            wrong = connection.execute(
                f"SELECT DISTINCT {name} FROM {rows} WHERE {name} NOT IN ({allowed}) LIMIT 3"
            ).fetchall()
            if wrong:
                values = ", ".join(repr(value) for (value,) in wrong)
                yield f"column {column.name} holds {values}"


def parts_of(connection: duckdb.DuckDBPyConnection, spec: TableSpec, rows: str) -> list[str]:
    """Conditions that part a table by datasets into some of a million rows, or of one dataset."""
    if "dataset_id" not in spec.primary_key:
        return ["true"]
    query = f"SELECT dataset_id, count(*) FROM {rows} GROUP BY ALL ORDER BY dataset_id NULLS FIRST"
    parts: list[list[str]] = []
    n_rows = ROWS_AT_A_TIME
    for dataset_id, n_more in connection.execute(query).fetchall():
        if dataset_id is None:
            continue
        if n_rows + n_more > ROWS_AT_A_TIME:
            parts.append([])
            n_rows = 0
        n_rows += n_more
        parts[-1].append(quoted(dataset_id))
    named = [f"dataset_id BETWEEN {part[0]} AND {part[-1]}" for part in parts]
    return [*named, "dataset_id IS NULL"]


def count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """Count the rows that a query gives."""
    ((found,),) = connection.execute(f"SELECT count(*) FROM ({query})").fetchall()
    return int(found)
