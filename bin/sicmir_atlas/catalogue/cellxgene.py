"""Rows of a samplesheet for the datasets of CELLxGENE that are asked for."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from sicmir_atlas.assays import is_tenx
from sicmir_atlas.errors import ExcludedDataset, InputError
from sicmir_atlas.harmonise.rules import map_label
from sicmir_atlas.names import ontologies
from sicmir_atlas.sources.cellxgene.api import CellxgeneIndex
from sicmir_atlas.sources.cellxgene.dataset import (
    accession_of,
    described,
    h5ad_of,
    n_cells,
    require_included,
    terms,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sicmir_atlas.sources.http import Client

    Entry = Mapping[str, Any]

__all__ = ["COLUMNS", "rows"]

logger = logging.getLogger(__name__)

COLUMNS = (
    "dataset_id", "source", "accession", "primary_data", "title", "doi", "n_cells", "same_as",
    "licence",
)  # fmt: skip
_LONGEST_SLUG = 55  # with 8 digits of the id, 64 in all


def rows(
    client: Client,
    *,
    organism: str | None = "Homo sapiens",
    tissue: str | None = None,
    disease: str | None = None,
    assay: str | None = "10x",
    min_cells: int = 500,
    collection: str | None = None,
    primary: Literal["only", "any"] = "only",
) -> list[dict[str, str]]:
    """List the public datasets that a search finds, each pinned to its newest version.

    Two requests, whatever the search. Values match labels and term ids in any case; several are
    separated by ``|``.

    Parameters
    ----------
    client
        Asks CELLxGENE.
    organism
        All organisms of a dataset have to be among these.
    tissue, disease
        A dataset has any of these, or of their descendants in UBERON and MONDO.
    assay
        ``10x`` is any 10x assay of transcripts with UMIs; other values are labels or EFO ids.
    min_cells
        Least number of cells, primary ones where they are counted and `primary` is ``only``.
        Datasets that do not tell are kept.
    collection
        Ids or names.
    primary
        ``only`` leaves out datasets all of whose cells another dataset shows first.

    Returns
    -------
    Rows with the keys in `COLUMNS`, sorted by dataset_id; empty text where nothing is known.

    Raises
    ------
    InputError
        If a value is no term, and no dataset has it as a label.
    """
    index = CellxgeneIndex(client)
    every = index.datasets
    tests: dict[str, Callable[[Entry], bool]] = {}
    if organism:
        organisms = _exact(every, "organism", organism)
        tests["organism"] = lambda entry: (
            bool(found := terms(entry, "organism")) and (set(found) <= organisms)
        )
    if collection:
        tests["collection"] = _collection(every, collection)
    for field, values in (("tissue", tissue), ("disease", disease)):
        if values:
            tests[field] = _any_of(field, _with_descendants(every, field, values))
    if assay:
        tests["assay"] = _any_of("assay", _assays(every, assay))
    tests["number of cells"] = lambda entry: (
        (count := n_cells(entry, primary_data=primary)) is None or count >= min_cells
    )
    tests["rules of inclusion"] = lambda entry: _may_pass(entry, primary)
    found, lost = [], Counter[str]()
    for entry in every:
        failed = next((name for name, passes in tests.items() if not passes(entry)), None)
        if failed:
            lost[failed] += 1
        else:
            found.append(_row(entry, index.collection_of(entry), primary))
    said = ", ".join(f"{count} by {name}" for name, count in lost.items()) or "none"
    logger.info("%d of %d datasets; left out: %s", len(found), len(every), said)
    return sorted(found, key=lambda row: row["dataset_id"])


def _row(entry: Entry, collection: Entry, primary: str) -> dict[str, str]:
    known = {
        **described(entry, collection, primary_data=primary),
        "dataset_id": _name(entry),
        "source": "cellxgene",
        "accession": str(entry["dataset_version_id"]),
        "primary_data": primary,
    }
    return {column: known.get(column, "") for column in COLUMNS}


def _name(entry: Entry) -> str:
    """Readable and unique: words of the title, and the first digits of the dataset's id."""
    title = unicodedata.normalize("NFKD", entry.get("title") or "")
    plain = title.encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-")
    return f"{slug or 'cellxgene'}-{accession_of(entry)[:8]}"


def _may_pass(entry: Entry, primary: str) -> bool:
    """Tell whether no rule refuses the dataset; the organism was judged as it was asked."""
    try:
        require_included(entry, primary_data=primary)
    except ExcludedDataset as because:
        return because.rule == "organism"
    return bool(entry.get("dataset_version_id") and h5ad_of(entry))


def _any_of(field: str, wanted: set[str]) -> Callable[[Entry], bool]:
    # a cell of several diseases has them in one term, joined by ' || '
    return lambda entry: any(
        part in wanted for term in terms(entry, field) for part in term.split(" || ")
    )


def _with_descendants(every: Sequence[Entry], field: Any, values: str) -> set[str]:
    wanted: set[str] = set()
    for value in _split(values):
        term = map_label(field, value).term_id
        if term:
            wanted.update(ontologies().get_term_descendants(term, include_self=True))
        else:
            wanted |= _exact(every, field, value)
    return wanted


def _assays(every: Sequence[Entry], values: str) -> set[str]:
    wanted: set[str] = set()
    for value in _split(values):
        if value.casefold() == "10x":
            wanted |= {term for entry in every for term in terms(entry, "assay") if is_tenx(term)}
        else:
            wanted |= _exact(every, "assay", value)
    return wanted


def _exact(every: Sequence[Entry], field: str, values: str) -> set[str]:
    """Ids of the terms that datasets have under these labels or ids."""
    known: dict[str, str] = {}
    for entry in every:
        for term, label in terms(entry, field).items():
            known |= {label.casefold(): term, term.casefold(): term}
    return {_known(field, value, known) for value in _split(values)}


def _collection(every: Sequence[Entry], values: str) -> Callable[[Entry], bool]:
    known: dict[str, str] = {}
    for entry in every:
        identifier = str(entry.get("collection_id"))
        name = str(entry.get("collection_name") or identifier)
        known |= {name.casefold(): identifier, identifier: identifier}
    wanted = {
        _known("collection", value.rstrip("/").rpartition("/")[2], known)
        if "://" in value
        else _known("collection", value, known)
        for value in _split(values)
    }
    return lambda entry: str(entry.get("collection_id")) in wanted


def _known(field: str, value: str, known: Mapping[str, str]) -> str:
    found = known.get(value.casefold())
    if found is None:
        near = get_close_matches(value.casefold(), known, n=3)
        guess = f"; did you mean {' or '.join(near)}?" if near else ""
        msg = f"{field} {value!r}: no dataset of CELLxGENE has it{guess}"
        raise InputError(msg)
    return found


def _split(values: str) -> list[str]:
    return [value.strip() for value in values.split("|") if value.strip()]
