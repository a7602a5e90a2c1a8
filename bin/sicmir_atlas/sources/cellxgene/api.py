"""Look-ups in the API of CELLxGENE Discover (sources spec, section 2.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sicmir_atlas.errors import CorruptError, GoneError, InputError
from sicmir_atlas.sources.files import mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sicmir_atlas.sources.http import Client

__all__ = ["CellxgeneIndex", "LookUp", "ask_collection", "look_up"]

_ID = re.compile(
    r"(?P<collection>collections/)?(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    re.IGNORECASE,
)
_COLLECTION = "collections/{id}"
_ROUTES = ("dataset_versions/{id}", "datasets/{id}/versions", _COLLECTION)


@dataclass(frozen=True)
class LookUp:
    """What an id stands for: one dataset, or those of a collection.

    Parameters
    ----------
    datasets
        The API's own entries; of a dataset that of its newest version.
    collection
        Their collection as far as it is known, else empty.
    whole
        Whether the id is that of the collection.
    """

    datasets: Sequence[Mapping[str, Any]]
    collection: Mapping[str, Any]
    whole: bool = False


# replies by address, GoneError in place of those that are no
_REPLIES: WeakKeyDictionary[Client, dict[str, Any]] = WeakKeyDictionary()
_INDEXES: WeakKeyDictionary[Client, CellxgeneIndex] = WeakKeyDictionary()


class CellxgeneIndex:
    """All public datasets and collections, in two requests; for looking up many ids.

    Once made, `look_up` with the same client takes what is in it from here.
    """

    def __init__(self, client: Client) -> None:
        self.datasets: list[dict[str, Any]] = _entries(client, "datasets")
        self._collections = {c.get("collection_id"): c for c in _entries(client, "collections")}
        self._by_id = {d.get(k): d for k in _DATASET_IDS for d in self.datasets}
        self._members: dict[Any, list[dict[str, Any]]] = {}
        for dataset in self.datasets:
            self._members.setdefault(dataset.get("collection_id"), []).append(dataset)
        _INDEXES[client] = self

    def find(self, identifier: str) -> LookUp | None:
        """Find a newest version, a dataset or a collection; None where the lists have it not.

        Older versions are not in the lists.
        """
        if dataset := self._by_id.get(identifier):
            return LookUp([dataset], self.collection_of(dataset))
        if members := self._members.get(identifier):
            return LookUp(members, self.collection_of(members[0]), whole=True)
        return None

    def collection_of(self, dataset: Mapping[str, Any]) -> dict[str, Any]:
        """Collection of a dataset; empty where it is not known."""
        return self._collections.get(dataset.get("collection_id"), {})


_DATASET_IDS = ("dataset_version_id", "dataset_id")


def look_up(client: Client, accession: str) -> LookUp:
    """Find out what an id stands for, by asking for each kind in turn.

    Parameters
    ----------
    client
        Remembers replies, so that datasets of one collection ask for it once.
    accession
        Id of a dataset version, a dataset or a collection, or an address that holds one.

    Raises
    ------
    InputError
        If the text holds no id.
    GoneError
        If there is nothing of this id, if it was removed, or if it is private.
    """
    identifier, routes = _parsed(accession)
    index = _INDEXES.get(client)
    if index and (known := index.find(identifier)):
        return known
    private = False
    for route in routes:
        try:
            reply = _ask(client, route.format(id=identifier))
        except GoneError as error:
            if error.status == 410:
                msg = (
                    f"{accession}: removed from CELLxGENE: {error}; look there for what replaced "
                    "it, or take it out of the samplesheet"
                )
                raise GoneError(msg) from error
            if error.status not in {403, 404}:
                raise
            private |= error.status == 403
            continue
        if route == _COLLECTION:
            return LookUp(reply.get("datasets") or [], reply, whole=True)
        dataset = reply[0] if isinstance(reply, list) else reply
        if not isinstance(dataset, dict):
            msg = f"{accession}: CELLxGENE's reply tells of no dataset; try again later"
            raise CorruptError(msg)
        return LookUp([dataset], ask_collection(client, dataset.get("collection_id")))
    if private:
        msg = (
            f"{accession}: CELLxGENE refuses it (HTTP 403): it is private, or an older version of "
            "a collection; give the id that the public collection's page shows"
        )
    else:
        msg = (
            f"{accession}: CELLxGENE has no dataset version, dataset or collection of this id; "
            "copy it from the address of the dataset's or the collection's page"
        )
    raise GoneError(msg)


def ask_collection(client: Client, identifier: str | None) -> Mapping[str, Any]:
    """Collection by id; empty where it cannot be had, for it only adds to what is known."""
    try:
        reply = _ask(client, _COLLECTION.format(id=identifier)) if identifier else {}
    except GoneError:
        return {}
    return reply if isinstance(reply, dict) else {}


def _parsed(accession: str) -> tuple[str, Sequence[str]]:
    """Id in a text, and the routes worth a request."""
    found = list(_ID.finditer(accession))
    if not found:
        msg = (
            f"{accession}: no id of CELLxGENE; one looks like 53d208b0-2cfd-4366-9866-c3c6114081bc "
            "and is the last part of a dataset's or a collection's address"
        )
        raise InputError(msg)
    return found[-1]["id"].lower(), (_COLLECTION,) if found[-1]["collection"] else _ROUTES


def _ask(client: Client, path: str) -> Any:
    """JSON behind a path; no address is asked twice."""
    replies = _REPLIES.setdefault(client, {})
    url = f"{client.services.cellxgene_url}/{path}"
    if url not in replies:
        try:
            replies[url] = client.json(url)
        except GoneError as error:
            replies[url] = error
    if isinstance(replies[url], GoneError):
        raise replies[url]
    if not replies[url]:
        msg = f"{mask(url)}: an empty reply; try again later"
        raise CorruptError(msg)
    return replies[url]


def _entries(client: Client, path: str) -> list[dict[str, Any]]:
    reply = _ask(client, path)
    if not isinstance(reply, list):
        msg = f"{client.services.cellxgene_url}/{path}: no list; check the address of the service"
        raise CorruptError(msg)
    return [entry for entry in reply if isinstance(entry, dict)]
