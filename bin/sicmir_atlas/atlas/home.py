"""Where an atlas lies: its manifest, its database, and the addresses of its large files."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

import duckdb

from sicmir_atlas.atlas.files import AtlasFile
from sicmir_atlas.atlas.schema import SCHEMA_VERSION, TABLES
from sicmir_atlas.errors import CorruptError, GoneError, InputError
from sicmir_atlas.sources.files import local_path, scheme_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Folder",
    "Home",
    "is_address",
    "large_files",
    "listed_files",
    "offline",
    "read_manifest",
]


class Home(Protocol):
    """Where one build of an atlas is read from."""

    name: str
    """Place of the atlas, for people."""
    manifest: dict[str, Any]
    database: Path
    partitioned: bool
    """Whether addresses say whose rows a file holds, as ``dataset_id=…/``."""

    def mount(
        self, connection: duckdb.DuckDBPyConnection, files: Sequence[AtlasFile]
    ) -> dict[str, list[str]]:
        """Make files readable on a connection; their addresses there, by table."""

    def told(self, error: duckdb.Error) -> Exception | None:
        """What was behind an error of DuckDB, where the place of the atlas was."""

    def close(self) -> None:
        """Let go of what is open."""


class Folder:
    """An atlas folder on this machine.

    In a published folder ``current`` leads to the build; it is followed once, so that a build
    published meanwhile changes nothing. Large files lie beside ``builds/``.

    Raises
    ------
    GoneError
        If there is no atlas in the folder.
    CorruptError, InputError
        As `read_manifest`.
    """

    partitioned = False

    def __init__(self, folder: Path | str) -> None:
        self.name = str(folder)
        self.path = local_path(str(folder)).resolve()
        # a copy that followed links has a folder there, and is a plain atlas beside it
        if (self.path / "current").is_symlink() and (self.path / "current").is_dir():
            self.path = (self.path / "current").resolve()
        self._is_build = self.path.parent.name == "builds"
        self.database, manifest = self.path / "atlas.duckdb", self.path / "manifest.json"
        if not self.database.is_file() or not manifest.is_file():
            msg = f"{folder}: no atlas here (atlas.duckdb and manifest.json are expected)"
            raise GoneError(msg)
        self.manifest = read_manifest(manifest.read_bytes(), self.name)
        self._files: list[str] = []

    def mount(
        self, _connection: duckdb.DuckDBPyConnection, files: Sequence[AtlasFile]
    ) -> dict[str, list[str]]:
        """Paths of files by table; DuckDB reads them itself."""
        paths: dict[str, list[str]] = defaultdict(list)
        for file in files:
            path = self.path / file.path
            if self._is_build and not path.exists():
                path = self.path.parents[1] / file.path
            paths[file.table].append(str(path))
        self._files = [path for listed in paths.values() for path in listed]
        return paths

    def told(self, error: duckdb.Error) -> Exception | None:
        """Tell whether a file is gone since the atlas was opened."""
        if not isinstance(error, (duckdb.IOException, duckdb.PermissionException)):
            return None
        gone = next((path for path in self._files if not Path(path).is_file()), None)
        if gone is None:
            return None
        msg = f"{gone}: is gone; if the atlas was published anew, open it again"
        return GoneError(msg)

    def close(self) -> None:
        """Nothing is open."""


def is_address(place: Path | str) -> bool:
    """Tell the address of an atlas from a folder."""
    return isinstance(place, str) and scheme_of(place) != "file"


def read_manifest(content: bytes, name: str) -> dict[str, Any]:
    """Manifest of an atlas that this version can read.

    Raises
    ------
    CorruptError
        If it cannot be read.
    InputError
        If the atlas was written under another major version of the schema.
    """
    try:
        manifest: dict[str, Any] = json.loads(content)
        found = str(manifest["schema_version"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        msg = f"{name}: manifest.json cannot be read ({error}); see sicmir-atlas validate"
        raise CorruptError(msg) from error
    if found.split(".", maxsplit=1)[0] != SCHEMA_VERSION.split(".", maxsplit=1)[0]:
        msg = f"{name}: schema {found}; this version of sicmir-atlas reads {SCHEMA_VERSION}"
        raise InputError(msg)
    return manifest


def offline() -> duckdb.DuckDBPyConnection:
    """Database in memory that never goes for an extension."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.execute("SET autoload_known_extensions = false")
    return connection


def large_files(files: Sequence[AtlasFile]) -> list[AtlasFile]:
    """Those of the tables known here that have a file for each dataset."""
    return [file for file in files if file.table in TABLES and TABLES[file.table].per_dataset]


def listed_files(
    connection: duckdb.DuckDBPyConnection, database: str, name: str
) -> list[AtlasFile]:
    """Files of the build that an attached database is of, as it lists them itself.

    Raises
    ------
    CorruptError
        If a path leads out of the atlas.
    """
    query = f'SELECT path, "table", rows, bytes, sha256, dataset_id FROM {database}.files'
    files = [AtlasFile(*row) for row in connection.execute(query).fetchall()]
    for file in files:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or "://" in file.path or "\\" in file.path:
            msg = f"{name}: atlas.duckdb lists {file.path!r}, which is not in the atlas"
            raise CorruptError(msg)
    return files
