"""Files of an atlas on a web server as a file system that DuckDB can read."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sicmir_atlas.atlas.remote.ranges import Ranges

__all__ = ["PROTOCOL", "AtlasFileSystem"]

PROTOCOL = "atlas"
_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)  # one build never changes


class AtlasFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """Reads the listed files and no other, and nothing can be written.

    Parameters
    ----------
    ranges
        Where bytes come from.
    paths
        Path in the atlas of every file, by its name here.
    """

    protocol = PROTOCOL
    cachable = False

    def __init__(self, ranges: Ranges, paths: Mapping[str, str]) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self._ranges, self._paths = ranges, paths

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name and size of a listed file."""
        name = self._strip_protocol(path)
        return {"name": name, "size": self._ranges.size(self._listed(name)), "type": "file"}

    def modified(self, path: str) -> datetime:
        """Moment that stands for the one version of a file."""
        self._listed(self._strip_protocol(path))
        return _ALWAYS

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:  # noqa: FBT001, FBT002
        """A listed file itself; there are no folders."""
        info = self.info(path)
        return [info if detail else info["name"]]

    def glob(self, path: str, **_: Any) -> list[str]:
        """A listed file itself; there are no patterns."""
        return [path] if self._strip_protocol(path) in self._paths else []

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: Any
    ) -> bytes:
        """Bytes of a listed file from `start` up to `end`; negative ones count from its end."""
        listed = self._listed(self._strip_protocol(path))
        size = self._ranges.size(listed)
        first, last = (0 if start is None else start), (size if end is None else end)
        with self._noted():
            return self._ranges.read(
                listed,
                first if first >= 0 else max(0, size + first),
                last if last >= 0 else size + last,
            )

    def _open(self, path: str, mode: str = "rb", **_: Any) -> AbstractBufferedFile:
        if mode != "rb":
            msg = f"{path}: an atlas on a server cannot be written"
            raise PermissionError(msg)
        # what was read is kept for all that is opened, not for each
        return _File(self, path, mode, cache_type="none", size=self.info(path)["size"])

    def _listed(self, name: str) -> str:
        if name not in self._paths:
            msg = f"{name}: no file of this atlas"
            raise PermissionError(msg)
        return self._paths[name]

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Remember the first failure: DuckDB passes on its text alone."""
        try:
            yield
        except Exception as error:
            self.failure = self.failure or error
            raise


class _File(AbstractBufferedFile):  # type: ignore[misc]
    def _fetch_range(self, start: int, end: int) -> bytes:
        body: bytes = self.fs.cat_file(self.path, start, end)
        return body
