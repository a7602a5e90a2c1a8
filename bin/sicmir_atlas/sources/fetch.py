"""One file to verified bytes on disk, from wherever it is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sicmir_atlas.disk import link_or_copy
from sicmir_atlas.errors import CorruptError, GoneError, InputError
from sicmir_atlas.sources.cache import from_cache, to_cache
from sicmir_atlas.sources.files import local_path, mask, scheme_of
from sicmir_atlas.sources.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from sicmir_atlas.sources.download import Progress
    from sicmir_atlas.sources.files import RemoteFile

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
    progress: Progress | None = None,
) -> Path:
    """Bring a file into a folder, verified; it appears under its name only when whole.

    An unfinished download in the folder (``NAME.part``) is gone on with.

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
    progress
        Called with name, bytes on disk and bytes in all, while a download runs.

    Returns
    -------
    Path of the file, or of the folder where a local folder was given.

    Raises
    ------
    GoneError
        If the file does not exist, or the server refuses it.
    CorruptError
        If bytes differ from what was promised, or are a web page.
    UnavailableError
        If the tries are spent: the one error that a later retry may heal.
    InputError
        If the address is none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / file.name
    scheme = scheme_of(file.url)
    if scheme == "file":
        return _take(file, target)
    if scheme not in {"http", "https"}:
        msg = f"{mask(file.url)}: {scheme} is not supported; known are http, https and file"
        raise InputError(msg)
    if _is_there(file, target):
        return target
    if cache and from_cache(cache, file, target):
        logger.info("%s: from the cache", file.name)
        return target
    part = folder / f"{file.name}.part"
    from sicmir_atlas.sources.download import download

    download(file, part, tries=tries, timeout=timeout, wait=wait, progress=progress)
    notes = part.with_name(part.name + ".json")
    try:
        verify(part, file, mask(file.url))
    except CorruptError:
        part.unlink()
        notes.unlink(missing_ok=True)
        raise
    part.replace(target)
    notes.unlink(missing_ok=True)
    if cache:
        to_cache(cache, file, target)
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


def _take(file: RemoteFile, target: Path) -> Path:
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
    verify(path, file, str(path))
    link_or_copy(path, target)
    return target
