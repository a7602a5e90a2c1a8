"""Samplesheet rows to datasets with their files."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sicmir_atlas.errors import ExcludedDataset, InputError
from sicmir_atlas.sources.blocklist import require_wanted
from sicmir_atlas.sources.resolved import Refused, Resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sicmir_atlas.sources.http import Client

__all__ = ["SOURCES", "needs_accession", "resolve"]

SOURCES = {
    "file": "addresses:resolve_paths",
    "url": "addresses:resolve_urls",
    "geo": "geo:resolve_geo",
    "cellxgene": "cellxgene:resolve_cellxgene",
    "tabula_sapiens": "tabula_sapiens:resolve_tabula_sapiens",
    "scbasecount": "scbasecount:resolve_scbasecount",
}
"""What each value of column `source` does with a row: module of this package, and function.

A new source is one more entry: a function of the row and a `Client`.
"""


def needs_accession(source: str) -> bool:
    """Tell whether a source is asked by accession, not by address."""
    return source not in {"file", "url"}


def resolve(
    dataset: Mapping[str, Any],
    client: Client | None = None,
    *,
    blocked: Mapping[str, str] | None = None,
) -> list[Resolved | Refused]:
    """Turn a samplesheet row into datasets and their files; services are asked, nothing is fetched.

    Parameters
    ----------
    dataset
        Row with the samplesheet's keys.
    client
        Asks the services; not needed for sources ``file`` and ``url``.
    blocked
        Reasons by accession, see :func:`.blocklist.read_blocklist`.

    Raises
    ------
    InputError
        If the source is not known, or the row does not describe its files.
    ExcludedDataset
        If a rule refuses the whole row.
    GoneError, CorruptError, UnavailableError
        If the source has no such dataset, or does not answer as it should.
    """
    source = dataset.get("source")
    if source not in SOURCES:
        msg = (
            f"{dataset.get('dataset_id') or 'dataset'}: source {source!r} is not known; known are "
            f"{', '.join(SOURCES)}"
        )
        raise InputError(msg)
    blocked = blocked or {}
    require_wanted((dataset.get(name) for name in ("accession", "doi", "url")), blocked)
    module, _, function = SOURCES[source].partition(":")
    ask = getattr(import_module(f"sicmir_atlas.sources.{module}"), function)
    return [_wanted(found, blocked) for found in ask(dataset, client)]


def _wanted(found: Resolved | Refused, blocked: Mapping[str, str]) -> Resolved | Refused:
    if isinstance(found, Refused):
        return found
    try:
        names = (found.accession, found.version, found.columns.get("doi"), *found.belongs_to)
        require_wanted(names, blocked)
    except ExcludedDataset as because:
        because.facts.update({k: found.columns.get(k) for k in ("title", "doi", "licence")})
        name = found.accession or found.dataset_id
        return Refused(dataset_id=found.dataset_id, accession=name, because=because)
    return found
