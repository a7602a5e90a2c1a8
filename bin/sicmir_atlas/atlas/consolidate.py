"""Gather the datasets' shares into one atlas folder; no matrix is opened here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sicmir_atlas import __version__
from sicmir_atlas.atlas.database import build_database
from sicmir_atlas.atlas.files import AtlasFile, TableWriter, write_table
from sicmir_atlas.atlas.schema import PROCESSING_VERSION, SCHEMA_VERSION, TABLES
from sicmir_atlas.disk import folder_written_whole, link_or_copy
from sicmir_atlas.errors import InputError
from sicmir_atlas.model.domain import domain_of
from sicmir_atlas.trust import mirna_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sicmir_atlas.atlas.existing import ExistingAtlas
    from sicmir_atlas.atlas.shard import Shard
    from sicmir_atlas.model.weights import Model

__all__ = ["consolidate"]

# what only describes a dataset comes from the samplesheet, so that a change of it reruns no step
_DESCRIBED = ("dataset_id", "source", "accession", "version", "title", "doi", "licence")
_NO_RESULT = "no result: a step ended without output; see the pipeline's log"


def consolidate(
    datasets: Sequence[Mapping[str, Any]],
    output: Path,
    *,
    shards: Sequence[Shard],
    verdicts: Mapping[str, Mapping[str, Any]],
    failures: Mapping[str, str],
    model: Model,
    parameters: Mapping[str, Any],
    existing: ExistingAtlas | None = None,
    fingerprints: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Write an atlas: per-dataset files linked, small tables joined, DuckDB and manifest last.

    The Parquet files are the same whether a dataset comes from its share or from an existing atlas.

    Parameters
    ----------
    datasets
        Rows of the samplesheet; each becomes a row of table ``datasets``.
    shards
        Shares of the included datasets.
    verdicts, failures
        By dataset: what excluded it, or its last error. A dataset with a share is included
        whatever an earlier failure left here.
    existing
        Atlas that datasets are taken over from as they are.
    fingerprints
        By dataset, digests of what its results follow from, and the row that it comes from; a later
        build compares them to tell what changed.

    Raises
    ------
    InputError
        If the datasets were made by different models or versions.
    """
    by_id = {shard.dataset["dataset_id"]: shard for shard in shards}
    kept = set(existing.kept) - set(by_id) if existing else set()
    made = {dataset_id: shard.versions for dataset_id, shard in by_id.items()}
    if existing:
        made |= dict.fromkeys(kept, existing.versions)
    _require_one_version(made, model)
    metadata = {
        "sicmir_atlas.model_id": model.model_id,
        "sicmir_atlas.pipeline_version": __version__,
        "sicmir_atlas.processing_version": str(PROCESSING_VERSION),
    }
    with folder_written_whole(output) as part:
        files: list[AtlasFile] = []
        included = sorted(
            row["dataset_id"] for row in datasets if row["dataset_id"] in by_id.keys() | kept
        )
        for dataset_id in included:
            for folder, file in _large_files(dataset_id, by_id, existing):
                link_or_copy(folder / file.path, part / file.path)
                files.append(file)
        for name, spec in TABLES.items():
            if spec.per_dataset or name in ("datasets", "mirnas"):
                continue
            with TableWriter(part, spec, metadata=metadata) as writer:
                for dataset_id in included:
                    share = _share(name, dataset_id, by_id, existing)
                    if share.num_rows:
                        writer.write(share.combine_chunks())
            files.append(_done(writer))
        known = _results(by_id, verdicts, existing.rows if existing else {})
        rows = [_dataset_row(row, known, failures) for row in datasets]
        table = pd.DataFrame(sorted(rows, key=lambda row: row["dataset_id"]))
        files.append(write_table(part, TABLES["datasets"], table, metadata=metadata))
        files.append(write_table(part, TABLES["mirnas"], mirna_table(model), metadata=metadata))

        files.sort(key=lambda file: file.path)
        build_database(part, files)
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "processing_version": PROCESSING_VERSION,
            "pipeline_version": __version__,
            "model": _about_model(model),
            "parameters": dict(parameters),
            "datasets": {row["dataset_id"]: _known_of(row, fingerprints or {}) for row in rows},
            "files": [file.as_dict() for file in files],
        }
        (part / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def _require_one_version(made: Mapping[str, Mapping[str, str]], model: Model) -> None:
    wanted = {
        "schema_version": SCHEMA_VERSION,
        "processing_version": str(PROCESSING_VERSION),
        "model_id": model.model_id,
    }
    for dataset_id, versions in made.items():
        for what, value in wanted.items():
            found = versions[what]
            if found != value:
                msg = (
                    f"{dataset_id}: made with {what} {found}, this atlas is of {value}; "
                    "predict the dataset again, versions are never mixed"
                )
                raise InputError(msg)


def _large_files(
    dataset_id: str, shards: Mapping[str, Shard], existing: ExistingAtlas | None
) -> list[tuple[Path, AtlasFile]]:
    if dataset_id in shards:
        shard = shards[dataset_id]
        return [(shard.folder, file) for file in shard.files if TABLES[file.table].per_dataset]
    assert existing is not None
    return [(existing.folder, file) for file in existing.large_files(dataset_id)]


def _share(
    table: str, dataset_id: str, shards: Mapping[str, Shard], existing: ExistingAtlas | None
) -> pa.Table:
    if dataset_id in shards:
        shard = shards[dataset_id]
        paths = [shard.folder / file.path for file in shard.files if file.table == table]
        return pa.concat_tables(
            [TABLES[table].arrow_schema().empty_table(), *map(pq.read_table, paths)]
        )
    assert existing is not None
    return existing.share(table, dataset_id)


def _results(
    shards: Mapping[str, Shard],
    verdicts: Mapping[str, Mapping[str, Any]],
    kept: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, Any]]:
    """By dataset that was included or excluded, columns of table ``datasets``."""
    said = {
        dataset_id: {**verdict.get("facts", {}), "status": "excluded", "reason": verdict["reason"]}
        for dataset_id, verdict in verdicts.items()
    }
    before = {
        dataset_id: {name: value for name, value in row.items() if name not in _DESCRIBED}
        for dataset_id, row in kept.items()
    }
    return {**before, **said, **{dataset_id: shard.dataset for dataset_id, shard in shards.items()}}


def _dataset_row(
    row: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], failures: Mapping[str, str]
) -> dict[str, Any]:
    dataset_id = row["dataset_id"]
    organism = row.get("organism")
    about = {
        **{name: row.get(name) for name in _DESCRIBED},
        "organism": None if str(organism).startswith("obs:") else organism,
        "pipeline_version": __version__,
        "processing_version": PROCESSING_VERSION,
    }
    if dataset_id in known:
        return {**about, **known[dataset_id]}
    return {**about, "status": "failed", "reason": failures.get(dataset_id) or _NO_RESULT}


def _known_of(
    row: Mapping[str, Any], fingerprints: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """What a later build asks of a dataset; one that failed is tried again whatever it is."""
    about = {name: row[name] for name in ("status", "reason", "sha256") if row.get(name)}
    prints = dict(fingerprints.get(row["dataset_id"], {}))
    if row["status"] == "failed":
        prints.pop("fingerprint", None)
    return {**about, **prints}


def _about_model(model: Model) -> dict[str, Any]:
    domain = domain_of(model)
    about = {
        "model_id": model.model_id,
        "sha256": model.card.get("sha256"),
        "domain_limit": None if domain is None else domain.limit,
    }
    return {name: value for name, value in about.items() if value is not None}


def _done(writer: TableWriter) -> AtlasFile:
    assert writer.file is not None
    return writer.file
