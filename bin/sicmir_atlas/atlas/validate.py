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

from sicmir_atlas.atlas.database import N_THREADS, scan
from sicmir_atlas.atlas.integrity import count, parts_of, table_problems
from sicmir_atlas.atlas.schema import SCHEMA_VERSION, TABLES
from sicmir_atlas.disk import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from sicmir_atlas.atlas.integrity import Files
    from sicmir_atlas.atlas.schema import TableSpec

__all__ = ["Violation", "leftovers", "validate"]

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
    sound: Files = defaultdict(lambda: defaultdict(list))
    unproven: Files = defaultdict(lambda: defaultdict(list))
    for entry in manifest["files"]:
        beside = build if (build / entry["path"]).exists() else atlas
        is_new = proven.get(entry["path"]) != entry
        problems = list(_check_file(beside, entry, bytes_too=is_new))
        violations += problems
        if problems:
            continue
        for known in (sound, unproven) if is_new else (sound,):
            known[entry["table"]][entry.get("dataset_id")].append(str(beside / entry["path"]))
    with duckdb.connect(config={"threads": N_THREADS}) as connection:
        for spec in TABLES.values():
            if spec.name in unproven:
                found = table_problems(connection, spec, unproven[spec.name], sound)
                violations += [Violation(spec.name, problem) for problem in found]
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


def _check_database(
    atlas: Path, files: Sequence[Mapping[str, Any]], sound: Files
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
                    paths = [path for each in sound[name].values() for path in each]
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
    rows = f'"{spec.name}"'
    found = count(connection, f"FROM {rows}")
    if found != n_rows:
        return f"has {found} rows, the files {n_rows}"
    differing = paths and sum(
        count(connection, f"FROM {rows} WHERE {part} EXCEPT ALL FROM {scan(paths)} WHERE {part}")
        for part in parts_of(connection, spec, rows)
    )
    return f"has {differing} rows that differ from the files'" if differing else None
