"""Ask an atlas questions in SQL, from any directory, without being able to change anything."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from sicmir_atlas.atlas.database import quoted
from sicmir_atlas.atlas.home import Folder, is_address, large_files, listed_files, offline
from sicmir_atlas.atlas.schema import TABLES
from sicmir_atlas.atlas.statements import QueryError, statements_to_run
from sicmir_atlas.errors import CorruptError, SicmirError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Self

    import pandas as pd
    import pyarrow as pa

    from sicmir_atlas.atlas.home import Home
    from sicmir_atlas.sources.part import Progress

__all__ = ["Atlas", "QueryError", "open_atlas"]

Answer = TypeVar("Answer")
_FILE = "atlas_file"


class Atlas:
    """An atlas, open for reading.

    The database sees the atlas's own files and nothing else of the machine or the network:
    external access is off, the configuration is locked, and only statements that read are run,
    or, in a script, that make things in memory.

    Parameters
    ----------
    home
        Where it lies; it is closed with the atlas.

    Raises
    ------
    GoneError
        If a file is not on the server any more.
    CorruptError
        If one of its files is missing or broken.
    UnavailableError
        If its server does not answer.
    """

    def __init__(self, home: Home) -> None:
        self._home, self.manifest = home, home.manifest
        self._connection = offline()
        # what queries spill lies here, and not in a folder that other programs use
        spill = tempfile.mkdtemp(prefix="sicmir-atlas-")
        self._no_spill = weakref.finalize(self, shutil.rmtree, spill, ignore_errors=True)
        self._connection.execute(f"SET temp_directory = {quoted(spill)}")
        try:
            database = quoted(str(self._home.database))
            self._connection.execute(f"ATTACH {database} AS {_FILE} (READ_ONLY)")
            self._name_tables()
        except (duckdb.Error, SicmirError) as error:
            self.close()
            if isinstance(error, SicmirError):
                raise
            msg = f"{home.name}: cannot be opened; sicmir-atlas validate says why ({error})"
            raise CorruptError(msg) from error

    def _name_tables(self) -> None:
        """Give every table a view of its own, then shut everything else out."""
        # listed by the database itself, so that its tables and its files are of one build
        listed = listed_files(self._connection, _FILE, self._home.name)
        addresses = self._home.mount(self._connection, large_files(listed))
        allowed = ", ".join(quoted(path) for paths in addresses.values() for path in paths)
        self._connection.execute(f"SET allowed_paths = [{allowed}]")
        self._connection.execute("SET enable_external_access = false")
        query = f"SELECT DISTINCT table_name FROM duckdb_columns() WHERE database_name = '{_FILE}'"
        there = {name for (name,) in self._connection.execute(query).fetchall()}
        # an atlas of another minor version of the schema may lack some
        for name, spec in ((name, spec) for name, spec in TABLES.items() if name in there):
            origin = f'{_FILE}."{name}"'
            if name in addresses:
                origin = self._scan(addresses[name])
            self._connection.execute(f'CREATE VIEW "{name}" AS FROM {origin}')
            self._connection.execute(f'COMMENT ON VIEW "{name}" IS {quoted(spec.description)}')
        self._connection.execute(f"CREATE VIEW files AS FROM {_FILE}.files")
        self._connection.execute("SET lock_configuration = true")

    def _scan(self, addresses: Sequence[str]) -> str:
        listed = ", ".join(map(quoted, addresses))
        partitions = "hive_partitioning = false"  # a folder above may be named year=2024
        if self._home.partitioned:
            partitions = "hive_partitioning = true, hive_types = {'dataset_id': VARCHAR}"
        return f"read_parquet([{listed}], {partitions})"

    def sql(
        self, query: str, parameters: Sequence[Any] | None = None, *, script: bool = False
    ) -> pd.DataFrame:
        """Answer a query as a pandas DataFrame.

        Parameters
        ----------
        query
            One ``SELECT`` (or ``WITH``, ``FROM``, ``DESCRIBE``, ``SUMMARIZE``, ``EXPLAIN``).
        parameters
            Values for ``?`` in the query, of a script in its last statement.
        script
            Before that one may stand others, which make tables, views and macros in memory. They
            stay until the atlas is closed; its files cannot be changed.

        Raises
        ------
        QueryError
            If DuckDB refuses the query, or the query would do more than read.
        """
        return self._answer(query, parameters, lambda r: r.df(), script=script)

    def arrow(
        self, query: str, parameters: Sequence[Any] | None = None, *, script: bool = False
    ) -> pa.Table:
        """Answer a query as an Arrow table; see :meth:`sql`."""
        return self._answer(query, parameters, lambda r: r.to_arrow_table(), script=script)

    def tables(self) -> pd.DataFrame:
        """Names of the tables, what they hold, and their rows."""
        import pandas as pd

        listed = self.sql('SELECT "table", sum(rows) AS rows FROM files GROUP BY ALL')
        rows = dict(listed.astype({"rows": int}).itertuples(index=False))
        return pd.DataFrame(
            [(spec.name, rows.get(spec.name, 0), spec.description) for spec in TABLES.values()],
            columns=["table", "rows", "description"],
        )

    def close(self) -> None:
        """Close the database, and the connections to a server."""
        self._connection.close()
        self._home.close()
        self._no_spill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Atlas({self._home.name!r})"

    def _answer(
        self,
        query: str,
        parameters: Sequence[Any] | None,
        collect: Callable[[duckdb.DuckDBPyRelation], Answer],
        *,
        script: bool,
    ) -> Answer:
        try:
            before, last = statements_to_run(query, script=script)
            for statement in before:
                self._connection.execute(statement).fetchall()
            return collect(self._connection.sql(last, params=parameters))
        except duckdb.Error as error:
            raise self._home.told(error) or QueryError(str(error)) from error


def open_atlas(
    place: Path | str,
    *,
    cache: Path | str | None = None,
    tries: int = 4,
    timeout: float = 30.0,
    progress: Progress | None = None,
) -> Atlas:
    """Open an atlas for reading.

    >>> atlas = open_atlas("results/atlas")  # doctest: +SKIP
    >>> atlas.sql("SELECT dataset_id, status FROM datasets")  # doctest: +SKIP

    Parameters
    ----------
    place
        The atlas folder, or its http(s) address. From a server the small tables are downloaded,
        and of large ones only what a query needs.
    cache
        Folder of what is downloaded. None: ``SICMIR_CACHE``, or ``sicmir-atlas`` in
        ``XDG_CACHE_HOME`` or ``~/.cache``.
    tries, timeout
        Requests for one thing before giving up, seconds a server may be silent.
    progress
        Called with name, bytes here and bytes in all as large downloads run.

    Raises
    ------
    GoneError
        If there is no atlas.
    InputError
        If the address is not http(s), the cache cannot be written, or the atlas was written under
        another major version of the schema.
    CorruptError
        If one of its files is missing or broken.
    UnavailableError
        If its server does not answer within the tries, or is publishing another build.
    """
    if not is_address(place):
        return Atlas(Folder(place))
    from sicmir_atlas.atlas.remote.website import Website

    website = Website(str(place), cache=cache, tries=tries, timeout=timeout, progress=progress)
    return Atlas(website)
