"""A server of files on 127.0.0.1, with ranges or without, that counts what it sends."""

from __future__ import annotations

import hashlib
import re
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Request(NamedTuple):
    path: str
    query: str
    range: str | None
    authorization: str | None
    status: int
    sent: int


class AtlasServer:
    """Serves a folder under ``/atlas/``; use as a context manager.

    Parameters
    ----------
    folder
        What is served; may be another one later.
    ranges, etags
        Whether Range is understood, and ETag sent.
    """

    def __init__(self, folder: Path, *, ranges: bool = True, etags: bool = True) -> None:
        self.folder, self.ranges, self.etags = folder, ranges, etags
        self.requests: list[Request] = []
        self.replies: dict[str, bytes | int] = {}
        """By path: a body in place of the file's, or a status without one."""
        self.cut: dict[str, int] = {}
        """By path: how many replies still stop half-way."""
        self.meanwhile: Callable[[str], None] = lambda _: None
        """Called with the path after each reply."""
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"owner": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}/atlas"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._open: set[BaseHTTPRequestHandler] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Be gone, also for connections that are open."""
        if self._thread.is_alive():
            self.server.shutdown()
            self._thread.join()
            self.server.server_close()
            for handler in list(self._open):
                with suppress(OSError):
                    handler.connection.shutdown(2)

    def sent(self, beginning: str = "") -> int:
        """Bytes of bodies sent for paths that begin so."""
        return sum(r.sent for r in self.requests if r.path.startswith(beginning))

    def counted(self) -> int:
        """Requests since it was asked last."""
        n = len(self.requests)
        self.requests.clear()
        return n


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: AtlasServer

    def setup(self) -> None:
        super().setup()
        self.owner._open.add(self)

    def finish(self) -> None:
        self.owner._open.discard(self)
        with suppress(OSError):
            super().finish()

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path).removeprefix("/atlas/")
        file = self.owner.folder / path
        body = self.owner.replies.get(path, 404)
        if body == 404 and path not in self.owner.replies and file.is_file():
            body = file.read_bytes()
        if isinstance(body, int):
            self.answer(path, body, {}, b"")
        else:
            self.serve(path, body)
        self.owner.meanwhile(path)

    def serve(self, path: str, body: bytes) -> None:
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {"ETag": tag} if self.owner.etags else {}
        if self.owner.etags and self.headers.get("If-None-Match") == tag:
            return self.answer(path, 304, headers, b"")
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not (asked and self.owner.ranges):
            return self.answer(path, 200, headers, body)
        start = int(asked[1])
        if start >= len(body):
            return self.answer(path, 416, {"Content-Range": f"bytes */{len(body)}"}, b"")
        part = body[start : int(asked[2]) + 1 if asked[2] else None]
        headers["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(body)}"
        return self.answer(path, 206, headers, part)

    def answer(self, path: str, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        sent = 0
        with self.owner.lock:
            cut = self.owner.cut.get(path, 0)
            self.owner.cut[path] = max(0, cut - 1)
        if self.command == "GET":
            whole = body
            body = body[: len(body) // 2] if cut else body
            self.close_connection = len(body) < len(whole)
            with suppress(OSError):
                for at in range(0, len(body), 1 << 16):
                    self.wfile.write(body[at : at + (1 << 16)])
                    sent += len(body[at : at + (1 << 16)])
        self.owner.requests.append(
            Request(
                path,
                urlsplit(self.path).query,
                self.headers.get("Range"),
                self.headers.get("Authorization"),
                status,
                sent,
            )
        )
