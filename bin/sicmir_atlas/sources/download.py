"""One http(s) download: resumed, tried again, or given up with the reason."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from sicmir_atlas.sources.files import mask
from sicmir_atlas.sources.part import Part
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
    from sicmir_atlas.sources.part import Progress

__all__ = ["download"]


def download(
    file: RemoteFile,
    path: Path,
    *,
    tries: int = 6,
    timeout: float = 60.0,
    wait: float = 1.0,
    email: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Fetch an http(s) address into `path`, going on from what is there.

    Parameters
    ----------
    file
        What to fetch; its checksum is left to the caller.
    path
        Where bytes collect, also over several processes.
    tries, wait
        Requests before giving up, seconds before the second; see :func:`.retry.persist`.
    timeout
        Seconds a server may be silent, or slower than 1 kB/s.
    email
        Whom the server may write to about these requests.
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
    part = Part(file, path, progress)
    with connection(timeout=timeout, email=email) as client:

        def once() -> None:
            with told_apart(address):
                _attempt(client, file, part, timeout)

        persist(once, address=address, tries=tries, wait=wait, kept=part.size)
    part.log_done()


def _attempt(client: httpx.Client, file: RemoteFile, part: Part, timeout: float) -> None:
    """Send one request and write what comes; raise `Retry` where another may help."""
    have, validator = part.kept()
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if validator:
            headers["If-Range"] = validator
    with client.stream("GET", file.url, headers=headers) as response:
        if response.status_code == 416 and have:
            if _range(response)[1] == have:
                return  # every byte was here already
            part.remove()
            msg = f"HTTP 416: no bytes after {have}; starting over"
            raise Retry(msg)
        refuse_errors(response, mask(file.url), file.name)
        resumed = response.status_code == 206
        if resumed and _range(response)[0] != have:
            part.remove()
            msg = f"asked from byte {have}, got {response.headers.get('Content-Range')}"
            raise Retry(msg)
        chunks = flowing(response.iter_raw(), timeout)
        if not resumed:
            chunks = without_captcha(chunks)
            first = next(chunks, b"")  # what is here is not given up for a page
            chunks = chain([first], chunks)
            part.restart(_validator(response))
        start = have if resumed else 0
        length = response.headers.get("Content-Length", "")
        part.add(chunks, start, start + int(length) if length.isdecimal() else None)


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
