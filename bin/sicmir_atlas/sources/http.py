"""Small replies of public services: text and JSON, asked for politely."""

from __future__ import annotations

import gzip
import io
import json
import threading
import time
import zlib
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.sources import cloud
from sicmir_atlas.sources.files import mask, scheme_of
from sicmir_atlas.sources.replies import (
    CAPTCHA,
    connection,
    flowing,
    is_captcha,
    refuse_errors,
    told_apart,
)
from sicmir_atlas.sources.retry import Retry, persist

if TYPE_CHECKING:
    from collections.abc import Callable

    from sicmir_atlas.sources.services import Services

__all__ = ["Client"]

# every reply that is asked for here is held in memory; the longest known is 50 MB
_LONGEST = 256_000_000
_NO_HEAD = {405, 501}
_Reply = TypeVar("_Reply")


class Client:
    """Asks public services; threads may share one. Use as a context manager.

    Parameters
    ----------
    services
        Where they answer, who asks, and how often one host may be asked.
    tries
        Requests before giving up.
    timeout
        Seconds a server may be silent, or slower than 1 kB/s.
    wait
        Seconds before the second try; see :func:`.retry.persist`.
    """

    def __init__(
        self, services: Services, *, tries: int = 6, timeout: float = 30.0, wait: float = 1.0
    ) -> None:
        self.services = services
        self.tries, self._timeout, self.wait = tries, timeout, wait
        self._turns = _Turns(services.requests_per_second)
        self._connection = connection(timeout=timeout, email=services.email)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def text(self, url: str) -> str:
        """Body of a reply as text, at most 256 MB; gzip is unpacked.

        A page in place of text is not judged: some services tell errors by pages.

        Raises
        ------
        CorruptError
            If a body that starts as gzip does not end as such.
        GoneError
            If the server says no (4xx); its own reason is in the message.
        InputError
            If the address is neither http(s) nor of a bucket, or the body is longer.
        UnavailableError
            If the tries are spent.
        """
        return _decoded(self._ask(url, lambda: self._body(url)), url)

    def content(self, url: str) -> bytes:
        """Body of a reply as it is, at most 256 MB; a captcha in its place is tried again.

        Raises
        ------
        GoneError, InputError, UnavailableError
            As `text`.
        """

        def once() -> bytes:
            body = self._body(url)
            if is_captcha(body):
                raise Retry(CAPTCHA)
            return body

        return self._ask(url, once)

    def json(self, url: str) -> Any:
        """Content of a JSON reply; a captcha in its place is tried again.

        Raises
        ------
        CorruptError
            If the reply is no JSON.
        GoneError, InputError, UnavailableError
            As `text`.
        """
        text = _decoded(self.content(url), url)
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            page = text.lstrip().startswith("<")
            said = "a web page (HTML) in place of JSON" if page else f"no JSON: {error}"
            msg = f"{mask(url)}: {said}; check the address of the service, or try again later"
            raise CorruptError(msg) from error

    def size(self, url: str) -> int | None:
        """Bytes behind an address, none of them fetched; None where the server does not say."""

        def once() -> int | None:
            if scheme_of(url) in cloud.BUCKETS:
                pays = self.services.requester_pays
                return cloud.size(url, timeout=self._timeout, requester_pays=pays)
            headers = {"Accept-Encoding": "identity"}
            response = self._connection.head(url, headers=headers)
            if response.status_code in _NO_HEAD:
                return None
            refuse_errors(response, mask(url))
            length = response.headers.get("Content-Length", "")
            return int(length) if length.isdecimal() else None

        return self._ask(url, once)

    def _body(self, url: str) -> bytes:
        if scheme_of(url) in cloud.BUCKETS:
            return cloud.content(
                url,
                longest=_LONGEST,
                timeout=self._timeout,
                requester_pays=self.services.requester_pays,
            )
        with self._connection.stream("GET", url) as response:
            refuse_errors(response, mask(url))
            body = bytearray()
            for chunk in flowing(response.iter_bytes(), self._timeout):
                body += chunk
                if len(body) > _LONGEST:
                    raise _too_long(url)
            return bytes(body)

    def _ask(self, url: str, once: Callable[[], _Reply]) -> _Reply:
        def politely() -> _Reply:
            self._turns.take(urlsplit(url).netloc)
            with told_apart(mask(url)):
                return once()

        return persist(politely, address=mask(url), tries=self.tries, wait=self.wait)


class _Turns:
    """Moments at which a host may be asked, handed out in order to threads."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, host: str) -> None:
        """Wait for the next moment."""
        with self._lock:
            now = time.monotonic()
            moment = max(now, self._next.get(host, now))
            self._next[host] = moment + self._gap
        time.sleep(moment - now)


def _decoded(body: bytes, url: str) -> str:
    if body.startswith(b"\x1f\x8b"):
        try:
            body = gzip.GzipFile(fileobj=io.BytesIO(body)).read(_LONGEST + 1)
        except (OSError, EOFError, zlib.error) as error:
            msg = f"{mask(url)}: broken gzip: {error}"
            raise CorruptError(msg) from error
        if len(body) > _LONGEST:
            raise _too_long(url)
    return body.decode("utf-8-sig", errors="replace")


def _too_long(url: str) -> InputError:
    return InputError(f"{mask(url)}: the reply is longer than {_LONGEST // 1_000_000} MB")
