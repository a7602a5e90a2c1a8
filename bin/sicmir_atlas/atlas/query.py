"""Ask an atlas questions in SQL, from any directory, without being able to change anything."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from sicmir_atlas.atlas.database import quoted, scan
from sicmir_atlas.atlas.schema import SCHEMA_VERSION, TABLES
from sicmir_atlas.errors import CorruptError, GoneError, InputError, SicmirError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    import pandas as pd
    import pyarrow as pa

__all__ = ["Atlas", "QueryError", "open_atlas"]

Answer = TypeVar("Answer")
_FILE = "atlas_file"
_EXPLAIN = re.compile(r"^\s*EXPLAIN\s*(ANALYZE\b)?\s*(\([^)]*\))?", re.IGNORECASE)


class QueryError(SicmirError, ValueError):
    """A query that DuckDB refused, or that would do more than read."""

    exit_code = 64


class Atlas:
    """An atlas folder, open for reading.

    The database sees the atlas's own files and nothing else of the machine: external access is
    off, the configuration is locked, and only statements that read are run.

    Parameters
    ----------
    folder
        The atlas folder.

    Raises
    ------
    GoneError
        If there is no atlas in the folder.
    InputError
        If the atlas was written under another major version of the schema.
    CorruptError
        If one of its files is missing or broken.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).resolve()
        database, manifest = self.folder / "atlas.duckdb", self.folder / "manifest.json"
        if not database.is_file() or not manifest.is_file():
            msg = f"{folder}: no atlas here (atlas.duckdb and manifest.json are expected)"
            raise GoneError(msg)
        try:
            self.manifest: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
            found = str(self.manifest["schema_version"])
        except (ValueError, LookupError, TypeError) as error:
            msg = f"{folder}: manifest.json cannot be read ({error}); see sicmir-atlas validate"
            raise CorruptError(msg) from error
        if found.split(".", maxsplit=1)[0] != SCHEMA_VERSION.split(".")[0]:
            msg = f"{folder}: schema {found}; this version of sicmir-atlas reads {SCHEMA_VERSION}"
            raise InputError(msg)
        self._connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        self._connection.execute("SET autoload_known_extensions = false")
        try:
            self._connection.execute(f"ATTACH {quoted(str(database))} AS {_FILE} (READ_ONLY)")
            self._name_tables()
        except duckdb.Error as error:
            self._connection.close()
            msg = f"{folder}: cannot be opened; sicmir-atlas validate says why ({error})"
            raise CorruptError(msg) from error

    def _name_tables(self) -> None:
        """Give every table a view of its own, then shut everything else out."""
        # listed by the database itself, so that its tables and its files are of one build
        listed = self._connection.execute(f'SELECT "table", path FROM {_FILE}.files').fetchall()
        paths: dict[str, list[str]] = defaultdict(list)
        for table, path in listed:
            paths[table].append(str(self.folder / path))
        large = [name for name, spec in TABLES.items() if spec.per_dataset and paths[name]]
        allowed = ", ".join(quoted(path) for name in large for path in paths[name])
        self._connection.execute(f"SET allowed_paths = [{allowed}]")
        self._connection.execute("SET enable_external_access = false")
        for name, spec in TABLES.items():
            origin = scan(paths[name]) if name in large else f'{_FILE}."{name}"'
            self._connection.execute(f'CREATE VIEW "{name}" AS FROM {origin}')
            self._connection.execute(f'COMMENT ON VIEW "{name}" IS {quoted(spec.description)}')
        self._connection.execute(f"CREATE VIEW files AS FROM {_FILE}.files")
        self._connection.execute("SET lock_configuration = true")

    def sql(self, query: str, parameters: Sequence[Any] | None = None) -> pd.DataFrame:
        """Answer a query as a pandas DataFrame.

        Parameters
        ----------
        query
            One ``SELECT`` (or ``WITH``, ``FROM``, ``DESCRIBE``, ``SUMMARIZE``, ``EXPLAIN``).
        parameters
            Values for ``?`` in the query.

        Raises
        ------
        QueryError
            If DuckDB refuses the query, or the query would do more than read.
        """
        return self._answer(query, parameters, lambda relation: relation.df())

    def arrow(self, query: str, parameters: Sequence[Any] | None = None) -> pa.Table:
        """Answer a query as an Arrow table; see :meth:`sql`."""
        return self._answer(query, parameters, lambda relation: relation.to_arrow_table())

    def tables(self) -> pd.DataFrame:
        """Names of the tables, what they hold, and their rows."""
        import pandas as pd

        rows = {name: self.sql(f'SELECT count(*) FROM "{name}"').iat[0, 0] for name in TABLES}
        return pd.DataFrame(
            [(spec.name, rows[spec.name], spec.description) for spec in TABLES.values()],
            columns=["table", "rows", "description"],
        )

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Atlas({str(self.folder)!r})"

    def _answer(
        self,
        query: str,
        parameters: Sequence[Any] | None,
        collect: Callable[[duckdb.DuckDBPyRelation], Answer],
    ) -> Answer:
        try:
            statements = self._connection.extract_statements(query)
            if [s.type for s in statements] == [duckdb.StatementType.EXPLAIN]:
                # EXPLAIN ANALYZE runs what it explains
                statements = self._connection.extract_statements(_EXPLAIN.sub("", query))
            if [s.type for s in statements] != [duckdb.StatementType.SELECT]:
                msg = "one statement that reads is run at a time: SELECT, WITH, DESCRIBE or EXPLAIN"
                raise QueryError(msg)
            return collect(self._connection.sql(query, params=parameters))
        except duckdb.Error as error:
            raise QueryError(str(error)) from error


def open_atlas(folder: Path | str) -> Atlas:
    """Open an atlas folder for reading.

    >>> atlas = open_atlas("results/atlas")  # doctest: +SKIP
    >>> atlas.sql("SELECT dataset_id, status FROM datasets")  # doctest: +SKIP
    """
    return Atlas(folder)
