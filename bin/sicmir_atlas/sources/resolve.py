"""Samplesheet rows to files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sicmir_atlas.errors import InputError
from sicmir_atlas.sources.files import RemoteFile, base_name, mask, safe_name, scheme_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["SOURCES", "resolve"]

_ENDINGS = {"h5ad": ".h5ad", "csv": ".csv"}


def resolve(dataset: Mapping[str, Any]) -> list[RemoteFile]:
    """Turn a samplesheet row into the files it stands for; nothing is fetched.

    Parameters
    ----------
    dataset
        Row with the samplesheet's keys.

    Raises
    ------
    InputError
        If the source is not known, or the row does not describe its files.
    """
    source = dataset.get("source")
    if source not in SOURCES:
        msg = (
            f"{_id(dataset)}: source {source!r} is not known; known are "
            f"{', '.join(sorted(SOURCES))}"
        )
        raise InputError(msg)
    return SOURCES[source](dataset)


def _from_addresses(dataset: Mapping[str, Any], schemes: frozenset[str] | None) -> list[RemoteFile]:
    """Read `url` and `sha256`, both separated by ``|`` and in the same order."""
    urls = [part.strip() for part in (dataset.get("url") or "").split("|")]
    given = dataset.get("sha256")
    sums = [part.strip() for part in given.split("|")] if given else [""] * len(urls)
    if "" in urls or len(sums) != len(urls):
        msg = (
            f"{_id(dataset)}: column url has {sum(map(bool, urls))} addresses, column sha256 "
            f"{sum(map(bool, sums))} checksums: give one address or more, separated by '|', and "
            "no checksum or one for each"
        )
        raise InputError(msg)
    files = []
    for url, text in zip(urls, sums, strict=True):
        if schemes and scheme_of(url) not in schemes:
            msg = f"{_id(dataset)}: column url: {mask(url)} is no {' or '.join(sorted(schemes))} "
            msg += "address; for a file on disk use source file"
            raise InputError(msg)
        files.append(_file(dataset, url, text, alone=len(urls) == 1))
    names = [file.name for file in files]
    if len(set(names)) < len(names):
        msg = f"{_id(dataset)}: column url: files must differ in name, got {', '.join(names)}"
        raise InputError(msg)
    return files


def _file(dataset: Mapping[str, Any], url: str, checksum: str, *, alone: bool) -> RemoteFile:
    try:
        name = safe_name(base_name(url))
        ending = _ENDINGS.get(dataset.get("format") or "")
        if alone and ending and "." not in name:  # an address such as …/ndownloader/files/123
            name += ending
        sums = _digests(checksum)
        return RemoteFile(url, name, sha256=sums.get("sha256"), md5=sums.get("md5"))
    except InputError as error:
        msg = f"{_id(dataset)}: {mask(url)}: {error}"
        raise InputError(msg) from error


def _digests(text: str) -> dict[str, str]:
    """Read ``HEX``, ``sha256:HEX`` or ``md5:HEX``."""
    if not text:
        return {}
    algorithm, colon, digest = text.lower().rpartition(":")
    if not colon:
        algorithm = "md5" if len(digest) == 32 else "sha256"
    if algorithm not in {"sha256", "md5"}:
        msg = f"checksum {text!r}: {algorithm} is not known; known are sha256 and md5"
        raise InputError(msg)
    return {algorithm: digest}


def _url(dataset: Mapping[str, Any]) -> list[RemoteFile]:
    return _from_addresses(dataset, frozenset({"http", "https"}))


def _path(dataset: Mapping[str, Any]) -> list[RemoteFile]:
    # any scheme: the pipeline stages what it can reach, the fetch refuses what is left
    return _from_addresses(dataset, None)


def _id(dataset: Mapping[str, Any]) -> str:
    return str(dataset.get("dataset_id") or "dataset")


SOURCES: dict[str, Callable[[Mapping[str, Any]], list[RemoteFile]]] = {"file": _path, "url": _url}
"""What each value of column `source` does with a row; a new source is one more entry."""
