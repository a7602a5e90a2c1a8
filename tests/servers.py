"""A file server on 127.0.0.1 that misbehaves on request, and remembers what it was asked."""

from __future__ import annotations

import re
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

BUCKET_ERRORS = {
    status: b"<?xml version='1.0' encoding='UTF-8'?>\n<Error><Code>%s</Code>"
    b"<Message>%s</Message><Key>some/key</Key></Error>" % said
    for status, said in {
        403: (b"AccessDenied", b"Access Denied"),
        404: (b"NoSuchKey", b"The specified key does not exist."),
    }.items()
}


@dataclass(frozen=True)
class Request:
    path: str
    range: str | None
    if_range: str | None
    status: int
    sent: int
    agent: str | None


class FaultyServer:
    """Serves `files` (name → bytes) at ``/<fault>/<name>``; use as a context manager.

    Faults: ``ok``; ``flaky`` (503 twice, Retry-After 0); ``busy`` (429 once, Retry-After as a date
    one second ahead); ``cut`` (the first two replies stop half-way); ``crumbs`` (every reply stops
    after a fifth of the file); ``norange`` (cut, and Range ignored); ``untagged`` (cut, no ETag,
    no date); ``weak`` (cut, weak ETag); ``changed`` (cut once, then other bytes under another
    ETag); ``bad`` (one byte differs); ``html`` (a page, 200); ``captcha`` (a page with recaptcha,
    twice); ``cutcaptcha`` (cut, then such a page); ``stall`` (half, then silence, first time
    only); ``trickle`` (a byte every 50 ms); ``loop`` (redirects to itself); ``away`` (redirects to
    ok); ``ftp`` (redirects to another scheme); ``sizeless`` (no Content-Length); ``status<code>``;
    ``bucket<code>`` (a bucket's XML, also for names that are not there).
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.requests: list[Request] = []
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )

    def url(self, fault: str, name: str, *, user: str = "", query: str = "") -> str:
        host = f"127.0.0.1:{self._server.server_address[1]}"
        return f"http://{user}{'@' if user else ''}{host}/{fault}/{name}{query}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def count(self, path: str) -> int:
        with self._lock:
            self._seen[path] += 1
            return self._seen[path]

    def note(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)

    def closing(self, seconds: float) -> bool:
        return self._closing.wait(seconds)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FaultyServer

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:  # noqa: PLR0911
        _, fault, name = self.path.split("?")[0].split("/", 2)
        times = self.owner.count(self.path)
        body = self.owner.files.get(name)
        if fault.startswith("bucket"):
            status = int(fault.removeprefix("bucket"))
            return self.answer(status, {"Content-Type": "application/xml"}, BUCKET_ERRORS[status])
        if body is None:
            return self.answer(404)
        if fault.startswith("status"):
            return self.answer(int(fault.removeprefix("status")))
        if fault == "flaky" and times <= 2:
            return self.answer(503, {"Retry-After": "0"})
        if fault == "busy" and times == 1:
            soon = datetime.now(UTC) + timedelta(seconds=1)
            return self.answer(429, {"Retry-After": format_datetime(soon, usegmt=True)})
        if fault in {"loop", "away", "ftp"}:
            target = {"loop": self.path, "away": f"/ok/{name}", "ftp": f"ftp://127.0.0.1/{name}"}
            return self.answer(302, {"Location": target[fault]})
        if fault == "html":
            return self.answer(200, {}, b"\n<!DOCTYPE html><html>please click</html>")
        if (fault, times) in {("captcha", 1), ("captcha", 2), ("cutcaptcha", 2)}:
            return self.answer(200, {}, b"<html><script src='/recaptcha/api.js'></script></html>")
        return self.serve(fault, body, times)

    def serve(self, fault: str, body: bytes, times: int) -> None:
        tag = '"v1"'
        if fault == "changed" and times > 1:
            tag, body = '"v2"', body[:8] + bytes(255 - byte for byte in body[8:])
        if fault == "bad":
            body = body[:-1] + bytes([body[-1] ^ 1])
        headers = {"ETag": {"weak": "W/" + tag}.get(fault, tag)}
        if fault == "untagged":
            headers = {}
        start = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        same = self.headers.get("If-Range") in {None, tag}
        if asked and same and fault != "norange":
            start = int(asked[1])
            if start >= len(body):
                return self.answer(416, {"Content-Range": f"bytes */{len(body)}"})
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        rest = body[start:]
        limit = len(rest)
        if (fault in {"cut", "norange", "untagged", "weak"} and times <= 2) or (
            fault in {"changed", "cutcaptcha", "stall"} and times == 1
        ):
            limit = len(rest) // 2
        if fault == "crumbs":
            limit = min(limit, -(-len(body) // 5))
        return self.answer(
            206 if start else 200,
            headers,
            rest,
            limit=limit,
            sized=fault != "sizeless",
            silent=fault == "stall" and limit < len(rest),
            slow=fault == "trickle",
        )

    def answer(
        self, status, headers=None, body=b"", *, limit=None, sized=True, silent=False, slow=False
    ) -> None:
        limit = len(body) if limit is None else limit
        sent = body[:limit]
        self.owner.note(
            Request(
                self.path,
                self.headers.get("Range"),
                self.headers.get("If-Range"),
                status,
                len(sent),
                self.headers.get("User-Agent"),
            )
        )
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if sized:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command == "HEAD":
            return
        with suppress(ConnectionError):
            for byte in sent if slow else ():
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if self.owner.closing(0.05):
                    return
            self.wfile.write(b"" if slow else sent)
            self.wfile.flush()
        if silent:
            self.owner.closing(60)
        if limit < len(body):
            self.close_connection = True
