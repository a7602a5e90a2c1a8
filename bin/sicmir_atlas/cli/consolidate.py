"""`sicmir-atlas consolidate`: datasets become an atlas folder."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

__all__ = ["consolidate"]


def consolidate(
    *,
    datasets: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    facts: Path | None = None,
    shards: Path | None = None,
    verdicts: Path | None = None,
    failures: Path | None = None,
    parameters: Path | None = None,
    model: Path | None = None,
    atlas: Path | None = None,
    kept: Path | None = None,
    existing_sha256: str | None = None,
    fingerprints: Path | None = None,
) -> None:
    """Gather datasets into an atlas folder.

    Parameters
    ----------
    datasets
        Rows of the samplesheet, as `check` wrote them.
    output
        Atlas folder to make.
    facts
        Folder that `resolve` made.
    shards
        Folder of the folders that `predict-dataset` made.
    verdicts
        Folder of verdicts, one JSON a dataset.
    failures
        Folder of last errors, `<dataset_id>.txt`.
    parameters
        Parameters that shaped the results, JSON; written into the manifest.
    model
        Model folder; the shipped model where none is given.
    atlas
        Existing atlas folder that datasets are taken over from.
    kept
        These datasets, a JSON list of `dataset_id` and, where it could not be looked up, its `row`.
    existing_sha256
        Checksum of that atlas's manifest.json when they were chosen; refused if it is another now.
    fingerprints
        By dataset, what its results follow from, JSON; a later build compares it.
    """
    from sicmir_atlas.atlas.consolidate import consolidate as run
    from sicmir_atlas.atlas.existing import ExistingAtlas
    from sicmir_atlas.atlas.shard import Shard
    from sicmir_atlas.cli import _io
    from sicmir_atlas.model.weights import load_model
    from sicmir_atlas.sources.resolved import as_resolved

    def inside(folder: Path | None, pattern: str) -> list[Path]:
        return sorted(folder.glob(pattern)) if folder is not None else []

    said = [_io.read_json(path) for path in inside(verdicts, "*.json")]
    learnt = [_io.read_json(path) for path in inside(facts, "*/facts.json")]
    taken = _io.read_json(kept) if kept is not None else []
    existing = None
    if atlas and taken:
        names = [one["dataset_id"] for one in taken]
        existing = ExistingAtlas(atlas, names, sha256=existing_sha256)
    if existing:
        learnt += [existing.facts(one["dataset_id"], one["row"]) for one in taken if "row" in one]
    run(
        as_resolved(_io.read_json(datasets), learnt, said),
        output,
        shards=[Shard(path.parent) for path in inside(shards, "*/shard.json")],
        verdicts={verdict["dataset_id"]: verdict for verdict in said},
        failures={path.stem: path.read_text().strip() for path in inside(failures, "*.txt")},
        model=load_model(model),
        parameters=_io.read_json(parameters) if parameters is not None else {},
        existing=existing,
        fingerprints=_io.read_json(fingerprints) if fingerprints else None,
    )
