"""One http(s) download: resumed, tried again, or given up with the reason."""

from __future__ import annotations

import json
import logging
import re
import time
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from sicmir_atlas.sources.files import mask
from sicmir_atlas.sources.replies import (
    connection,
    flowing,
    refuse_errors,
    told_apart,
    without_captcha,
)
from sicmir_atlas.sources.retry import Retry, persist

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from sicmir_atlas.sources.files import RemoteFile

__all__ = ["Progress", "download"]

logger = logging.getLogger(__name__)


class Progress(Protocol):
    """Called as bytes arrive."""

    def __call__(self, name: str, done: int, total: int | None, /) -> None:
        """Tell that `done` bytes of `total` (None: not known) are on disk."""


def download(
    file: RemoteFile,
    part: Path,
    *,
    tries: int = 6,
    timeout: float = 60.0,
    wait: float = 1.0,
    progress: Progress | None = None,
) -> None:
    """Fetch an http(s) address into `part`, going on from what is there.

    Parameters
    ----------
    file
        What to fetch; its checksum is left to the caller.
    part
        Where bytes collect, also over several processes.
    tries, wait
        Requests before giving up, seconds before the second; see :func:`.retry.persist`.
    timeout
        Seconds a server may be silent, or slower than 1 kB/s.
    progress
        Called as bytes arrive.

    Raises
    ------
    GoneError
        If the server says no (4xx) or sends the request in circles.
    InputError
        If the address, or one it leads to, is not http(s).
    UnavailableError
        If the tries are spent.
    """
    address = mask(file.url)
    since, had = time.monotonic(), _size(part)
    with connection(timeout=timeout) as client:

        def once() -> None:
            with told_apart(address):
                _attempt(client, file, part, timeout, progress)

        persist(once, address=address, tries=tries, wait=wait, kept=partial(_size, part))
    log_done(file.name, _size(part), had, since)


def log_done(name: str, size: int, had: int, since: float) -> None:
    """Say how many bytes came, beside those that were here, and how fast."""
    seconds = max(time.monotonic() - since, 1e-3)
    rate = (size - had) / seconds / 1e6
    logger.info("%s: done, %d bytes in %.1f s, %.2f MB/s", name, size, seconds, rate)


def _attempt(
    client: httpx.Client,
    file: RemoteFile,
    part: Path,
    timeout: float,
    progress: Progress | None,
) -> None:
    """Send one request and write what comes; raise `Retry` where another may help."""
    notes = part.with_name(part.name + ".json")
    have, validator = _kept(file, part, notes)
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if validator:
            headers["If-Range"] = validator
    with client.stream("GET", file.url, headers=headers) as response:
        if response.status_code == 416 and have:
            if _range(response)[1] == have:
                return  # every byte was here already
            part.unlink(missing_ok=True)
            msg = f"HTTP 416: no bytes after {have}; starting over"
            raise Retry(msg)
        refuse_errors(response, mask(file.url), file.name)
        resumed = response.status_code == 206
        if resumed and _range(response)[0] != have:
            part.unlink(missing_ok=True)
            msg = f"asked from byte {have}, got {response.headers.get('Content-Range')}"
            raise Retry(msg)
        chunks = flowing(response.iter_raw(), timeout)
        start = have if resumed else 0
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else None
        in_all = "size not told" if total is None else f"{total} bytes"
        if resumed:
            logger.info("%s: resumed from byte %d, %s in all", file.name, start, in_all)
        else:
            chunks = without_captcha(chunks)
            first = next(chunks, b"")  # what is here is not given up for a page
            chunks = chain([first], chunks)
            logger.info("%s: started, %s", file.name, in_all)
            part.unlink(missing_ok=True)
            told = {"address": mask(file.url), "validator": _validator(response)}
            notes.write_text(json.dumps(told), encoding="utf-8")
        done = start
        # unbuffered: what arrived before a kill is on disk
        with part.open("ab", buffering=0) as out:
            for chunk in chunks:
                out.write(chunk)
                done += len(chunk)
                if progress:
                    progress(file.name, done, total)
        if total is not None and done != total:
            msg = f"{done} bytes of {total} came"
            raise Retry(msg)


def _kept(file: RemoteFile, part: Path, notes: Path) -> tuple[int, str | None]:
    """Tell how many bytes of an earlier try may be built on, and what proves they are the same.

    Without such a proof only a promised checksum makes going on safe.
    """
    have, validator = _size(part), None
    if have:
        try:
            told = json.loads(notes.read_text(encoding="utf-8"))
            if told["address"] == mask(file.url):
                validator = told["validator"]
        except (OSError, ValueError, KeyError, TypeError):
            validator = None
        if not (validator or file.checksum):
            have = 0
    return have, validator


def _range(response: httpx.Response) -> tuple[int | None, int | None]:
    """First byte and total of ``Content-Range``, as far as it tells."""
    found = re.fullmatch(
        r"bytes\s+(?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", "").strip()
    )
    first, total = found.groups() if found else (None, None)
    return (int(first) if first else None, int(total) if total and total != "*" else None)


def _validator(response: httpx.Response) -> str | None:
    """Give the strong ETag, or the date of the last change, that ``If-Range`` accepts."""
    etag: str | None = response.headers.get("ETag")
    if etag:
        return None if etag.startswith("W/") else etag
    changed: str | None = response.headers.get("Last-Modified")
    return changed


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
