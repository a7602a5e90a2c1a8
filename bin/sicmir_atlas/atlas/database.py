"""The DuckDB file of an atlas: small tables inside, large ones as views on the files beside it."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from sicmir_atlas.atlas.schema import TABLES
from sicmir_atlas.disk import written_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sicmir_atlas.atlas.files import AtlasFile
    from sicmir_atlas.atlas.schema import TableSpec

__all__ = ["N_THREADS", "build_database", "quoted", "scan"]

# as conf/base.config gives other libraries: each thread holds a row group of a file, so that memory
# would follow the cores of a machine
N_THREADS = 2
_STORAGE_VERSION = "v1.0.0"  # readable by every DuckDB from 1.0 on, and in browsers


def build_database(atlas: Path, files: Sequence[AtlasFile]) -> None:
    """Write ``atlas.duckdb`` into an atlas folder.

    Views name their files relative to the folder, so the folder can move; DuckDB resolves them
    against the directory it was started in.
    """
    paths: Mapping[str, list[str]] = defaultdict(list)
    for file in files:
        paths[file.table].append(file.path)
    with (
        written_whole(atlas / "atlas.duckdb") as part,
        tempfile.TemporaryDirectory() as place,
        duckdb.connect(
            config={"autoinstall_known_extensions": "false", "threads": N_THREADS}
        ) as connection,
    ):
        # the search path is a list of patterns: a folder's own name may hold a comma or a bracket
        alias = Path(place) / "atlas"
        alias.symlink_to(atlas.resolve())
        connection.execute(f"SET file_search_path = {quoted(str(alias))}")
        connection.execute(
            f"ATTACH {quoted(str(part))} AS atlas (STORAGE_VERSION '{_STORAGE_VERSION}')"
        )
        connection.execute("USE atlas")
        for spec in TABLES.values():
            _add_table(connection, spec, paths[spec.name])
        _add_file_list(connection, files)
        connection.execute("USE memory; DETACH atlas")


def scan(paths: Sequence[str]) -> str:
    """Table function that reads a list of Parquet files."""
    return f"read_parquet([{', '.join(map(quoted, paths))}])"


def quoted(text: str) -> str:
    """Text as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def _add_table(
    connection: duckdb.DuckDBPyConnection, spec: TableSpec, paths: Sequence[str]
) -> None:
    as_view = spec.per_dataset and bool(paths)
    if as_view:
        connection.execute(f'CREATE VIEW "{spec.name}" AS FROM {scan(paths)}')
    else:
        connection.execute(spec.ddl())
        if paths:
            connection.execute(f'INSERT INTO "{spec.name}" BY NAME FROM {scan(paths)}')
    kind = "VIEW" if as_view else "TABLE"
    about = " ".join(filter(None, (spec.description, spec.comparable)))
    connection.execute(f'COMMENT ON {kind} "{spec.name}" IS {quoted(about)}')
    for column in spec.columns:
        unit = f" [{column.unit}]" if column.unit else ""
        connection.execute(
            f'COMMENT ON COLUMN "{spec.name}"."{column.name}" '
            f"IS {quoted(column.description + unit)}"
        )


def _add_file_list(connection: duckdb.DuckDBPyConnection, files: Sequence[AtlasFile]) -> None:
    connection.execute(
        'CREATE TABLE files (path VARCHAR NOT NULL, "table" VARCHAR NOT NULL, dataset_id VARCHAR, '
        "rows BIGINT NOT NULL, bytes BIGINT NOT NULL, sha256 VARCHAR NOT NULL)"
    )
    rows = [(f.path, f.table, f.dataset_id, f.rows, f.bytes, f.sha256) for f in files]
    connection.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.execute("COMMENT ON TABLE files IS 'Every Parquet file of this build.'")
