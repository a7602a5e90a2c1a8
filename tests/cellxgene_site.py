"""A simulated CELLxGENE Discover: its API, and H5AD files in its schema."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import numpy as np

from archives import Reply, Site
from cellxgene_h5ad import SCHEMA, cell_types, h5ad
from sicmir_atlas.names import ontologies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HUMAN, MOUSE = "NCBITaxon:9606", "NCBITaxon:10090"
TENX, SMART_SEQ2, VISIUM = "EFO:0009922", "EFO:0008931", "EFO:0022857"
LUNG, LIVER, NORMAL = "UBERON:0002048", "UBERON:0002107", "PATO:0000461"


TABULA_SAPIENS = "Tabula Sapiens"
_REAL = {TABULA_SAPIENS: "e5f58829-1a66-40b5-a624-9046778e74f5"}


def uid(name: str) -> str:
    """An id in the API's form, always the same for a name."""
    return _REAL.get(name) or str(uuid5(UUID(int=7), name))


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """One version of a dataset: what the API says of it, and its file.

    Sequences of terms are given to cells in turn, so that two assays are half of the cells each;
    `fields` replaces fields of the API's entry, also by None.
    """

    title: str
    collection: str = "Invented atlas"
    version: int = 1
    cells: Mapping[str, int] = field(default_factory=lambda: {"T cell": 300, "fibroblast": 300})
    assay: Sequence[str] = (TENX,)
    tissue: Sequence[str] = (LUNG,)
    disease: Sequence[str] = (NORMAL,)
    organism: Sequence[str] = (HUMAN,)
    primary: Sequence[bool] = (True,)
    fields: Mapping[str, Any] = field(default_factory=dict)
    has_file: bool = True
    size: int = -1
    """Announced size of a file that is not there."""

    @property
    def dataset_id(self) -> str:
        return uid(f"{self.collection}/{self.title}")

    @property
    def version_id(self) -> str:
        return uid(f"{self.collection}/{self.title}/{self.version}")

    @property
    def collection_id(self) -> str:
        return uid(self.collection)

    @cached_property
    def file(self) -> bytes:
        return h5ad(self)

    @cached_property
    def entry(self) -> dict[str, Any]:
        """The entry of ``/datasets``, with all fields it may have."""
        n_cells = sum(self.cells.values())
        primary = np.resize(self.primary, n_cells)
        page = "https://cellxgene.cziscience.com"
        file = f"https://datasets.cellxgene.cziscience.com/{self.version_id}"
        types = [cell_types()[label] for label in self.cells]
        return {
            "assay": _elements(self.assay),
            "assets": [
                {"filesize": -1, "filetype": "RDS", "url": f"{file}.rds"},
                {
                    "filesize": len(self.file) if self.has_file else self.size,
                    "filetype": "H5AD",
                    "url": f"{file}.h5ad",
                },
            ],
            "batch_condition": None,
            "cell_count": n_cells,
            "cell_type": _elements(types),
            "citation": f"Publication: https://doi.org/10.5555/{self.collection_id[:8]} Dataset "
            f"Version: {file}.h5ad curated and distributed by CZ CELLxGENE Discover in "
            f"Collection: {page}/collections/{self.collection_id}",
            "collection_doi": f"10.5555/{self.collection_id[:8]}",
            "collection_doi_label": "Nemo et al. (2024) Invented J",
            "collection_id": self.collection_id,
            "collection_name": self.collection,
            "collection_version_id": uid(f"{self.collection}/version"),
            "dataset_id": self.dataset_id,
            "dataset_version_id": self.version_id,
            "development_stage": _elements(["HsapDv:0000258"]),
            "disease": _elements(self.disease),
            "donor_id": ["donor_1", "donor_2"],
            "explorer_url": f"{page}/e/{self.dataset_id}.cxg/",
            "is_primary_data": [v for v in (True, False) if v in primary],
            "mean_genes_per_cell": 1234.5,
            "organism": _elements(self.organism),
            "primary_cell_count": int(primary.sum()),
            "published_at": "2024-03-04T10:00:00+00:00",
            "revised_at": f"2024-0{3 + self.version}-01T00:00:00+00:00" * (self.version > 1)
            or None,
            "schema_version": SCHEMA,
            "self_reported_ethnicity": [{"label": "unknown", "ontology_term_id": "unknown"}],
            "sex": _elements(["PATO:0000383"]),
            "suspension_type": ["cell"],
            "tissue": [e | {"tissue_type": "tissue"} for e in _elements(self.tissue)],
            "title": self.title,
            "tombstone": False,
            "x_approximate_distribution": None,
            **self.fields,
        }


