"""Check every file of an atlas against the schema, every key, reference and checksum."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.parquet as pq

from sicmir_atlas.atlas.database import quoted, scan
from sicmir_atlas.atlas.files import sha256_of
from sicmir_atlas.atlas.schema import SCHEMA_VERSION, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sicmir_atlas.atlas.schema import TableSpec

__all__ = ["Violation", "validate"]


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong in an atlas."""

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


def validate(atlas: Path) -> list[Violation]:
    """Check an atlas folder; nothing is changed.

    Returns
    -------
    Every violation found: of the manifest, of files (missing, checksum, rows, schema, nulls), of
    tables (keys, references, allowed values) and of ``atlas.duckdb``. Empty for a sound atlas.
    """
    manifest_path = atlas / "manifest.json"
    try:
        manifest = json.loads(manifest_path.read_text())
    except (OSError, ValueError) as error:
        return [Violation("manifest.json", f"cannot be read: {error}")]
    found = manifest.get("schema_version")
    if found != SCHEMA_VERSION:
        return [Violation("manifest.json", f"schema {found}, this version checks {SCHEMA_VERSION}")]
    violations: list[Violation] = []
    sound: dict[str, list[str]] = defaultdict(list)
    for entry in manifest["files"]:
        problems = list(_check_file(atlas, entry))
        violations += problems
        if not problems:
            sound[entry["table"]].append(str(atlas / entry["path"]))
    violations += _orphans(atlas, {entry["path"] for entry in manifest["files"]})
    with duckdb.connect() as connection:
        views = {name: paths for name, paths in sound.items() if paths}
        for name, paths in views.items():
            connection.execute(f'CREATE VIEW "{name}" AS FROM {scan(paths)}')
        for spec in TABLES.values():
            if spec.name in views:
                violations += _check_table(connection, spec, set(views))
            elif not spec.per_dataset:
                violations.append(Violation(spec.name, "the manifest lists no sound file of it"))
    violations += _check_database(atlas, manifest)
    return violations


def _check_file(atlas: Path, entry: Mapping[str, Any]) -> Iterator[Violation]:
    where, path = entry["path"], atlas / entry["path"]
    spec = TABLES.get(entry["table"])
    if spec is None:
        yield Violation(where, f"table {entry['table']} is not in the schema")
        return
    if not path.is_file():
        yield Violation(where, "is in the manifest but not in the folder")
        return
    digest = sha256_of(path)
    if digest != entry["sha256"]:
        yield Violation(where, f"sha256 is {digest}, the manifest says {entry['sha256']}")
        return
    file = pq.ParquetFile(path)
    if file.metadata.num_rows != entry["rows"]:
        yield Violation(where, f"{file.metadata.num_rows} rows, the manifest says {entry['rows']}")
    yield from _check_schema(where, file, spec)


def _check_schema(where: str, file: pq.ParquetFile, spec: TableSpec) -> Iterator[Violation]:
    schema, expected = file.schema_arrow, spec.arrow_schema()
    for name in expected.names:
        if name not in schema.names:
            yield Violation(where, f"column {name} is missing")
        elif schema.field(name) != expected.field(name):
            yield Violation(
                where, f"column is `{schema.field(name)}`, not `{expected.field(name)}`"
            )
    for name in schema.names:
        if name not in expected.names:
            yield Violation(where, f"column {name} is not in the schema")
    stated = (schema.metadata or {}).get(b"sicmir_atlas.schema_version", b"").decode()
    if stated != SCHEMA_VERSION:
        yield Violation(where, f"its metadata says schema {stated or 'nothing'}")


def _check_table(
    connection: duckdb.DuckDBPyConnection, spec: TableSpec, present: set[str]
) -> Iterator[Violation]:
    def count(query: str) -> int:
        row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    table = f'"{spec.name}"'
    required = [c for c in spec.all_columns() if not c.nullable]
    nulls = ", ".join(f'count(*) - count("{c.name}")' for c in required)
    counted = connection.execute(f"SELECT {nulls} FROM {table}").fetchone()
    for column, n_null in zip(required, counted or (), strict=True):
        if n_null:
            yield Violation(spec.name, f"column {column.name} has {n_null} nulls, none are allowed")
    key = ", ".join(f'"{name}"' for name in spec.primary_key)
    repeated = count(
        f"SELECT count(*) FROM (SELECT 1 FROM {table} GROUP BY {key} HAVING count(*) > 1)"
    )
    if repeated:
        yield Violation(spec.name, f"{repeated} keys ({key}) occur more than once")
    for column in spec.columns:
        if column.values:
            allowed = ", ".join(map(quoted, column.values))
            name = f'"{column.name}"'
            wrong = connection.execute(
                f"SELECT DISTINCT {name} FROM {table} WHERE {name} NOT IN ({allowed}) LIMIT 3"
            ).fetchall()
            if wrong:
                values = ", ".join(repr(value) for (value,) in wrong)
                yield Violation(spec.name, f"column {column.name} holds {values}")
    for columns, target in spec.references.items():
        if target in present:
            lost = count(f'SELECT count(*) FROM {table} ANTI JOIN "{target}" USING ({columns})')
            if lost:
                yield Violation(spec.name, f"{lost} rows have a {columns} that {target} lacks")


def _orphans(atlas: Path, listed: set[str]) -> Iterator[Violation]:
    for path in sorted(atlas.rglob("*.parquet")):
        name = path.relative_to(atlas).as_posix()
        if name not in listed:
            yield Violation(name, "is in the folder but not in the manifest")


def _check_database(atlas: Path, manifest: Mapping[str, Any]) -> Iterator[Violation]:
    path = atlas / "atlas.duckdb"
    rows: dict[str, int] = defaultdict(int)
    for entry in manifest["files"]:
        rows[entry["table"]] += entry["rows"]
    if not path.is_file():
        yield Violation("atlas.duckdb", "is missing")
        return
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        yield Violation("atlas.duckdb", f"cannot be opened: {error}")
        return
    with connection:
        connection.execute(f"SET file_search_path = {quoted(str(atlas))}")
        for name in TABLES:
            try:
                found = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()
            except duckdb.Error as error:
                yield Violation("atlas.duckdb", f"table {name} cannot be read: {error}")
                continue
            if found is None or found[0] != rows[name]:
                n = found[0] if found else 0
                yield Violation(
                    "atlas.duckdb", f"table {name} has {n} rows, the files {rows[name]}"
                )
