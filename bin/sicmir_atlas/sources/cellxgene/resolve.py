"""Source `cellxgene`: a row that names a dataset version, a dataset or a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sicmir_atlas.errors import ExcludedDataset, GoneError, InputError
from sicmir_atlas.sources.cellxgene.api import look_up
from sicmir_atlas.sources.cellxgene.dataset import (
    accession_of,
    described,
    require_included,
    to_resolved,
)
from sicmir_atlas.sources.files import safe_name
from sicmir_atlas.sources.resolved import Refused, Resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sicmir_atlas.sources.http import Client

__all__ = ["resolve_cellxgene", "resolve_entry"]


def resolve_cellxgene(dataset: Mapping[str, Any], client: Client) -> list[Resolved | Refused]:
    """Look up the datasets of a row; those of a collection may be refused one by one.

    Raises
    ------
    InputError
        If column accession holds no id.
    ExcludedDataset
        If a rule refuses the only dataset.
    GoneError
        If CELLxGENE has nothing of this id, removed it, or keeps it private.
    """
    where, accession = dataset["dataset_id"], (dataset.get("accession") or "").strip()
    if not accession or "|" in accession:
        msg = (
            f"{where}: column accession takes one id of CELLxGENE (a dataset version, a dataset or "
            f"a collection), got {accession or 'none'}; give every dataset a row of its own"
        )
        raise InputError(msg)
    try:
        found = look_up(client, accession)
    except (InputError, GoneError) as error:
        msg = f"{where}: {error}"
        raise type(error)(msg) from error
    if not found.datasets:
        msg = f"{where}: collection {accession} has no public datasets"
        raise GoneError(msg)
    if len(found.datasets) == 1:
        return [resolve_entry(where, dataset, found.datasets[0], found.collection, client)]
    resolved: list[Resolved | Refused] = []
    for entry in found.datasets:
        name = f"{where}.{safe_name(accession_of(entry)[:8])}"
        try:
            resolved.append(resolve_entry(name, dataset, entry, found.collection, client))
        except ExcludedDataset as because:
            refused = Refused(dataset_id=name, accession=accession_of(entry), because=because)
            resolved.append(refused)
    return resolved


def resolve_entry(
    name: str,
    dataset: Mapping[str, Any],
    entry: Mapping[str, Any],
    collection: Mapping[str, Any],
    client: Client,
    *,
    primary_data: str = "only",
) -> Resolved:
    """Describe one entry of the API, if no rule refuses it.

    Parameters
    ----------
    name
        Name in the atlas.
    dataset
        Row of the samplesheet.
    entry, collection
        What the API says.
    client
        Knows where files are.
    primary_data
        Which cells to keep where the row does not say.

    Raises
    ------
    ExcludedDataset
        If a rule says no; its facts hold what the API says of the dataset.
    """
    wanted = dataset.get("primary_data") or primary_data
    try:
        require_included(entry, primary_data=wanted)
        return to_resolved(name, entry, collection, client.services, primary_data=wanted)
    except ExcludedDataset as because:
        about = described(entry, collection)
        because.facts |= {k: about[k] for k in ("title", "doi", "licence") if k in about}
        raise
