"""One http(s) download: resumed, tried again, or given up with the reason."""

from __future__ import annotations

import json
import logging
import random
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

import httpx

from sicmir_atlas import __version__
from sicmir_atlas.errors import GoneError, InputError, UnavailableError
from sicmir_atlas.sources.files import mask

if TYPE_CHECKING:
    from pathlib import Path

    from sicmir_atlas.sources.files import RemoteFile

__all__ = ["Progress", "download", "retry_after"]

logger = logging.getLogger(__name__)

_LONGEST_WAIT = 60.0
_LONGEST_RETRY_AFTER = 300.0
_MAX_REDIRECTS = 10
_LATER = {408, 425, 429}
# a try that brought this much is not held against a server that cuts long connections
_PROGRESS = 64 << 20


class Progress(Protocol):
    """Called as bytes arrive."""

    def __call__(self, name: str, done: int, total: int | None, /) -> None:
        """Tell that `done` bytes of `total` (None: not known) are on disk."""


class _Retry(Exception):  # noqa: N818  control flow of this module
    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


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
    tries
        Requests before giving up; counted anew whenever 64 MiB more have come.
    timeout
        Seconds a server may be silent.
    wait
        Seconds before the second try; doubled each time, up to a minute, less a random part.
        ``Retry-After`` takes its place, up to five minutes.
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
    headers = {"User-Agent": f"sicmir-atlas/{__version__}", "Accept-Encoding": "identity"}
    with httpx.Client(
        headers=headers, timeout=timeout, follow_redirects=True, max_redirects=_MAX_REDIRECTS
    ) as client:
        attempt, best = 0, _size(part)
        while attempt < tries:
            attempt, after = attempt + 1, None
            try:
                _attempt(client, file, part, progress)
            except _Retry as reason:
                why, after = str(reason), reason.after
            except httpx.TooManyRedirects as error:
                msg = f"{address}: more than {_MAX_REDIRECTS} redirects: it leads in circles"
                raise GoneError(msg) from error
            except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
                msg = f"{address}: it is, or leads to, no http or https address"
                raise InputError(msg) from error
            except httpx.TransportError as error:
                why = f"{type(error).__name__}: {error}".removesuffix(": ")
            else:
                return
            if _size(part) - best >= _PROGRESS:
                attempt, best = 1, _size(part)
            logger.warning(
                "%s: try %d of %d: %s; %d bytes kept", address, attempt, tries, why, _size(part)
            )
            if attempt < tries:
                pause = min(_LONGEST_WAIT, wait * 2 ** (attempt - 1)) * random.uniform(0.5, 1)
                time.sleep(pause if after is None else after)
    msg = f"{address}: unavailable after {tries} tries; the last said: {why}; run it again later"
    raise UnavailableError(msg)


def _attempt(client: httpx.Client, file: RemoteFile, part: Path, progress: Progress | None) -> None:
    """Send one request and write what comes; raise `_Retry` where another may help."""
    notes = part.with_name(part.name + ".json")
    have, validator = _kept(file, part, notes)
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and validator:
        headers["If-Range"] = validator
    with client.stream("GET", file.url, headers=headers) as response:
        _refuse_errors(response, file, part, have)
        if response.status_code == 416:
            return  # every byte was here already
        resumed = response.status_code == 206
        if resumed and _range(response)[0] != have:
            part.unlink(missing_ok=True)
            msg = f"asked from byte {have}, got {response.headers.get('Content-Range')}"
            raise _Retry(msg)
        start = have if resumed else 0
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else None
        if not resumed:
            part.unlink(missing_ok=True)
            told = {"address": mask(file.url), "validator": _validator(response)}
            notes.write_text(json.dumps(told), encoding="utf-8")
        done = start
        # unbuffered: what arrived before a kill is on disk
        with part.open("ab", buffering=0) as out:
            for chunk in response.iter_raw():
                out.write(chunk)
                done += len(chunk)
                if progress:
                    progress(file.name, done, total)
        if total is not None and done != total:
            msg = f"{done} bytes of {total} came"
            raise _Retry(msg)


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


def _refuse_errors(response: httpx.Response, file: RemoteFile, part: Path, have: int) -> None:
    status = response.status_code
    if status in {200, 206}:
        return
    if status == 416 and have:
        if _range(response)[1] == have:
            return
        part.unlink(missing_ok=True)
        msg = f"HTTP 416: no bytes after {have}; starting over"
        raise _Retry(msg)
    if status in _LATER or status >= 500:
        after = retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
        msg = f"HTTP {status}"
        raise _Retry(msg, after)
    if status >= 400:
        msg = f"{mask(file.url)}: HTTP {status} {response.reason_phrase}: the server refuses "
        msg += f"{file.name}; check the address"
        raise GoneError(msg)
    msg = f"HTTP {status} without content"
    raise _Retry(msg)


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


def retry_after(value: str | None, date: str | None = None) -> float | None:
    """Seconds that ``Retry-After`` asks for, 0 to 300; None where it says nothing readable.

    Parameters
    ----------
    value
        Seconds, or an HTTP date.
    date
        The reply's own ``Date``, so that a clock here that is wrong does not matter.
    """
    if not value:
        return None
    if value.strip().isdigit():
        return min(_LONGEST_RETRY_AFTER, float(value))
    try:
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        seconds = (parsedate_to_datetime(value) - now).total_seconds()
    except (TypeError, ValueError):
        return None
    return min(_LONGEST_RETRY_AFTER, max(0.0, seconds))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
