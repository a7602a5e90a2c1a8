"""Bytes of an atlas's large files from a web server: only those asked for, each of them once."""

from __future__ import annotations

import logging
import re
import tempfile
import threading
from collections import OrderedDict
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from sicmir_atlas.atlas.remote.mirror import touch
from sicmir_atlas.errors import CorruptError, GoneError
from sicmir_atlas.sources.containers import is_page
from sicmir_atlas.sources.fetch import fetch
from sicmir_atlas.sources.files import RemoteFile, mask
from sicmir_atlas.sources.replies import CAPTCHA, is_captcha, refuse_errors
from sicmir_atlas.sources.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx

    from sicmir_atlas.atlas.files import AtlasFile
    from sicmir_atlas.atlas.remote.server import Server
    from sicmir_atlas.sources.part import Progress

__all__ = ["Ranges"]

logger = logging.getLogger(__name__)

_KEPT = 256 << 20  # bytes in memory
_TAIL = 64 << 10  # holds the whole footer of a narrow table
_LARGE = 32 << 20  # of such, two come at a time: they are held in memory
_AHEAD = 32 << 10  # a request costs as much as some bytes more


class Ranges:
    """Reads ranges of bytes of listed files; threads may share one.

    Ranges that were read stay in memory, up to 256 MiB, the end of a file with its whole Parquet
    footer. From a server that cannot send ranges a file is downloaded whole, once.

    Parameters
    ----------
    server
        Where the files are.
    files
        Those that may be read; nothing else is asked for.
    copies
        Folder for footers, and for files that are downloaded whole.
    here
        Files that need no server, by the name they are read by.
    progress
        Called as bytes of those arrive.
    """

    def __init__(
        self,
        server: Server,
        files: Iterable[AtlasFile],
        copies: Path,
        *,
        here: Mapping[str, Path],
        progress: Progress | None = None,
    ) -> None:
        self._server, self._copies, self._progress = server, copies, progress
        self._files = {file.path: file for file in files}
        self._locks = {path: threading.Lock() for path in self._files}
        self._versions: dict[str, str] = {}
        self._whole: dict[str, Path] = dict(here)
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._room, self._lock = _KEPT, threading.Lock()
        self._large = threading.BoundedSemaphore(2)

    def size(self, path: str) -> int:
        """Bytes of a file, as the atlas lists them."""
        whole = self._whole.get(path)
        return whole.stat().st_size if whole else self._files[path].bytes

    def read(self, path: str, start: int, end: int) -> bytes:
        """Bytes from `start` up to `end`.

        Raises
        ------
        GoneError
            If the file is not on the server any more.
        CorruptError
            If the file on the server is another than the atlas lists.
        UnavailableError
            If the server does not answer within the tries.
        """
        if path not in self._whole:
            file = self._files[path]
            end = min(end, file.bytes)
            if start >= end:
                return b""
            found = self._from_memory(path, start, end)
            if found is None and end == file.bytes:
                found = self._tail(file, start)
            elif found is None:
                found = self._ask(file, start, min(max(end, start + _AHEAD), file.bytes))
            if found is not None:
                return found[: end - start]
        with self._whole[path].open("rb") as copy:
            copy.seek(start)
            return copy.read(end - start)

    def _tail(self, file: AtlasFile, start: int) -> bytes | None:
        """End of a file from `start` on; its footer is kept, also on disk."""
        note = self._copies / f"{file.sha256[:24]}.footer"
        footer = note.read_bytes() if note.is_file() else b""
        if not footer or len(footer) != _footer_size(footer):
            tail = self._ask(file, max(0, min(start, file.bytes - _TAIL)), file.bytes)
            missing = _footer_size(tail or b"") - len(tail or b"")
            if tail is not None and 0 < missing <= file.bytes - len(tail):
                end = file.bytes - len(tail)
                before = self._ask(file, end - missing, end)
                tail = None if before is None else before + tail
            if tail is None:
                return None
            footer = tail[len(tail) - _footer_size(tail) :]
            with tempfile.NamedTemporaryFile(dir=self._copies, delete=False) as part:
                part.write(footer)
            Path(part.name).replace(note)
        touch(note)
        self._keep(file.path, file.bytes - len(footer), footer)
        found = self._from_memory(file.path, start, file.bytes)
        return self._ask(file, start, file.bytes) if found is None else found

    def _ask(self, file: AtlasFile, start: int, end: int) -> bytes | None:
        """Bytes from the server; None where the file has been downloaded whole instead."""

        def judge(response: httpx.Response) -> bytes | None:
            if response.status_code == 416:
                raise self._changed(file)
            refuse_errors(response, mask(str(response.url)))
            if response.status_code == 200:
                self._judge_whole(file, response)
                return None
            said = response.headers.get("Content-Range", "")
            found = re.fullmatch(r"bytes\s+(\d+)-(\d+)/(\d+|\*)", said.strip())
            if found and found[3] not in ("*", str(file.bytes)):
                raise self._changed(file)
            if not found or int(found[1]) != start or int(found[2]) != end - 1:
                msg = f"asked for bytes {start}-{end - 1}, got {said!r}"
                raise Retry(msg)
            self._require_same(file, response)
            return self._server.body(response)

        headers = {"Range": f"bytes={start}-{end - 1}"}
        try:
            with self._large if end - start > _LARGE else nullcontext():
                body = self._server.ask(file.path, judge, headers)
        except GoneError as error:
            if error.status not in (404, 410):
                raise
            msg = f"{mask(self._server.url(file.path))}: is not on the server; if the atlas was "
            msg += "published anew, open it again"
            raise GoneError(msg, status=error.status) from error
        if body is None:
            self._download(file)
        else:
            self._keep(file.path, start, body)
        return body

    def _judge_whole(self, file: AtlasFile, response: httpx.Response) -> None:
        """Refuse a reply in place of a range that is not the whole file."""
        length = response.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) == file.bytes:
            return
        head = next(response.iter_raw(), b"")
        if is_captcha(head):
            raise Retry(CAPTCHA)
        if is_page(head):
            msg = f"{mask(str(response.url))}: a web page in place of the file: open the address "
            msg += "in a browser; it may ask for a login, or a click"
            raise CorruptError(msg)
        raise self._changed(file)

    def _require_same(self, file: AtlasFile, response: httpx.Response) -> None:
        """Compare what tells versions of a file apart with that of the first reply."""
        names = ("ETag", "Last-Modified")
        version = str([response.headers.get(name) for name in names])
        if self._versions.setdefault(file.path, version) != version:
            raise self._changed(file)

    def _changed(self, file: AtlasFile) -> CorruptError:
        msg = f"{mask(self._server.url(file.path))}: the file on the server is not the one that "
        msg += "the atlas lists; it was published anew: open the atlas again"
        return CorruptError(msg)

    def _download(self, file: AtlasFile) -> None:
        """Bring a whole file into the folder of copies, proven by its checksum."""
        with self._locks[file.path]:
            if file.path in self._whole:
                return
            name = Path(file.path).name
            copy = self._copies / f"{file.sha256[:12]}-{name}"
            if not (copy.is_file() and copy.stat().st_size == file.bytes):
                url = self._server.url(file.path)
                line = "%s: the server sends no ranges: downloading %d bytes into %s"
                logger.info(line, mask(url), file.bytes, self._copies)
                wanted = RemoteFile(url, name, sha256=file.sha256, size=file.bytes)
                with tempfile.TemporaryDirectory(dir=self._copies, prefix=".part-") as part:
                    try:
                        made = fetch(
                            wanted,
                            Path(part),
                            tries=self._server.tries,
                            timeout=self._server.timeout,
                            wait=self._server.wait,
                            progress=self._progress,
                        )
                    except CorruptError as error:
                        raise self._changed(file) from error
                    made.replace(copy)
            touch(copy)
            self._whole[file.path] = copy

    def _from_memory(self, path: str, start: int, end: int) -> bytes | None:
        with self._lock:
            for (name, first), body in self._kept.items():
                if name == path and first <= start and end <= first + len(body):
                    self._kept.move_to_end((name, first))
                    return body[start - first : end - first]
        return None

    def _keep(self, path: str, start: int, body: bytes) -> None:
        if len(body) > _LARGE:
            return
        with self._lock:
            self._room += len(self._kept.pop((path, start), b""))
            self._kept[path, start] = body
            self._room -= len(body)
            while self._room < 0:
                self._room += len(self._kept.popitem(last=False)[1])


def _footer_size(tail: bytes) -> int:
    """Bytes of the footer of a Parquet file that ends so; 0 where it is none."""
    return int.from_bytes(tail[-8:-4], "little") + 8 if tail.endswith(b"PAR1") else 0
