"""Source `scbasecount`: experiments of SRA that scBaseCount counted anew (sources spec, section 3).

Its metadata are written by a language model, diseases by study; opt-in for that reason.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sicmir_atlas.errors import (
    CorruptError,
    ExcludedDataset,
    GoneError,
    InputError,
)
from sicmir_atlas.sources.files import RemoteFile, mask
from sicmir_atlas.sources.resolved import Resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sicmir_atlas.sources.http import Client

__all__ = ["resolve_scbasecount"]

_FEATURE = "GeneFull_Ex50pAS"
_ORGANISM = "Homo_sapiens"
_ACCESSION = re.compile(r"[SEDN]RX\d+", re.IGNORECASE)
_ASSAYS = {
    "3_prime_gex": ("10x 3' transcription profiling", "EFO:0030003"),
    "5_prime_gex": ("10x 5' transcription profiling", "EFO:0030004"),
    "flex": ("10x gene expression flex", "EFO:0022606"),
    "multiome": ("10x multiome", "EFO:0030059"),
}
_SUSPENSION = {"single_cell": "cell", "single_nucleus": "nucleus"}
_NOT_KNOWN = {
    "", "unsure", "unknown", "none", "not specified", "not applicable", "other", "na", "n/a", "nan",
}  # fmt: skip
# the table of samples, by accession
_ROWS: WeakKeyDictionary[Client, dict[str, dict[str, Any]]] = WeakKeyDictionary()


def resolve_scbasecount(dataset: Mapping[str, Any], client: Client) -> list[Resolved]:
    """Look up experiments (SRX, several by ``|``) in the release's table of samples.

    Each experiment is a file and a sample. Words such as ``unsure`` count as nothing.

    Raises
    ------
    InputError
        If column accession holds no experiments.
    GoneError
        If the release has no such human experiment, or the bucket wants a billing project.
    ExcludedDataset
        Rule ``umi``, if one was not made by a 10x assay of transcripts; ``organism``.
    MissingExtraError
        If the release is in a bucket, and the extra that reads buckets is not installed.
    """
    where = dataset["dataset_id"]
    accessions = [a.strip().upper() for a in (dataset.get("accession") or "").split("|")]
    wrong = [a for a in accessions if not _ACCESSION.fullmatch(a)]
    if wrong or len(set(accessions)) < len(accessions):
        got = ", ".join(a or "nothing" for a in wrong) or "one of them twice"
        msg = f"{where}: column accession takes experiments such as SRX12345678, with '|' between; "
        raise InputError(msg + f"got {got}")
    rows = _rows(client)
    missing = [a for a in accessions if a not in rows]
    if missing:
        msg = (
            f"{where}: {', '.join(missing)}: not among the human experiments of "
            f"{mask(client.services.scbasecount_url)}; check the accession, or the release in "
            "scbasecount_url"
        )
        raise GoneError(msg)
    samples = {accession: _sample(accession, rows[accession]) for accession in accessions}
    counts = [int(rows[accession].get("obs_count") or 0) for accession in accessions]
    collections = {value for a in accessions if (value := _known(rows[a].get("czi_collection_id")))}
    columns = {
        "organism": "Homo sapiens",
        "assay": "obs:assay",
        "cell_type": "obs:cell_type",
        "sample": "obs:sample_id",
        "n_cells": str(sum(counts)) if all(counts) else "",
        "same_as": "|".join(sorted(collections)),
    }
    columns |= {
        f: f"obs:{f}" for f in ("tissue", "disease") if any(f in s for s in samples.values())
    }
    base = f"{client.services.scbasecount_url}/h5ad/{_FEATURE}/{_ORGANISM}"
    return [
        Resolved(
            dataset_id=where,
            files=tuple(RemoteFile(f"{base}/{a}.h5ad", f"{a}.h5ad") for a in accessions),
            accession="|".join(accessions),
            version=client.services.scbasecount_url.rpartition("/")[2],
            columns={name: value for name, value in columns.items() if value},
            samples=samples,
            notes=("tissue and disease were written by a language model, disease by study",),
        )
    ]


def _sample(accession: str, row: Mapping[str, Any]) -> dict[str, str]:
    """Columns that all cells of an experiment share.

    Raises
    ------
    ExcludedDataset
        Rule ``umi`` or ``organism``.
    """
    organism, kit = row.get("organism"), str(row.get("tech_10x"))
    if organism and str(organism) != "Homo sapiens":
        raise ExcludedDataset("organism", f"{accession}: {organism}; only Homo sapiens is included")
    if row.get("lib_prep") != "10x_Genomics" or kit not in _ASSAYS:
        figure = (
            f"{accession}: {row.get('lib_prep')}, {kit}; 10x_Genomics with "
            f"{', '.join(_ASSAYS)} is included: take it out of column accession"
        )
        raise ExcludedDataset("umi", figure)
    label, term = _ASSAYS[kit]
    sample = {"sample_id": accession, "assay": label, "assay_ontology_term_id": term}
    for field in ("tissue", "disease"):
        for name in (field, f"{field}_ontology_term_id"):
            if value := _known(row.get(name)):
                sample[name] = value
    suspension = _SUSPENSION.get(str(row.get("cell_prep")))
    return sample | ({"suspension_type": suspension} if suspension else {})


def _known(value: object) -> str | None:
    text = str(value or "").strip()
    return None if text.casefold() in _NOT_KNOWN else text


def _rows(client: Client) -> dict[str, dict[str, Any]]:
    """All rows of the release's table of samples, by accession; it is asked for once."""
    if client not in _ROWS:
        import pyarrow as pa
        import pyarrow.parquet as pq

        base = client.services.scbasecount_url
        url = f"{base}/metadata/{_FEATURE}/{_ORGANISM}/sample_metadata.parquet"
        content = _content(client, url)
        try:
            # not read_table: its threads may outlive Python, which then aborts at its end
            file = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False)
            rows = file.read(use_threads=False).to_pylist()
            _ROWS[client] = {str(row["srx_accession"]): row for row in rows}
        except (pa.ArrowException, OSError, KeyError) as error:
            first = str(error).splitlines()[0]
            msg = f"{mask(url)}: no table of samples in Parquet: {first}; check scbasecount_url"
            raise CorruptError(msg) from error
    return _ROWS[client]


def _content(client: Client, url: str) -> bytes:
    try:
        return client.content(url)
    except GoneError as error:
        if not re.search(r"UserProjectMissing|HTTP 400\b", str(error)):
            raise
        msg = (
            f"{error}: the bucket bills whoever reads it: name a project that pays in "
            "requester_pays, or a copy of the release in scbasecount_url"
        )
        raise GoneError(msg) from error
