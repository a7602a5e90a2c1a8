"""Files kept by checksum, so that a second run asks no server for a byte."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sicmir_atlas.disk import link_or_copy
from sicmir_atlas.errors import CorruptError
from sicmir_atlas.sources.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from sicmir_atlas.sources.files import RemoteFile

__all__ = ["from_cache", "to_cache"]

logger = logging.getLogger(__name__)


def from_cache(cache: Path, file: RemoteFile) -> Path | None:
    """Give the cached file, where there is one; it is not to be changed.

    The whole digest is proven again: entries are hard links, so whoever writes into a fetched file
    writes into the cache, and reading is far cheaper than fetching. A spoilt entry is removed.
    """
    entry = _entry(cache, file)
    if entry is None or not entry.is_file():
        return None
    try:
        verify(entry, file, str(entry))
    except CorruptError as error:
        logger.warning("cache: %s; removed", error)
        entry.unlink(missing_ok=True)
        return None
    return entry


def to_cache(cache: Path, file: RemoteFile, path: Path) -> None:
    """Keep a verified file; a cache that cannot be written is said, and does no harm."""
    entry = _entry(cache, file)
    if entry is None or entry.exists():
        return
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(path, entry)
    except OSError as error:
        logger.warning("cache: %s cannot be kept: %s", file.name, error)


def _entry(cache: Path, file: RemoteFile) -> Path | None:
    if not file.checksum:
        return None
    algorithm, digest = file.checksum
    return cache / algorithm / digest[:2] / digest
