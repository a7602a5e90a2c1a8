"""The web server of an atlas: files by their path, asked for with patience."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlsplit

import httpx

from sicmir_atlas.errors import GoneError
from sicmir_atlas.sources.files import mask
from sicmir_atlas.sources.replies import connection, flowing, told_apart
from sicmir_atlas.sources.retry import Retry, persist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Server"]

_Answer = TypeVar("_Answer")


class Server:
    """Asks for the files under one address; threads may share one.

    Parameters
    ----------
    address
        http(s) address of the atlas; its query, such as a signature, is sent with every request.
    tries
        Requests for one thing before giving up.
    timeout
        Seconds the server may be silent, or slower than 1 kB/s.
    wait
        Seconds before the second try; see :func:`.retry.persist`.
    """

    def __init__(self, address: str, *, tries: int, timeout: float, wait: float = 0.5) -> None:
        self.tries, self.timeout, self.wait = tries, timeout, wait
        self.parts = urlsplit(address)._replace(fragment="")
        self._client = connection(timeout=timeout)

    @property
    def plain(self) -> bool:
        """Whether the address holds no secret."""
        return not self.parts.query and "@" not in self.parts.netloc

    def url(self, path: str) -> str:
        """Address of a file of the atlas."""
        whole = f"{self.parts.path.rstrip('/')}/{quote(path)}"
        return self.parts._replace(path=whole).geturl()

    def ask(
        self,
        path: str,
        judge: Callable[[httpx.Response], _Answer],
        headers: Mapping[str, str],
    ) -> _Answer:
        """Give what `judge` makes of the reply, whose body has not been read.

        Raises
        ------
        GoneError
            If there is no such host, it is not trusted, or it sends the request in circles.
        InputError
            If the address, or one it leads to, is not http(s).
        UnavailableError
            If the tries are spent.
        """
        url = self.url(path)

        def once() -> _Answer:
            with (
                told_apart(mask(url)),
                _hopeless(mask(url)),
                self._client.stream(
                    "GET", url, headers={"Accept-Encoding": "identity", **headers}
                ) as response,
            ):
                return judge(response)

        return persist(once, address=mask(url), tries=self.tries, wait=self.wait)

    def body(self, response: httpx.Response) -> bytes:
        """Body of a reply, as long as it says."""
        body = b"".join(flowing(response.iter_raw(), self.timeout))
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and len(body) != int(length):
            msg = f"{len(body)} bytes of {length} came"
            raise Retry(msg)
        return body

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


@contextmanager
def _hopeless(address: str) -> Iterator[None]:
    """Tell failures to connect that another try cannot heal."""
    try:
        yield
    except httpx.ConnectError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, (socket.gaierror, ssl.SSLError)):
            cause = cause.__cause__ or cause.__context__
        if isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN:
            msg = f"{address}: no such host ({cause.strerror}); check the address and the network"
        elif isinstance(cause, ssl.SSLCertVerificationError):
            msg = (
                f"{address}: its certificate is not trusted ({cause.verify_message}); check the "
                "address, or name your authority's certificates in SSL_CERT_FILE"
            )
        elif isinstance(cause, ssl.SSLError):
            msg = f"{address}: no TLS there ({cause.reason}); check whether it is http or https"
        else:
            raise
        raise GoneError(msg) from error
