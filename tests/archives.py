"""Simulated public archives on 127.0.0.1: sites under prefixes, with faults at a fixed pace."""

from __future__ import annotations

import hashlib
import itertools
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self

FAULTS = ("503", "cut", "429", "reset", "html")


@dataclass(frozen=True)
class Reply:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Site = Callable[[str], Reply | None]


class Request(NamedTuple):
    method: str
    path: str
    status: int
    fault: str | None


class ArchiveServer:
    """Serves each site under its prefix; use as a context manager.

    A site gets the path after its prefix, with ``?query``, and gives a `Reply`, or None for 404.
    Bodies are served with ETag, Range and HEAD.

    With ``fault_every=3`` every third request meets one of `faults` in turn: ``503``; ``429`` with
    Retry-After 0; ``cut`` (half of the body comes); ``reset`` (the connection is dropped before a
    word); ``html`` (a captcha page with status 200). `seen` requests count as made before.
    """

    def __init__(
        self,
        sites: Mapping[str, Site],
        *,
        fault_every: int = 0,
        faults: Sequence[str] = FAULTS,
        seen: int = 0,
        port: int = 0,
    ) -> None:
        self.sites = dict(sites)
        self.fault_every = fault_every
        self.requests: list[Request] = []
        self._faults: Iterator[str] = itertools.cycle(faults)
        self._seen = seen
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, site: str) -> str:
        return f"http://127.0.0.1:{self.port}/{site}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next_fault(self) -> str | None:
        with self._lock:
            self._seen += 1
            due = self.fault_every and self._seen % self.fault_every == 0
            return next(self._faults) if due else None

    def find(self, target: str) -> Reply | None:
        prefix, _, rest = target.lstrip("/").partition("/")
        site = self.sites.get(prefix)
        return site(rest) if site else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: ArchiveServer

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        fault = self.owner.next_fault()
        if fault == "reset":
            self.close_connection = True
            self.owner.requests.append(Request(self.command, self.path, 0, fault))
            return None
        if fault in {"503", "429"}:
            reply = Reply(status=int(fault), headers={"Retry-After": "0"})
            return self.answer(reply, fault)
        if fault == "html":
            page = b"<!DOCTYPE html><html><script>recaptcha</script>Are you a robot?</html>"
            return self.answer(Reply(page), fault)
        reply = self.owner.find(self.path) or Reply(b"<html>404 Not Found</html>", 404)
        return self.answer(reply, fault)

    def answer(self, reply: Reply, fault: str | None) -> None:
        tag = f'"{hashlib.sha256(reply.body).hexdigest()[:16]}"'
        status, body, headers = reply.status, reply.body, {"ETag": tag, **reply.headers}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if status == 200 and asked and self.headers.get("If-Range") in {None, tag}:
            start = int(asked[1])
            stop = int(asked[2]) + 1 if asked[2] else len(body)
            if start >= len(body):
                status, headers["Content-Range"], body = 416, f"bytes */{len(body)}", b""
            else:
                headers["Content-Range"] = f"bytes {start}-{min(stop, len(body)) - 1}/{len(body)}"
                status, body = 206, body[start:stop]
        sent = body[: len(body) // 2] if fault == "cut" else body
        self.owner.requests.append(Request(self.command, self.path, status, fault))
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(sent)
        if len(sent) < len(body):
            self.close_connection = True
