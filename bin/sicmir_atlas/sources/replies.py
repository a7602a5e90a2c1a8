"""What an http reply means: bytes, another try, or an error with its reason."""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx

from sicmir_atlas.errors import GoneError, InputError
from sicmir_atlas.sources.containers import is_page
from sicmir_atlas.sources.retry import Retry, retry_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "CAPTCHA",
    "connection",
    "flowing",
    "is_captcha",
    "refuse_errors",
    "told_apart",
    "without_captcha",
]

CAPTCHA = "a captcha page: the server has blocked this address for now"
"""Why such a page is tried again."""

_MAX_REDIRECTS = 10
_LATER = {408, 425, 429}
_SLOWEST = 1000.0  # bytes per second
_LONGEST_PROBLEM = 64 << 10
_LONGEST_PAGE = 256 << 10
_TOKEN = 12


def connection(*, timeout: float, email: str | None = None) -> httpx.Client:
    """Open a client that says who asks, follows redirects and gives up on silence."""
    from sicmir_atlas import __version__

    agent = f"sicmir-atlas/{__version__}" + (f" ({email})" if email else "")
    return httpx.Client(
        headers={"User-Agent": agent},
        timeout=timeout,
        follow_redirects=True,
        max_redirects=_MAX_REDIRECTS,
    )


@contextmanager
def told_apart(address: str) -> Iterator[None]:
    """Turn what httpx raises into `Retry` or an error of this package.

    Raises
    ------
    GoneError
        If the server sends the request in circles.
    InputError
        If the address, or one it leads to, is not http(s).
    """
    try:
        yield
    except httpx.TooManyRedirects as error:
        msg = f"{address}: more than {_MAX_REDIRECTS} redirects: it leads in circles"
        raise GoneError(msg) from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        msg = f"{address}: it is, or leads to, no http or https address"
        raise InputError(msg) from error
    except httpx.RequestError as error:
        msg = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise Retry(msg) from error


def refuse_errors(response: httpx.Response, address: str, what: str = "") -> None:
    """Pass where the reply is content; the body of another is read for its reason.

    Parameters
    ----------
    response
        Reply whose body has not been read.
    address, what
        What was asked for, for messages.

    Raises
    ------
    GoneError
        If the server says no (4xx).
    """
    status = response.status_code
    if status in {200, 206}:
        return
    if status in _LATER or status >= 500:
        after = retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
        msg = f"HTTP {status}"
        raise Retry(msg, after)
    if status >= 400:
        msg = f"{address}: HTTP {status} {response.reason_phrase}: the server refuses"
        msg += f" {what}" if what else ""
        detail = _detail(response)
        raise GoneError(
            f"{msg}: {detail}" if detail else f"{msg}; check the address", status=status
        )
    msg = f"HTTP {status} without content"
    raise Retry(msg)


def _detail(response: httpx.Response) -> str | None:
    """Reason in a body of problem details (sources spec, section 2.1), or of a bucket's XML.

    A cut body raises.
    """
    kind = response.headers.get("Content-Type", "").split(";")[0]
    if kind.endswith("xml"):
        body = next(response.iter_bytes(_LONGEST_PROBLEM), b"").decode("utf-8", errors="replace")
        said = [found[1] for name in ("Code", "Message") if (found := _element(name, body))]
        return _without_secrets(": ".join(said), response) or None
    if not kind.endswith("json"):
        return None
    try:
        detail = json.loads(next(response.iter_bytes(_LONGEST_PROBLEM), b""))["detail"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return _without_secrets(str(detail), response)


def _without_secrets(text: str, response: httpx.Response) -> str:
    """One line of a server's own words, which may repeat what it was asked with."""
    for asked in (response, *response.history):
        url = asked.request.url
        # accessions are shorter than tokens, and said by services with reason
        long = (value for _, value in url.params.multi_items() if len(value) >= _TOKEN)
        said = {url.query.decode("ascii", "replace"), url.username, url.password, *long} - {""}
        for secret in sorted({*said, *map(quote, said)}, key=len, reverse=True):
            text = text.replace(secret, "***")
    return " ".join(text.split())[:300]


def _element(name: str, xml: str) -> re.Match[str] | None:
    return re.search(rf"<{name}>([^<]*)</{name}>", xml)


def is_captcha(body: bytes) -> bool:
    """Tell a page that asks whether a person is there; it goes away (sources spec, 1.3)."""
    return is_page(body) and b"recaptcha" in body.lower()


def flowing(chunks: Iterable[bytes], seconds: float) -> Iterator[bytes]:
    """Pass bytes on as long as 1 kB comes each second, on average over the seconds given.

    A server that sends a byte now and then is as good as silent.
    """
    since, came = time.monotonic(), 0
    for chunk in chunks:
        yield chunk
        came += len(chunk)
        passed = time.monotonic() - since
        if passed >= seconds:
            if came < _SLOWEST * passed:
                msg = f"stalled: {came} bytes in {passed:.0f} s"
                raise Retry(msg)
            since, came = time.monotonic(), 0


def without_captcha(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Pass bytes on; a captcha page is told before any of it is passed."""
    head = next(chunks, b"")
    while is_page(head) and len(head) < _LONGEST_PAGE and (more := next(chunks, b"")):
        head += more
    if is_captcha(head):
        raise Retry(CAPTCHA)
    yield head
    yield from chunks
