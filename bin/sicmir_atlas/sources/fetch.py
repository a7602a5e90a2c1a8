"""One file to verified bytes on disk, from wherever it is."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from sicmir_atlas.disk import link_or_copy, no_space
from sicmir_atlas.errors import CorruptError, GoneError, InputError
from sicmir_atlas.sources import cloud
from sicmir_atlas.sources.cache import from_cache, to_cache
from sicmir_atlas.sources.cloud import BUCKETS
from sicmir_atlas.sources.containers import is_gzip, is_hdf5_name, without_gz
from sicmir_atlas.sources.files import local_path, mask, scheme_of
from sicmir_atlas.sources.part import Part
from sicmir_atlas.sources.streams import require_whole
from sicmir_atlas.sources.unpack import MAX_UNPACKED, unpack, unwrap
from sicmir_atlas.sources.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sicmir_atlas.sources.files import RemoteFile
    from sicmir_atlas.sources.part import Progress

__all__ = ["fetch"]

logger = logging.getLogger(__name__)


def fetch(
    file: RemoteFile,
    folder: Path,
    *,
    cache: Path | None = None,
    tries: int = 6,
    timeout: float = 60.0,
    wait: float = 1.0,
    max_unpacked: int = MAX_UNPACKED,
    requester_pays: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Bring a file into a folder, verified; it appears under its name only when whole.

    An unfinished download in the folder (``NAME.part``) is gone on with. An archive with
    ``unpack`` becomes a folder of its name; gzip around h5ad, h5 and loom is taken off.

    Parameters
    ----------
    file
        What to fetch; local files and folders are linked, or copied across devices.
    folder
        Where to put it.
    cache
        Folder of downloads kept by checksum. Only files whose checksum is promised are kept, and
        are then served without a request.
    tries, timeout, wait
        Requests before giving up, seconds a server may be silent, seconds before the second try.
    max_unpacked
        Bytes that one archive, or gzip file, may unfold into; see :func:`.unpack.unpack`.
    requester_pays
        Project that pays for what is read from a bucket; see :func:`.cloud.download`.
    progress
        Called with name, bytes on disk and bytes in all, while a download runs.

    Returns
    -------
    Path of the file, or of the folder where an archive or a local folder was given.

    Raises
    ------
    GoneError
        If the file does not exist, or the server refuses it.
    CorruptError
        If bytes differ from what was promised, are a web page, or not what the name says; if what
        is compressed does not end as it should, or an archive is not safe to unpack.
    UnavailableError
        If the tries are spent: the one error that a later retry may heal.
    MissingExtraError
        If the address is of a bucket, and the extra ``cloud`` is not installed.
    InputError
        If the address is none, or an archive has no file to take.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / file.name
    scheme = scheme_of(file.url)
    if scheme == "file":
        return _take(file, target, max_unpacked)
    if scheme not in {"http", "https", *BUCKETS}:
        msg = f"{mask(file.url)}: {scheme} is not supported; known are http, https, file, "
        msg += ", ".join(BUCKETS)
        raise InputError(msg)
    if _is_there(file, target):
        return target
    entry = from_cache(cache, file) if cache else None
    if entry:
        logger.info("%s: from the cache", file.name)
        return _place(entry, file, target, max_unpacked)
    part = Part(file, folder / f"{file.name}.part", progress)
    try:
        get = _getter(scheme, requester_pays)
        get(file, part.path, tries=tries, timeout=timeout, wait=wait, progress=progress)
        verify(part.path, file, mask(file.url))
        if not (file.checksum or file.unpack is not None or is_hdf5_name(file.name)):
            # what is cut short would stay in the work folder, where a resume finds it
            require_whole(part.path, f"{mask(file.url)}: {file.name}", max_unpacked)
        placed = _place(part.path, file, target, max_unpacked)
        if cache:
            to_cache(cache, file, part.path)
    except (CorruptError, InputError, OSError) as error:
        # what came before a server went away is kept: a later call goes on with it
        full = no_space(error)
        if full and isinstance(error, OSError):
            error.filename = error.filename or str(part.path)
        if full or not isinstance(error, OSError):
            part.remove()
        raise
    part.remove()
    return placed


def _getter(scheme: str, requester_pays: str | None) -> Callable[..., None]:
    if scheme in BUCKETS:
        return partial(cloud.download, requester_pays=requester_pays)
    from sicmir_atlas.sources.download import download

    return download


def _place(source: Path, file: RemoteFile, target: Path, max_unpacked: int) -> Path:
    """Put verified bytes where they belong: a link, a folder of members, or what gzip held."""
    if file.unpack is not None:
        unpack(source, target, file.unpack, max_unpacked=max_unpacked)
        return target
    if is_hdf5_name(file.name):
        target = target.with_name(without_gz(target.name))
        with source.open("rb") as body:
            folded = is_gzip(body.read(2))
        if folded:
            unwrap(source, target, max_unpacked=max_unpacked)
            return target
    link_or_copy(source, target)
    return target


def _is_there(file: RemoteFile, target: Path) -> bool:
    """Tell whether an earlier call left the very file promised."""
    if not (file.checksum and target.is_file()):
        return False
    try:
        verify(target, file, str(target))
    except CorruptError:
        return False
    return True


def _take(file: RemoteFile, target: Path, max_unpacked: int) -> Path:
    """Link or copy a local file, or the files of a local folder.

    Messages say no place of this machine: they end up in table ``datasets``.
    """
    path = local_path(file.url)
    if path.is_dir():
        if file.checksum:
            msg = f"{file.name} is a folder and has no checksum: list its files in url, with "
            msg += "'|' between"
            raise InputError(msg)
        for inside in sorted(path.iterdir()):
            if inside.is_file() and not inside.name.startswith("."):
                link_or_copy(inside, target / inside.name)
        return target
    if not path.is_file():
        msg = f"{file.name}: no such file; check column url, relative to the samplesheet"
        raise GoneError(msg)
    verify(path, file, "column url")
    logger.info("%s: from disk, %d bytes", file.name, path.stat().st_size)
    return _place(path, file, target, max_unpacked)
