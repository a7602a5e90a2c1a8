"""One build of an atlas as files: what its manifest lists, and where that lies."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from sicmir_atlas.atlas.home import read_manifest
from sicmir_atlas.errors import CorruptError, GoneError

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

__all__ = ["Build"]

_ENTRY = ("path", "table", "rows", "bytes", "sha256")


class Build:
    """A build of any minor version of the schema, of which only the manifest is read at once.

    Parameters
    ----------
    folder
        An atlas folder, or a former build inside a published one (``builds/<sha12>``).

    Raises
    ------
    GoneError
        If there is no atlas in the folder.
    CorruptError
        If its manifest cannot be read, or lists no files.
    InputError
        If it was written under another major version of the schema.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / "manifest.json"
        if not path.is_file():
            msg = f"{folder}: no atlas here (manifest.json is expected)"
            raise GoneError(msg)
        self.manifest = read_manifest(path.read_bytes(), str(folder))
        try:
            self.files: list[dict[str, Any]] = self.manifest["files"]
            for entry in self.files:
                _ = [entry[key] for key in _ENTRY]
        except (LookupError, TypeError) as error:
            msg = f"{folder}: manifest.json cannot be read ({error!r}); see sicmir-atlas validate"
            raise CorruptError(msg) from error

    @cached_property
    def tables(self) -> frozenset[str]:
        """Names of the tables that have a file."""
        return frozenset(entry["table"] for entry in self.files)

    def path(self, entry: dict[str, Any]) -> Path:
        """Where a file of the manifest lies: large ones beside ``builds/``, not inside."""
        path = self.folder / str(entry["path"])
        if not path.exists() and self.folder.parent.name == "builds":
            path = self.folder.parents[1] / str(entry["path"])
        return path

    def paths(self, table: str, dataset_id: str | None = None) -> list[Path]:
        """Files of a table, of one dataset where it is named.

        Raises
        ------
        GoneError
            If one of them is missing.
        """
        listed = [e for e in self.files if e["table"] == table]
        found = [self.path(e) for e in listed if dataset_id in (None, e.get("dataset_id"))]
        for path in found:
            if not path.is_file():
                msg = f"{path}: is in the manifest but not there; see sicmir-atlas validate"
                raise GoneError(msg)
        return found

    def schema(self, table: str) -> pa.Schema:
        """Parquet schema of a table that has a file."""
        return pq.read_schema(self.paths(table)[0])

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Rows of a small table; none where the build has no such table."""
        rows: list[dict[str, Any]] = []
        for path in self.paths(table):
            rows += pq.read_table(path).to_pylist()
        return rows

    @cached_property
    def datasets(self) -> dict[str, dict[str, Any]]:
        """Rows of table ``datasets`` by their id."""
        return {row["dataset_id"]: row for row in self.rows("datasets")}

    @cached_property
    def harmonisation(self) -> list[dict[str, Any]]:
        """Rows of table ``harmonisation``."""
        return self.rows("harmonisation")
