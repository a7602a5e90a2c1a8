"""Source `tabula_sapiens`: a tissue, a compartment or all of it, by name."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.sources.cellxgene.api import look_up
from sicmir_atlas.sources.cellxgene.dataset import accession_of
from sicmir_atlas.sources.cellxgene.resolve import resolve_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sicmir_atlas.sources.http import Client
    from sicmir_atlas.sources.resolved import Resolved

__all__ = ["resolve_tabula_sapiens"]

# sources spec, section 2.3
_COLLECTION = "collections/e5f58829-1a66-40b5-a624-9046778e74f5"
_TITLE = "Tabula Sapiens - "
_ALL = "all cells"


def resolve_tabula_sapiens(dataset: Mapping[str, Any], client: Client) -> list[Resolved]:
    """Find the dataset that a row names, in the collection of Tabula Sapiens on CELLxGENE.

    Tissues and compartments repeat cells of All Cells, where alone they count as primary data:
    of a tissue or a compartment every cell is kept, unless the row asks otherwise.

    Raises
    ------
    InputError
        If the name is not known; the message lists those that are.
    ExcludedDataset
        If a rule refuses the dataset.
    GoneError
        If CELLxGENE no longer has the collection.
    """
    where, wanted = dataset["dataset_id"], (dataset.get("accession") or "").strip()
    found = look_up(client, _COLLECTION)
    titles = {str(entry.get("title") or "").strip(): entry for entry in found.datasets}
    parts = {
        title[len(_TITLE) :].strip(): entry
        for title, entry in titles.items()
        if title.casefold().startswith(_TITLE.casefold())
    }
    if not parts:
        msg = f"{where}: the collection of Tabula Sapiens holds no dataset called '{_TITLE}…'; "
        msg += "name the dataset's id with source cellxgene"
        raise CorruptError(msg)
    known = {_plain(part): part for part in parts}
    asked = _plain(wanted.casefold().removeprefix(_TITLE.casefold()))
    asked = _ALL if asked == "all" else asked
    if asked not in known:
        near = get_close_matches(asked, known, n=1)
        guess = f" did you mean {known[near[0]]}?" if near else ""
        msg = f"{where}: Tabula Sapiens has no part {wanted!r};{guess} it has all, "
        msg += ", ".join(sorted(part for name, part in known.items() if name != _ALL))
        raise InputError(msg)
    entry = parts[known[asked]]
    primary = "only" if asked == _ALL else "any"
    one = resolve_entry(where, dataset, entry, found.collection, client, primary_data=primary)
    columns, notes = {**one.columns, "sample": "obs:sample_id"}, one.notes
    if asked != _ALL:
        notes += (f"{known[asked]} repeats cells of All Cells: take either, not both",)
        if _ALL in known:
            others = (columns.get("same_as"), accession_of(parts[known[_ALL]]))
            columns["same_as"] = "|".join(filter(None, others))
    return [replace(one, columns=columns, notes=notes)]


def _plain(name: str) -> str:
    return name.casefold().replace("_", " ").strip()
