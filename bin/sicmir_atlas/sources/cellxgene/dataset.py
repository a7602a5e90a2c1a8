"""One dataset of CELLxGENE Discover: an entry of its API to a dataset with its file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sicmir_atlas.assays import assay_kind
from sicmir_atlas.errors import ExcludedDataset
from sicmir_atlas.sources.files import RemoteFile, base_name, safe_name
from sicmir_atlas.sources.resolved import Resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sicmir_atlas.sources.services import Services

__all__ = [
    "accession_of",
    "described",
    "h5ad_of",
    "n_cells",
    "require_included",
    "terms",
    "to_resolved",
]

_LICENCE = "CC BY 4.0"
_HUMAN = "NCBITaxon:9606"
_SERIES = re.compile(r"\bGSE\d+\b")
_DOI = re.compile(r"\b10\.\d{4,9}/\S+")
_OBS = {
    "assay": "obs:assay",
    "tissue": "obs:tissue",
    "disease": "obs:disease",
    "cell_type": "obs:cell_type",
    "donor": "obs:donor_id",
}


def to_resolved(
    dataset_id: str,
    entry: Mapping[str, Any],
    collection: Mapping[str, Any],
    services: Services,
    *,
    primary_data: str = "only",
) -> Resolved:
    """Describe a dataset of CELLxGENE as the samplesheet would; its version is pinned.

    Parameters
    ----------
    dataset_id
        Name in the atlas.
    entry, collection
        What the API says of the dataset and of its collection; any field may be null.
    services
        Where files are; only names are taken from the entry's addresses.
    primary_data
        ``only`` cells whose data this dataset is the first to show, or ``any``.

    Raises
    ------
    ExcludedDataset
        Rule ``raw_counts``, if there is no H5AD file.
    """
    notes = []
    columns = described(entry, collection, primary_data=primary_data) | _OBS
    columns["primary_data"] = primary_data
    if terms(entry, "organism"):
        columns["organism"] = "Homo sapiens"
    if not terms(entry, "cell_type"):
        del columns["cell_type"]
        notes.append("CELLxGENE names no cell types: give column cell_type if there are any")
    collection_id = entry.get("collection_id") or collection.get("collection_id")
    version = entry.get("dataset_version_id")
    newest = next(
        (
            other.get("dataset_version_id")
            for other in collection.get("datasets") or []
            if other.get("dataset_id") == entry.get("dataset_id")
        ),
        None,
    )
    if version and newest and newest != version:
        notes.append(f"version {version} is not the newest: that is {newest}")
    return Resolved(
        dataset_id=dataset_id,
        files=(_file(entry, services),),
        accession=accession_of(entry),
        version=version,
        belongs_to=tuple(filter(None, (collection_id,))),
        columns=columns,
        notes=tuple(notes),
    )


def require_included(entry: Mapping[str, Any], *, primary_data: str = "only") -> None:
    """Refuse a dataset that no cell of could be included.

    Where some cells may pass, PREPARE decides cell by cell.

    Raises
    ------
    ExcludedDataset
        Rule ``organism``, ``spatial``, ``umi`` or ``primary``.
    """
    organisms = terms(entry, "organism")
    others = [label for term, label in organisms.items() if term != _HUMAN]
    if others:
        figure = f"{', '.join(organisms.values())}; only Homo sapiens is included"
        raise ExcludedDataset("organism", figure)
    kinds = {label: assay_kind(term) for term, label in terms(entry, "assay").items()}
    named = ", ".join(kinds)
    if kinds and set(kinds.values()) <= {"spatial", "reads"}:
        if "reads" in kinds.values():
            figure = f"{named}: reads are counted; UMI-based assays are included"
            raise ExcludedDataset("umi", figure)
        figure = f"{named}: spots of tissue, not single cells; they are left out"
        raise ExcludedDataset("spatial", figure)
    if primary_data != "any" and entry.get("is_primary_data") == [False]:
        figure = (
            "all cells are shown first by another dataset; set column primary_data to any to "
            "take them from here"
        )
        raise ExcludedDataset("primary", figure)


def described(
    entry: Mapping[str, Any], collection: Mapping[str, Any], *, primary_data: str = "only"
) -> dict[str, str]:
    """Columns title, doi, licence, n_cells and same_as, as far as they are known."""
    known = {
        "title": entry.get("title"),
        "doi": _doi(entry, collection),
        "licence": _LICENCE,
        "n_cells": n_cells(entry, primary_data=primary_data),
        "same_as": _same_as(collection),
    }
    return {name: " ".join(str(value).split()) for name, value in known.items() if value}


def n_cells(entry: Mapping[str, Any], *, primary_data: str = "only") -> int | None:
    """Cells announced, those that `primary_data` asks for where they are counted."""
    counts = [entry.get("cell_count")]
    if primary_data != "any":
        counts.insert(0, entry.get("primary_cell_count"))
    return next((int(count) for count in counts if count is not None), None)


def terms(entry: Mapping[str, Any], field: str) -> dict[str, str]:
    """Labels of a field by ontology term id; empty where the API says null."""
    return {
        str(term.get("ontology_term_id")): str(term.get("label") or term.get("ontology_term_id"))
        for term in entry.get(field) or []
    }


def accession_of(entry: Mapping[str, Any]) -> str:
    """Id of the dataset, the same for all of its versions."""
    return str(entry.get("dataset_id") or entry.get("dataset_version_id"))


def h5ad_of(entry: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Asset that is the H5AD file; None where there is none."""
    assets = entry.get("assets") or []
    return next((a for a in assets if a.get("filetype") == "H5AD" and a.get("url")), None)


def _file(entry: Mapping[str, Any], services: Services) -> RemoteFile:
    asset = h5ad_of(entry)
    if asset is None:
        raise ExcludedDataset("raw_counts", "CELLxGENE offers no H5AD file of this dataset")
    name = safe_name(base_name(asset["url"]))
    size = asset.get("filesize")
    known = size if isinstance(size, int) and size > 0 else None
    return RemoteFile(f"{services.cellxgene_files_url}/{name}", name, size=known)


def _doi(entry: Mapping[str, Any], collection: Mapping[str, Any]) -> str | None:
    """DOI of the publication, without the resolver's address."""
    for text in (entry.get("collection_doi"), collection.get("doi"), entry.get("citation")):
        if found := _DOI.search(text or ""):
            return found[0].rstrip(".,;)")
    return None


def _same_as(collection: Mapping[str, Any]) -> str | None:
    """Series of GEO among a collection's links, separated by ``|``."""
    texts = [
        str(link.get(key) or "")
        for link in collection.get("links") or []
        for key in ("link_name", "link_url")
    ]
    return "|".join(dict.fromkeys(_SERIES.findall(" ".join(texts)))) or None
