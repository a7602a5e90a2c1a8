"""Objects in s3, gs and other buckets, by way of fsspec: an extra."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sicmir_atlas.errors import GoneError, InputError, MissingExtraError, SicmirError
from sicmir_atlas.sources.files import mask, scheme_of
from sicmir_atlas.sources.part import Part
from sicmir_atlas.sources.retry import Retry, persist

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sicmir_atlas.sources.files import RemoteFile
    from sicmir_atlas.sources.part import Progress

__all__ = ["BUCKETS", "content", "download", "size"]

BUCKETS = {"s3": "cloud", "gs": "cloud", "gcs": "cloud", "az": "adlfs", "abfs": "adlfs"}
"""Schemes of buckets, and what to install for them."""

_CHUNK = 8 << 20
_KEYS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "gcs": "GOOGLE_APPLICATION_CREDENTIALS",
}


class _Object:
    """One object, as the first way of asking that is let in sees it."""

    def __init__(self, url: str, timeout: float, requester_pays: str | None) -> None:
        from fsspec.core import url_to_fs

        scheme = scheme_of(url)
        ways = _ways(scheme, timeout, requester_pays)
        for number, options in enumerate(ways, 1):
            try:
                self._system, self._path = url_to_fs(
                    url, skip_instance_cache=True, use_listings_cache=False, **options
                )
                self._info = self._system.info(self._path)
                break
            except Exception as error:
                if number < len(ways) and _is_forbidden(error):
                    continue
                raise
        if self._info["type"] == "directory":
            msg = f"{mask(url)}: a folder: name the files in it"
            raise InputError(msg)

    @property
    def size(self) -> int:
        return int(self._info["size"])

    @property
    def validator(self) -> str:
        """Another one where the object was replaced."""
        return str(self._system.ukey(self._path))

    def chunks(self, start: int) -> Iterator[bytes]:
        with self._system.open(self._path, "rb", cache_type="none") as body:
            body.seek(start)
            while chunk := body.read(_CHUNK):
                yield chunk


def download(
    file: RemoteFile,
    path: Path,
    *,
    tries: int = 6,
    timeout: float = 60.0,
    wait: float = 1.0,
    requester_pays: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Fetch an object into `path`, going on from what is there.

    Public buckets are asked without credentials first.

    Parameters
    ----------
    file, path, tries, timeout, wait, progress
        As for :func:`.download.download`.
    requester_pays
        Project that pays for what is read, where the bucket's owner does not (gs); for s3 any text.

    Raises
    ------
    GoneError
        If there is no such object, or it may not be read; the message says what to set.
    InputError
        If the address is of a folder, or none.
    MissingExtraError
        If what reads such buckets is not installed.
    UnavailableError
        If the tries are spent.
    """
    part = Part(file, path, progress)

    def once() -> None:
        with _told_apart(file.url):
            found = _Object(file.url, timeout, requester_pays)
            validator, total = found.validator, found.size
        have, before = part.kept()
        if have > total or (have and not file.checksum and before != validator):
            have = 0
        if not have:
            part.restart(validator)
        part.add(_told_apart_each(found.chunks(have), file.url), have, total)

    persist(once, address=mask(file.url), tries=tries, wait=wait, kept=part.size)
    part.log_done()


def content(url: str, *, longest: int, timeout: float, requester_pays: str | None = None) -> bytes:
    """Bytes of a small object; one try.

    Raises
    ------
    InputError
        If it is longer than `longest` bytes.
    """
    with _told_apart(url):
        found = _Object(url, timeout, requester_pays)
        if found.size > longest:
            msg = f"{mask(url)}: longer than {longest // 1_000_000} MB"
            raise InputError(msg)
        return b"".join(found.chunks(0))


def size(url: str, *, timeout: float, requester_pays: str | None = None) -> int:
    """Size of an object in bytes; one try."""
    with _told_apart(url):
        return _Object(url, timeout, requester_pays).size


def _ways(scheme: str, timeout: float, requester_pays: str | None) -> list[dict[str, Any]]:
    """Options of the file system, to be tried in this order."""
    if scheme == "s3":
        # silence is counted here; tries are counted by `persist`
        common = {"config_kwargs": {"read_timeout": timeout, "retries": {"max_attempts": 0}}}
        if requester_pays:
            return [common | {"requester_pays": True}]
        return [common | {"anon": True}, common | {"anon": False}]
    if scheme in {"gs", "gcs"}:
        if requester_pays:
            return [{"requester_pays": requester_pays, "project": requester_pays}]
        return [{"token": "anon"}, {}]
    return [{}]


def _told_apart_each(chunks: Iterator[bytes], url: str) -> Iterator[bytes]:
    """Pass bytes on; only errors of the bucket are told apart, none of the disk."""
    while True:
        with _told_apart(url):
            chunk = next(chunks, b"")
        if not chunk:
            return
        yield chunk


@contextmanager
def _told_apart(url: str) -> Iterator[None]:
    """Turn what fsspec and the libraries below raise into `Retry` or an error of this package."""
    address, scheme = mask(url), scheme_of(url)
    try:
        yield
    except SicmirError:
        raise
    except ImportError as error:
        extra = BUCKETS[scheme]
        package = f"'sicmir-atlas[{extra}]'" if extra == "cloud" else extra
        msg = f"{address}: for {scheme} addresses: pip install {package}"
        raise MissingExtraError(msg) from error
    except FileNotFoundError as error:
        msg = f"{address}: no such object; check the address"
        raise GoneError(msg) from error
    except Exception as error:  # the libraries below share no root
        if _is_forbidden(error):
            msg = (
                f"{address}: forbidden, or not there ({error}); set "
                f"{_KEYS.get(scheme, 'credentials')}, and requester_pays to the project "
                "that pays where the bucket's owner does not"
            )
            raise GoneError(msg) from error
        if isinstance(error, (TypeError, ValueError)):
            msg = f"{address}: cannot be asked for: {error}"
            raise InputError(msg) from error
        msg = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise Retry(msg) from error


def _is_forbidden(error: Exception) -> bool:
    name = type(error).__name__
    return (
        isinstance(error, PermissionError)
        or name in {"NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError"}
        or "requester pays" in str(error).lower()
        or getattr(error, "code", None) in {401, 403}
    )
