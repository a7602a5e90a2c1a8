"""Manifest and database of an atlas on a web server, kept on this machine."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from sicmir_atlas.atlas.database import quoted
from sicmir_atlas.atlas.home import large_files, listed_files, offline, read_manifest
from sicmir_atlas.errors import CorruptError, GoneError, InputError
from sicmir_atlas.sources.containers import is_page
from sicmir_atlas.sources.download import download
from sicmir_atlas.sources.files import RemoteFile, mask, safe_name
from sicmir_atlas.sources.replies import CAPTCHA, is_captcha, refuse_errors
from sicmir_atlas.sources.retry import Retry, persist

if TYPE_CHECKING:
    import httpx

    from sicmir_atlas.atlas.remote.server import Server
    from sicmir_atlas.sources.part import Progress

__all__ = ["HEADS", "cache_folder", "mirrored", "touch"]

logger = logging.getLogger(__name__)

_UNUSED = 30 * 86_400  # seconds after which what nobody asked for goes
_ETAG = "etag"
HEADS = "dataset_id=-"
"""Folder, in a build's, of a file without rows for each large table."""


def cache_folder(address: str, cache: Path | str | None = None) -> Path:
    """Folder in which downloads from an address are kept.

    Parameters
    ----------
    address
        Address of an atlas, without secrets.
    cache
        Folder of all. None: ``SICMIR_CACHE``, or ``sicmir-atlas`` in ``XDG_CACHE_HOME`` or
        ``~/.cache``.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = Path(cache or os.environ.get("SICMIR_CACHE") or user / "sicmir-atlas")
    readable = safe_name(address.partition("://")[2].replace("/", "_"))[-80:]
    folder = place / "atlases" / f"{readable}-{_short(address.encode())}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        msg = f"{place}: the cache cannot be written ({error.strerror}); name another folder in "
        msg += "SICMIR_CACHE"
        raise InputError(msg) from error
    return folder


def mirrored(server: Server, folder: Path, progress: Progress | None = None) -> Path:
    """Folder with ``manifest.json`` and ``atlas.duckdb`` of the build that is published now.

    What is here of that build is not fetched again. Both files are of one build: it is tried
    again where another was published between two requests.

    Raises
    ------
    GoneError
        If there is no atlas at the address.
    CorruptError, InputError
        If what is there cannot be read.
    UnavailableError
        If the server does not answer within the tries, or its files stay of two builds.
    """

    def once() -> Path:
        manifest, etag = _manifest(server, folder)
        build = folder / _short(manifest)
        if not build.is_dir():
            with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as place:
                part = Path(place) / "build"
                part.mkdir()
                (part / "manifest.json").write_bytes(manifest)
                (part / _ETAG).write_text(etag)
                _fetch_database(server, part / "atlas.duckdb", progress)
                _open_build(part, mask(server.url("")))
                try:
                    part.rename(build)
                except OSError:
                    if not build.is_dir():  # else another process was faster
                        raise
        touch(build)
        return build

    address = mask(server.url("manifest.json"))
    build = persist(once, address=address, tries=server.tries, wait=server.wait)
    _forget_unused(folder)
    return build


def _manifest(server: Server, folder: Path) -> tuple[bytes, str]:
    """Manifest as it is on the server now, and its ETag."""
    known = max(
        folder.glob(f"*/{_ETAG}"), key=lambda path: path.parent.stat().st_mtime, default=None
    )
    etag = known.read_text() if known else ""

    def judge(response: httpx.Response) -> tuple[bytes, str]:
        if response.status_code == 304 and known:
            return known.with_name("manifest.json").read_bytes(), etag
        refuse_errors(response, mask(str(response.url)))
        body = server.body(response)
        if is_captcha(body):
            raise Retry(CAPTCHA)
        if is_page(body):
            msg = f"{mask(server.url(''))}: no atlas here: manifest.json is a web page (HTML); "
            msg += "check the address, or open it in a browser: it may ask for a login"
            raise GoneError(msg)
        return body, response.headers.get("ETag", "")

    headers = {"Cache-Control": "no-cache", **({"If-None-Match": etag} if etag else {})}
    try:
        return server.ask("manifest.json", judge, headers)
    except GoneError as error:
        if error.status not in (404, 410):
            raise
        msg = f"{mask(server.url(''))}: no atlas here (manifest.json: HTTP {error.status}); "
        msg += "check the address"
        raise GoneError(msg, status=error.status) from error


def _fetch_database(server: Server, path: Path, progress: Progress | None) -> None:
    file = RemoteFile(server.url(path.name), path.name)
    download(
        file,
        path,
        tries=server.tries,
        timeout=server.timeout,
        wait=server.wait,
        progress=progress,
    )
    with path.open("rb") as database:
        if is_page(database.read(256)):
            msg = f"{mask(file.url)}: a web page (HTML) in place of the file; check the address"
            raise GoneError(msg)


def _open_build(folder: Path, address: str) -> None:
    """Compare the files that manifest and database list, and write the heads of large tables."""
    manifest = read_manifest((folder / "manifest.json").read_bytes(), address)
    try:
        with offline() as connection:
            connection.execute(f"ATTACH {quoted(str(folder / 'atlas.duckdb'))} AS a (READ_ONLY)")
            files = listed_files(connection, "a", address)
            expected = {(file["path"], file["sha256"]) for file in manifest["files"]}
            if {(file.path, file.sha256) for file in files} != expected:
                msg = "manifest.json and atlas.duckdb are of two builds: one is being published"
                raise Retry(msg)
            (folder / HEADS).mkdir()
            for name in {file.table for file in large_files(files)}:
                _write_head(connection, name, folder / HEADS / f"{name}.parquet")
    except (duckdb.Error, LookupError, TypeError) as error:
        msg = f"{address}: cannot be opened ({error}); tell whoever published it"
        raise CorruptError(msg) from error


def _write_head(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> None:
    """Write a file with a table's columns and no rows, as the database knows them."""
    query = (
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = 'a' AND table_name = ? ORDER BY column_index"
    )
    columns = connection.execute(query, [table]).fetchall()
    listed = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in columns)
    connection.execute(f"COPY (SELECT {listed} WHERE false) TO {quoted(str(path))}")


def _forget_unused(folder: Path) -> None:
    """Remove builds and files that nobody asked for in a month, and what a killed process left."""
    for path in folder.iterdir():
        with suppress(OSError):  # others may be at it
            if time.time() - path.stat().st_mtime < _UNUSED:
                continue
            logger.info("%s: not used for a month; removed", path)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def touch(path: Path) -> None:
    """Note that something was used, where it may be noted."""
    with suppress(OSError):
        os.utime(path)


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