def cellxgene_sites(
    datasets: Sequence[Simulated],
    *,
    collections: Mapping[str, Mapping[str, Any]] | None = None,
    removed: Sequence[str] = (),
    private: Sequence[str] = (),
) -> dict[str, Site]:
    """Sites ``cellxgene`` (the API) and ``cellxgene_files``.

    Parameters
    ----------
    datasets
        All versions, older ones first.
    collections
        Fields of collections by name, such as ``links`` or ``doi``.
    removed, private
        Ids that are answered with 410 and 403.
    """
    api = _Api(datasets, collections or {})
    files = {f"{one.version_id}.h5ad": one for one in datasets if one.has_file}

    def answer(path: str) -> Reply:
        identifier = path.partition("?")[0].removesuffix("/versions").partition("/")[2]
        if identifier in removed:
            return problem(410, "The requested resource is no longer available.")
        if identifier in private or not re.fullmatch(r"([0-9a-f-]{36})?", identifier):
            return problem(403, "User is not authorized to access this resource.")
        return api.answer(path, identifier)

    def asset(path: str) -> Reply:
        if path not in files:
            return Reply(b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", 403)
        return Reply(files[path].file)

    return {"cellxgene": answer, "cellxgene_files": asset}


class _Api:
    def __init__(
        self, datasets: Sequence[Simulated], collections: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.datasets, self.collections = datasets, collections
        self.newest = {one.dataset_id: one for one in datasets}
        self.names = list(dict.fromkeys([*(one.collection for one in datasets), *collections]))
        self.canonical = {uid(name): name for name in self.names}
        self.versions = {one.version_id for one in datasets}
        self.versions |= {uid(f"{name}/version") for name in self.names}

    def answer(self, path: str, identifier: str) -> Reply:
        match path.partition("?")[0].replace(identifier, "ID") if identifier else path:
            case "datasets":
                found: Any = [one.entry for one in self.newest.values()]
            case "collections":
                found = [self.collection(name, _PREVIEW) for name in self.names]
            case "dataset_versions/ID":
                found = next((_version(d) for d in self.datasets if d.version_id == identifier), {})
            case "datasets/ID/versions":
                found = [_version(d) for d in reversed(self.datasets) if d.dataset_id == identifier]
            case "collections/ID" if identifier in self.canonical:
                everything = set(next(iter(self.newest.values())).entry) - _ELSEWHERE
                found = self.collection(self.canonical[identifier], everything)
            case _:
                found = None
        if found:
            return _json(found)
        if identifier in self.versions and not path.startswith("dataset_versions"):
            return problem(403, "User is not authorized to access this resource.")
        return problem(404, "Not found")

    def collection(self, name: str, fields: set[str]) -> dict[str, Any]:
        members = [one for one in self.newest.values() if one.collection == name]
        members.sort(key=lambda one: one.dataset_id, reverse=True)
        return {
            "collection_id": uid(name),
            "collection_url": f"https://cellxgene.cziscience.com/collections/{uid(name)}",
            "collection_version_id": uid(f"{name}/version"),
            "consortia": [],
            "contact_email": None,
            "contact_name": None,
            "datasets": [_part(one, fields) for one in members],
            "doi": f"10.5555/{uid(name)[:8]}",
            "links": [],
            "name": name,
            "published_at": "2024-03-04T10:00:00+00:00",
            "publisher_metadata": None,
            "revised_at": None,
            "visibility": "PUBLIC",
            **self.collections.get(name, {}),
        }


def problem(status: int, detail: str) -> Reply:
    """An error of the API."""
    body = {"detail": detail, "status": status, "title": "Error", "type": "about:blank"}
    headers = {"Content-Type": "application/problem+json"}
    return Reply(json.dumps(body).encode(), status, headers)


def many(n: int = 400, *, seed: int = 0) -> list[Simulated]:
    """Datasets without files, as varied as the public list, nulls included."""
    rng = np.random.default_rng(seed)
    tissues = [LUNG, LIVER, "UBERON:0000178", "UBERON:0006518", "UBERON:0002113", "UBERON:0001264"]
    diseases = [NORMAL, "MONDO:0100096", "MONDO:0004975", "MONDO:0005061"]
    assays = [TENX, "EFO:0009899", "EFO:0011025", "EFO:0030059", "EFO:0010550", SMART_SEQ2, VISIUM]
    blanks = ["title", "disease", "donor_id", "primary_cell_count", "cell_type", "collection_doi"]
    made = []
    for i in range(n):
        tissue, disease = rng.choice(tissues), rng.choice(diseases)
        size = int(rng.lognormal(10, 1.5))
        made.append(
            Simulated(
                title=f"Simulated {ontologies().get_term_label(tissue)} — {i % 37}",
                collection=f"Invented atlas {i // 4}",
                cells={"T cell": size // 2 + 1, "macrophage": size // 2 + 1},
                assay=tuple(rng.choice(assays, int(rng.integers(1, 3)), replace=False)),
                tissue=(str(tissue),),
                disease=tuple(dict.fromkeys([NORMAL, str(disease)])),
                organism=(MOUSE if i % 10 == 9 else HUMAN,),
                primary=((True,), (True, False), (False,))[int(rng.choice(3, p=[0.7, 0.1, 0.2]))],
                fields={blanks[i % len(blanks)]: None} if i % 7 == 0 else {},
                has_file=False,
                size=-1 if i % 100 == 99 else 20_000 * size,
            )
        )
    return made


_PREVIEW = {
    "assay", "disease", "organism", "tissue", "suspension_type", "dataset_id", "dataset_version_id",
}  # fmt: skip
_ELSEWHERE = {"collection_id", "collection_name", "collection_doi", "collection_version_id"}


def _version(one: Simulated) -> dict[str, Any]:
    hidden = {"collection_name", "collection_doi", "collection_doi_label", "revised_at"}
    return _part(one, set(one.entry) - hidden - {"explorer_url"})


def _part(one: Simulated, fields: set[str]) -> dict[str, Any]:
    return {name: value for name, value in one.entry.items() if name in fields}


def _json(content: Any) -> Reply:
    headers = {"Content-Type": "application/json"}
    return Reply(json.dumps(content).encode(), headers=headers)


def _elements(terms: Sequence[str]) -> list[dict[str, str]]:
    return [
        {"label": ontologies().get_term_label(term), "ontology_term_id": term}
        for term in map(str, terms)
    ]
