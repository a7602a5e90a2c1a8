"""Files of a dataset: addresses, names that are safe on disk, promised checksums."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from sicmir_atlas.errors import InputError

__all__ = ["RemoteFile", "base_name", "local_path", "mask", "mask_each", "safe_name", "scheme_of"]

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://")
_USER = re.compile(r"[^/\s]*:[^/\s]*@")
_MISTYPED = re.compile(rf"^\w+:|^//|{_USER.pattern}")
_HEX = {"sha256": re.compile(r"[0-9a-f]{64}"), "md5": re.compile(r"[0-9a-f]{32}")}
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a dataset: where it is, what it is called here, and what is promised of it.

    Parameters
    ----------
    url
        http, https or file address, or a local path; with source ``file`` also a folder.
    name
        Name in the folder it is fetched into; see `safe_name`.
    sha256, md5
        Promised checksum in hexadecimal digits.
    size
        Promised size in bytes.
    unpack
        Names or globs of the members to take out of an archive, ``*`` for all that may hold data;
        the archive becomes a folder of its name. None: the file is kept as it is.

    Raises
    ------
    InputError
        If the name could lead out of its folder, or a checksum is none.
    """

    url: str
    name: str
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None
    unpack: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.unpack is not None:
            object.__setattr__(self, "unpack", tuple(self.unpack))  # a list, read from JSON
        if self.name != safe_name(self.name) or self.name == "source.json":
            msg = f"{self.name!r} cannot be the name of a fetched file"
            raise InputError(msg)
        for algorithm, pattern in _HEX.items():
            given = getattr(self, algorithm)
            if given is None:
                continue
            object.__setattr__(self, algorithm, given.lower())
            if not pattern.fullmatch(given.lower()):
                msg = f"{self.name}: {given!r} is no {algorithm}: digits are missing or too many"
                raise InputError(msg)

    @property
    def checksum(self) -> tuple[str, str] | None:
        """Algorithm and digest promised, sha256 before md5; None where nothing is."""
        if self.sha256:
            return "sha256", self.sha256
        return ("md5", self.md5) if self.md5 else None


def scheme_of(url: str) -> str:
    """Scheme of an address in lower case; ``file`` for a path."""
    found = _SCHEME.match(url)
    return found[1].lower() if found else "file"


def local_path(url: str) -> Path:
    """Path of a ``file://`` address, or of a path given as it is."""
    return Path(url2pathname(urlsplit(url).path)) if _SCHEME.match(url) else Path(url)


def mask(url: str) -> str:
    """Address without user, password, query and fragment: they may be secrets.

    A path is shown as it is; ``https:/…``, ``//…`` and ``user:password@…`` are mistyped addresses.
    """
    scheme = _SCHEME.match(url)
    if not scheme:
        if not _MISTYPED.search(url):
            return url
        place, asked, _ = url.partition("?")
        return _USER.sub("***@", place) + ("?***" if asked else "")
    try:
        parts = urlsplit(url)
    except ValueError:  # no address: what of it is secret cannot be told
        return f"{scheme[0]}***"
    user, at, host = parts.netloc.rpartition("@")
    shown = f"{parts.scheme}://{'***@' if at and user else ''}{host}{parts.path}"
    return shown + ("?***" if parts.query else "")


def mask_each(urls: str) -> str:
    """Addresses separated by ``|``, each as `mask` shows it."""
    return "|".join(map(mask, urls.split("|")))


def base_name(url: str) -> str:
    """Last part of an address as it was meant, without percent signs.

    GEO's download address names the file in its query instead (sources spec, section 1.4).
    """
    if not _SCHEME.match(url):
        return posixpath.basename(url.rstrip("/"))
    parts = urlsplit(url)
    named = re.search(r"(?:^|&)file=([^&]+)", parts.query)
    return posixpath.basename(unquote(named[1] if named else parts.path.rstrip("/")))


def safe_name(name: str) -> str:
    """Turn text from outside into a file name that stays in its folder.

    Path separators, leading dots and dashes, runs of dots and characters with a meaning to shells
    go; the ending is kept when a long name is shortened.

    Raises
    ------
    InputError
        If nothing is left.
    """
    last = re.split(r"[/\\]", name)[-1]
    safe = re.sub(r"\.{2,}", ".", re.sub(r"[^\w.+=@-]", "_", last)).lstrip(".-")[-_LONGEST:]
    safe = safe.lstrip(".-")
    if not safe.strip("._"):
        msg = f"{name!r} gives no file name"
        raise InputError(msg)
    return safe
