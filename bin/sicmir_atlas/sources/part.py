"""An unfinished download on disk: what may be built on, and what comes to it."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Protocol

from sicmir_atlas.sources.files import mask
from sicmir_atlas.sources.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sicmir_atlas.sources.files import RemoteFile

__all__ = ["Part", "Progress"]

logger = logging.getLogger(__name__)


class Progress(Protocol):
    """Called as bytes arrive."""

    def __call__(self, name: str, done: int, total: int | None, /) -> None:
        """Tell that `done` bytes of `total` (None: not known) are on disk."""


class Part:
    """Bytes of a file collected over tries, also over several processes.

    Parameters
    ----------
    file
        What is fetched.
    path
        Where bytes collect; notes on them lie beside.
    progress
        Called as bytes arrive.
    """

    def __init__(self, file: RemoteFile, path: Path, progress: Progress | None = None) -> None:
        self.path, self._file, self._progress = path, file, progress
        self._notes = path.with_name(path.name + ".json")
        self._since, self._had = time.monotonic(), self.size()

    def size(self) -> int:
        """Bytes on disk."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def kept(self) -> tuple[int, str | None]:
        """Tell how many bytes may be built on, and what proves that more are of the same file.

        Without such a proof only a promised checksum makes going on safe.
        """
        have, validator = self.size(), None
        if have:
            try:
                told = json.loads(self._notes.read_text(encoding="utf-8"))
                if told["address"] == mask(self._file.url):
                    validator = told["validator"]
            except (OSError, ValueError, KeyError, TypeError):
                validator = None
            if not (validator or self._file.checksum):
                have = 0
        return have, validator

    def restart(self, validator: str | None) -> None:
        """Drop what is here, and note what will prove more bytes to be of the same file."""
        self.path.unlink(missing_ok=True)
        told = {"address": mask(self._file.url), "validator": validator}
        self._notes.write_text(json.dumps(told), encoding="utf-8")

    def add(self, chunks: Iterable[bytes], start: int, total: int | None) -> None:
        """Write what comes after `start` bytes; a reply that ends early may be tried again."""
        in_all = "size not told" if total is None else f"{total} bytes"
        if start:
            logger.info("%s: resumed from byte %d, %s in all", self._file.name, start, in_all)
        else:
            logger.info("%s: started, %s", self._file.name, in_all)
        done = start
        # unbuffered: what arrived before a kill is on disk
        with self.path.open("ab", buffering=0) as out:
            for chunk in chunks:
                out.write(chunk)
                done += len(chunk)
                if self._progress:
                    self._progress(self._file.name, done, total)
        if total is not None and done != total:
            msg = f"{done} bytes of {total} came"
            raise Retry(msg)

    def log_done(self) -> None:
        """Say how many bytes there are, and how fast those came that were not here before."""
        seconds = max(time.monotonic() - self._since, 1e-3)
        rate = (self.size() - self._had) / seconds / 1e6
        line = "%s: done, %d bytes in %.1f s, %.2f MB/s"
        logger.info(line, self._file.name, self.size(), seconds, rate)

    def remove(self) -> None:
        """Leave nothing behind."""
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)
