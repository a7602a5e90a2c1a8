"""Check every file of an atlas against the schema, every key, reference and checksum."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.parquet as pq
from pyarrow.lib import ArrowException

from sicmir_atlas.atlas.database import N_THREADS, quoted, scan
from sicmir_atlas.atlas.schema import SCHEMA_VERSION, TABLES
from sicmir_atlas.disk import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from sicmir_atlas.atlas.schema import TableSpec

__all__ = ["Violation", "leftovers", "validate"]

_ROWS_AT_A_TIME = 1_000_000  # half a gigabyte to compare
_ENTRY = {"path": str, "table": str, "rows": int, "bytes": int, "sha256": str}


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong in an atlas."""

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


def validate(atlas: Path, *, existing: Mapping[str, Any] | None = None) -> list[Violation]:
    """Check an atlas folder; nothing is changed.

    Of a published one the build that it shows is checked, whatever is published meanwhile.

    Parameters
    ----------
    existing
        Manifest of a sound atlas from which files were taken over: of these only presence, size,
        rows and schema are checked, not every byte and value again.

    Returns
    -------
    Every violation found: of the manifest, of files (missing, checksum, rows, schema, nulls), of
    tables (keys, references, allowed values) and of ``atlas.duckdb``. Empty for a sound atlas.
    """
    link = atlas / "current"
    build = link.resolve() if link.is_symlink() and link.is_dir() else atlas
    try:
        manifest = json.loads((build / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [Violation("manifest.json", f"cannot be read: {error}")]
    problem = _manifest_problem(manifest)
    if problem is not None:
        return [Violation("manifest.json", problem)]
    violations: list[Violation] = []
    files = (existing or {}).get("files", ())
    proven = {entry["path"]: entry for entry in files if "dataset_id" in entry}
    sound: dict[str, list[str]] = defaultdict(list)
    unproven: dict[str, list[str]] = defaultdict(list)
    for entry in manifest["files"]:
        beside = build if (build / entry["path"]).exists() else atlas
        is_new = proven.get(entry["path"]) != entry
        problems = list(_check_file(beside, entry, bytes_too=is_new))
        violations += problems
        if not problems:
            sound[entry["table"]].append(str(beside / entry["path"]))
            if is_new:
                unproven[entry["table"]].append(str(beside / entry["path"]))
    with duckdb.connect(config={"threads": N_THREADS}) as connection:
        for name, paths in unproven.items():
            connection.execute(f'CREATE VIEW "{name}" AS FROM {scan(paths)}')
        for spec in TABLES.values():
            if spec.name in unproven:
                violations += _check_table(connection, spec, set(unproven))
            elif not spec.per_dataset:
                violations.append(Violation(spec.name, "the manifest lists no sound file of it"))
    violations += _check_database(build, manifest["files"], sound)
    return violations


def leftovers(atlas: Path) -> list[str]:
    """Former builds, and Parquet files in a sound atlas's folder that its manifest does not list.

    They stay for whoever still reads the former atlas; they are no part of this one, and no
    violation.
    """
    manifest = json.loads((atlas / "manifest.json").read_text(encoding="utf-8"))
    listed = {(atlas / entry["path"]).resolve() for entry in manifest["files"]}
    found = {path.resolve() for path in atlas.rglob("*.parquet")}
    names = {path.relative_to(atlas.resolve()) for path in found - listed}
    former = {name.parents[-3] for name in names if name.parts[0] == "builds"}
    large = {name for name in names if name.parts[0] != "builds"}
    return sorted(name.as_posix() for name in former | large)


def _manifest_problem(manifest: Any) -> str | None:
    if not isinstance(manifest, dict) or "schema_version" not in manifest:
        return "states no schema version"
    found = manifest["schema_version"]
    if found != SCHEMA_VERSION:
        return f"schema {found}, this version checks {SCHEMA_VERSION}"
    files = manifest.get("files")
    if not isinstance(files, list):
        return "lists no files"
    for number, entry in enumerate(files, start=1):
        for key, kind in _ENTRY.items():
            if not isinstance(entry, dict) or not isinstance(entry.get(key), kind):
                return f"file {number} of its list has no {key}"
    return None


def _check_file(atlas: Path, entry: Mapping[str, Any], *, bytes_too: bool) -> Iterator[Violation]:
    where, path = entry["path"], atlas / entry["path"]
    spec = TABLES.get(entry["table"])
    if spec is None:
        yield Violation(where, f"table {entry['table']} is not in the schema")
        return
    if PurePosixPath(where).is_absolute() or ".." in PurePosixPath(where).parts:
        yield Violation(where, "lies outside the atlas")
        return
    if not path.is_file():
        yield Violation(where, "is in the manifest but not in the folder")
        return
    size = path.stat().st_size
    if size != entry["bytes"]:
        yield Violation(where, f"{size} bytes, the manifest says {entry['bytes']}")
    digest = digest_of(path) if bytes_too else entry["sha256"]
    if digest != entry["sha256"]:
        yield Violation(where, f"sha256 is {digest}, the manifest says {entry['sha256']}")
        return
    try:
        file = pq.ParquetFile(path)
    except (OSError, ArrowException) as error:
        yield Violation(where, f"cannot be read: {error}")
        return
    if file.metadata.num_rows != entry["rows"]:
        yield Violation(where, f"{file.metadata.num_rows} rows, the manifest says {entry['rows']}")
    yield from _check_schema(where, file, spec)


def _check_schema(where: str, file: pq.ParquetFile, spec: TableSpec) -> Iterator[Violation]:
    schema, expected = file.schema_arrow, spec.arrow_schema()
    present = {field.name: field for field in schema}
    for wanted in expected:
        found = present.pop(wanted.name, None)
        if found is None:
            yield Violation(where, f"column {wanted.name} is missing")
        elif found != wanted:
            yield Violation(where, f"column is `{_as_text(found)}`, not `{_as_text(wanted)}`")
            # a column that Parquet itself marks `not null` can hold none
            n_null = 0 if wanted.nullable else file.read([wanted.name])[0].null_count
            if n_null:
                yield Violation(where, f"{wanted.name} has {n_null} nulls, none are allowed")
    for name in present:
        yield Violation(where, f"column {name} is not in the schema")
    if schema.names != expected.names and sorted(schema.names) == sorted(expected.names):
        yield Violation(where, "columns are in another order than in the schema")
    stated = (schema.metadata or {}).get(b"sicmir_atlas.schema_version", b"").decode()
    if stated != SCHEMA_VERSION:
        yield Violation(where, f"its metadata says schema {stated or 'nothing'}")


def _as_text(field: pa.Field) -> str:
    return f"{field.name}: {field.type}{'' if field.nullable else ' not null'}"


def _check_table(
    connection: duckdb.DuckDBPyConnection, spec: TableSpec, present: set[str]
) -> Iterator[Violation]:
    def count(query: str) -> int:
        row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    table = f'"{spec.name}"'
    if spec.mirna_type is not None:
        wide = spec.all_columns()[len(spec.columns) :]
        counts = ", ".join(f'count_if(NOT isfinite("{c.name}"))' for c in wide)
        counted = connection.execute(f"SELECT {counts} FROM {table}").fetchone()
        for column, n_bad in zip(wide, counted or (), strict=True):
            if n_bad:
                yield Violation(spec.name, f"column {column.name} has {n_bad} values not finite")
    key = ", ".join(f'"{name}"' for name in spec.primary_key)
    repeated = sum(
        count(
            f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {part} "
            f"GROUP BY {key} HAVING count(*) > 1)"
        )
        for part in _parts(connection, spec)
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


def _parts(connection: duckdb.DuckDBPyConnection, spec: TableSpec) -> list[str]:
    """Conditions that part a table by datasets, so that few rows are compared at a time."""
    if "dataset_id" not in spec.primary_key:
        return ["true"]
    named = f'FROM "{spec.name}" WHERE dataset_id IS NOT NULL'
    counted = f"SELECT dataset_id, count(*) {named} GROUP BY ALL ORDER BY ALL"
    parts: list[list[str]] = []
    n_rows = _ROWS_AT_A_TIME
    for dataset_id, n_more in connection.execute(counted).fetchall():
        if n_rows + n_more > _ROWS_AT_A_TIME:
            parts.append([])
            n_rows = 0
        n_rows += n_more
        parts[-1].append(quoted(dataset_id))
    return [f"dataset_id BETWEEN {part[0]} AND {part[-1]}" for part in parts]


def _check_database(
    atlas: Path, files: Sequence[Mapping[str, Any]], sound: Mapping[str, Sequence[str]]
) -> Iterator[Violation]:
    path = atlas / "atlas.duckdb"
    if not path.is_file():
        yield Violation("atlas.duckdb", "is missing")
        return
    try:
        connection = duckdb.connect(str(path), read_only=True, config={"threads": N_THREADS})
    except duckdb.Error as error:
        yield Violation("atlas.duckdb", f"cannot be opened: {error}")
        return
    with connection:
        views = dict(connection.execute(_VIEWS).fetchall())
        for name, spec in TABLES.items():
            listed = [entry for entry in files if entry["table"] == name]
            try:
                if name in views:
                    problem = _view_problem(views[name], [entry["path"] for entry in listed])
                else:
                    n_rows = sum(entry["rows"] for entry in listed)
                    paths = sound.get(name, ())
                    complete = len(paths) == len(listed)
                    problem = _rows_problem(connection, spec, n_rows, paths if complete else ())
            except duckdb.Error as error:
                problem = f"cannot be read: {error}"
            if problem is not None:
                yield Violation("atlas.duckdb", f"{name} {problem}")


_VIEWS = "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal"


def _view_problem(sql: str, paths: Sequence[str]) -> str | None:
    named = [text.replace("''", "'") for text in re.findall(r"'((?:[^']|'')*)'", sql)]
    if sorted(named) != sorted(paths):
        return "is a view of other files than the manifest lists"
    return None


def _rows_problem(
    connection: duckdb.DuckDBPyConnection, spec: TableSpec, n_rows: int, paths: Sequence[str]
) -> str | None:
    def count(query: str) -> int:
        row = connection.execute(query).fetchone()
        return int(row[0]) if row is not None else 0

    found = count(f'SELECT count(*) FROM "{spec.name}"')
    if found != n_rows:
        return f"has {found} rows, the files {n_rows}"
    differing = paths and sum(
        count(
            f'SELECT count(*) FROM (FROM "{spec.name}" WHERE {part} '
            f"EXCEPT ALL FROM {scan(paths)} WHERE {part})"
        )
        for part in _parts(connection, spec)
    )
    return f"has {differing} rows that differ from the files'" if differing else None
