"""An atlas on a web server: small tables downloaded, large ones read by ranges of bytes."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from sicmir_atlas.atlas.database import quoted
from sicmir_atlas.atlas.home import offline, read_manifest
from sicmir_atlas.atlas.remote.mirror import HEADS, cache_folder, mirrored
from sicmir_atlas.atlas.remote.server import Server
from sicmir_atlas.errors import GoneError, InputError, UnavailableError
from sicmir_atlas.sources.files import mask, scheme_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sicmir_atlas.atlas.files import AtlasFile
    from sicmir_atlas.atlas.remote.filesystem import AtlasFileSystem
    from sicmir_atlas.sources.part import Progress

__all__ = ["Website"]

logger = logging.getLogger(__name__)

_THREADS = 8  # they wait for the server more than they compute
_LARGE = 10_000_000  # bytes from which a download is worth a bar
_HTTPFS = (
    # secrets are looked up once, as that needs files: none of the user's
    "SET allow_persistent_secrets = false; LOAD httpfs; FROM duckdb_secrets()"
)


class Website:
    """An atlas at an http(s) address.

    ``manifest.json`` and ``atlas.duckdb``, which holds the small tables, are downloaded into the
    cache. Of large tables only what a query needs is read: by DuckDB's extension httpfs where
    it is installed and can read them, else through `AtlasFileSystem`.

    Parameters
    ----------
    address
        Address of the atlas folder; its query, such as a signature, is sent with every request.
    cache
        Folder of downloads; see :func:`.mirror.cache_folder`.
    tries, timeout
        Requests for one thing before giving up, seconds the server may be silent.
    progress
        Called as bytes of large downloads arrive.

    Raises
    ------
    GoneError
        If there is no atlas at the address.
    InputError
        If the address is not http(s), the cache cannot be written, or the atlas was written under
        another major version of the schema.
    CorruptError
        If what is there cannot be read.
    UnavailableError
        If the server does not answer within the tries, or is publishing another build.
    """

    partitioned = True

    def __init__(
        self,
        address: str,
        *,
        cache: Path | str | None = None,
        tries: int = 4,
        timeout: float = 30.0,
        progress: Progress | None = None,
    ) -> None:
        self.name = mask(address)
        if scheme_of(address) not in {"http", "https"}:
            msg = f"{self.name}: an atlas is asked over http or https, or in a folder: give one"
            raise InputError(msg)
        self._server = Server(address, tries=tries, timeout=timeout)
        self._progress = _of_large(progress)
        try:
            self._folder = cache_folder(self.name, cache)
            self._build = mirrored(self._server, self._folder, self._progress)
            self.manifest = read_manifest((self._build / "manifest.json").read_bytes(), self.name)
        except BaseException:
            self.close()
            raise
        self.database = self._build / "atlas.duckdb"
        self._filesystem: AtlasFileSystem | None = None

    def mount(
        self, connection: duckdb.DuckDBPyConnection, files: Sequence[AtlasFile]
    ) -> dict[str, list[str]]:
        """Make files readable on a connection; their addresses there, by table.

        First of each table stands one without rows that is here already, so that the columns are
        known before anything is read.
        """
        if (os.cpu_count() or 1) < _THREADS:
            connection.execute(f"SET threads = {_THREADS}")
        tables = sorted({file.table for file in files})
        heads = {name: self._build / HEADS / f"{name}.parquet" for name in tables}
        # a query that servers of files pass over, and that tells DuckDB whose rows a file holds
        urls = {f: f"{self._server.url(f.path)}?/dataset_id={f.dataset_id}/" for f in files}
        if files and self._server.plain and _without_keys(self._build, self._server.url("")):
            smallest = min(files, key=lambda file: file.bytes)
            if _httpfs_reads(urls[smallest]):
                logger.info("%s: read by DuckDB's httpfs", self.name)
                connection.execute(_HTTPFS)
                own = {name: [urls[file] for file in files if file.table == name] for name in heads}
                return {name: [str(heads[name]), *own[name]] for name in heads}
        return self._through_filesystem(connection, files, heads)

    def _through_filesystem(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Sequence[AtlasFile],
        heads: Mapping[str, Path],
    ) -> dict[str, list[str]]:
        from sicmir_atlas.atlas.remote.filesystem import PROTOCOL, AtlasFileSystem
        from sicmir_atlas.atlas.remote.ranges import Ranges

        names = {f"{name}/dataset_id=-/none.parquet": str(head) for name, head in heads.items()}
        addresses = {name: [f"{PROTOCOL}://{name}/dataset_id=-/none.parquet"] for name in heads}
        for file in files:
            name = f"{file.table}/dataset_id={file.dataset_id}/{Path(file.path).name}"
            names[name] = file.path
            addresses[file.table].append(f"{PROTOCOL}://{name}")
        here = {str(head): head for head in heads.values()}
        ranges = Ranges(self._server, files, self._folder, here=here, progress=self._progress)
        self._filesystem = AtlasFileSystem(ranges, names)
        connection.register_filesystem(self._filesystem)
        return addresses

    def told(self, error: duckdb.Error) -> Exception | None:
        """What was behind an error of DuckDB, where the server was."""
        if self._filesystem is not None:
            failure, self._filesystem.failure = self._filesystem.failure, None
            return failure if type(failure).__name__ in str(error) else None
        if not isinstance(error, (duckdb.HTTPException, duckdb.IOException)):
            return None
        msg = f"{self.name}: {str(error).splitlines()[0]}; if it was published anew, open it again"
        if getattr(error, "status_code", None) in (404, 410):
            return GoneError(msg)
        return UnavailableError(msg)

    def close(self) -> None:
        """Close the connections to the server."""
        self._server.close()


def _without_keys(*places: object) -> bool:
    """Tell places of which DuckDB takes no folder, named ``key=value``, for a column."""
    return not any("=" in str(place) for place in places)


def _httpfs_reads(url: str) -> bool:
    """Tell whether httpfs is there and gets ranges of a file from its server."""
    with offline() as connection:
        try:
            connection.execute(_HTTPFS)
            connection.execute("SET auto_fallback_to_full_download = false; SET http_retries = 0")
            connection.execute(f"DESCRIBE FROM read_parquet({quoted(url)})")
        except duckdb.Error as error:
            logger.debug("httpfs is not used: %s", error)
            return False
    return True


def _of_large(progress: Progress | None) -> Progress | None:
    if progress is None:
        return None

    def tell(name: str, done: int, total: int | None, /) -> None:
        if total is None or total >= _LARGE:
            progress(name, done, total)

    return tell
