"""Sources `file` and `url`: a row that lists its files itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sicmir_atlas.errors import InputError
from sicmir_atlas.formats import ARCHIVE
from sicmir_atlas.sources.files import RemoteFile, base_name, mask, safe_name, scheme_of
from sicmir_atlas.sources.resolved import Resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sicmir_atlas.sources.http import Client

__all__ = ["SCHEMES", "resolve_paths", "resolve_urls"]

_ENDINGS = {"h5ad": ".h5ad", "csv": ".csv", "10x_h5": ".h5", "loom": ".loom"}
SCHEMES = ("http", "https", "s3", "gs", "az")


def resolve_urls(dataset: Mapping[str, Any], _client: Client | None = None) -> list[Resolved]:
    """Read addresses from column `url`; nothing is asked.

    Raises
    ------
    InputError
        If an address is none, names repeat, or checksums do not fit.
    """
    return _resolved(dataset, SCHEMES)


def resolve_paths(dataset: Mapping[str, Any], _client: Client | None = None) -> list[Resolved]:
    """Read paths from column `url`; nothing is opened.

    Any scheme may pass: the pipeline stages what it can reach, and FETCH refuses what is left.

    Raises
    ------
    InputError
        If names repeat, or checksums do not fit.
    """
    return _resolved(dataset, None)


def _resolved(dataset: Mapping[str, Any], schemes: tuple[str, ...] | None) -> list[Resolved]:
    files = tuple(_from_addresses(dataset, schemes))
    name = str(dataset["dataset_id"])
    return [Resolved(dataset_id=name, files=files, accession=dataset.get("accession"))]


def _from_addresses(
    dataset: Mapping[str, Any], schemes: tuple[str, ...] | None
) -> list[RemoteFile]:
    """Read `url` and `sha256`, both separated by ``|`` and in the same order."""
    where = dataset["dataset_id"]
    urls = [part.strip() for part in (dataset.get("url") or "").split("|")]
    given = dataset.get("sha256")
    sums = [part.strip() for part in given.split("|")] if given else [""] * len(urls)
    if "" in urls or len(sums) != len(urls):
        msg = (
            f"{where}: column url has {sum(map(bool, urls))} addresses, column sha256 "
            f"{sum(map(bool, sums))} checksums: give one address or more, separated by '|', and "
            "no checksum or one for each"
        )
        raise InputError(msg)
    files = []
    for url, text in zip(urls, sums, strict=True):
        if schemes and scheme_of(url) not in schemes:
            msg = f"{where}: column url: {mask(url)} is no {', '.join(schemes)} "
            msg += "address; for a file on disk use source file"
            raise InputError(msg)
        files.append(_file(dataset, url, text, alone=len(urls) == 1))
    names = [file.name for file in files]
    if len(set(names)) < len(names):
        msg = f"{where}: column url: files must differ in name, got {', '.join(names)}"
        raise InputError(msg)
    return files


def _file(dataset: Mapping[str, Any], url: str, checksum: str, *, alone: bool) -> RemoteFile:
    try:
        name = safe_name(base_name(url))
        ending = _ENDINGS.get(dataset.get("format") or "")
        if alone and ending and "." not in name:  # an address such as …/ndownloader/files/123
            name += ending
        sums = _digests(checksum)
        members = tuple((dataset.get("files") or "*").split("|")) if ARCHIVE.search(name) else None
        return RemoteFile(url, name, sha256=sums.get("sha256"), md5=sums.get("md5"), unpack=members)
    except InputError as error:
        msg = f"{dataset['dataset_id']}: {mask(url)}: {error}"
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
