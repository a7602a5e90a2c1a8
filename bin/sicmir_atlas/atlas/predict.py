"""Predict one prepared dataset: pools and cells in, the dataset's share of the atlas out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from sicmir_atlas import __version__
from sicmir_atlas.atlas import files
from sicmir_atlas.atlas.cell_type_means import GROUP, cell_type_means
from sicmir_atlas.atlas.files import AtlasFile, TableWriter, to_arrow
from sicmir_atlas.atlas.labels import label_table
from sicmir_atlas.atlas.schema import PROCESSING_VERSION, SCHEMA_VERSION, TABLES
from sicmir_atlas.atlas.shard import Shard
from sicmir_atlas.disk import folder_written_whole
from sicmir_atlas.errors import ExcludedDataset, InputError
from sicmir_atlas.model.pooling import BOOTSTRAP_ABOVE, MAX_DRAWS, PoolPlan, check_not_degenerate
from sicmir_atlas.model.pooling import pool as pool_rows
from sicmir_atlas.model.scaling import balanced_weights, scaling_of, zscore
from sicmir_atlas.names import landmarks, mirnas
from sicmir_atlas.trust import DomainMeter, is_short_of_landmarks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sicmir_atlas.model.inference import Predictor
    from sicmir_atlas.model.scaling import Scaling
    from sicmir_atlas.model.weights import Model
    from sicmir_atlas.prepare.folder import PreparedDataset

__all__ = ["PredictOptions", "predict_dataset"]


@dataclass(frozen=True)
class PredictOptions:
    """How cells are pooled and scaled (sicmir-model section 8, atlas specification section 3).

    ``balance`` ``published`` lets every pool count once in the z-scores, ``balanced`` every cell
    type. ``per_cell`` also predicts each cell.
    """

    pool_by_donor: bool = False
    balance: Literal["published", "balanced"] = "published"
    bootstrap_above: int = BOOTSTRAP_ABOVE
    max_draws: int = MAX_DRAWS
    seed: int = 0
    per_cell: bool = True


def predict_dataset(
    prepared: PreparedDataset,
    output: Path,
    *,
    model: Model,
    predictor: Predictor,
    options: PredictOptions,
) -> Shard:
    """Predict a dataset's pools and cells and write its share of the atlas.

    A dataset without cell-type labels is predicted per cell only.

    Raises
    ------
    ExcludedDataset
        Rule ``degenerate_pooling``: fewer than 3 pools or 2 cell types. Rule ``cell_type``: no
        labels to pool by, and cells are not predicted.
    InputError
        If the model's panels are not this package's.
    """
    if tuple(model.landmarks) != landmarks() or tuple(model.mirnas) != mirnas():
        msg = f"model {model.model_id}: its genes or miRNAs are not the published panels"
        raise InputError(msg)
    facts = prepared.facts
    dataset_id: str = facts["dataset"]["dataset_id"]
    cells = prepared.cells()
    versions = {
        "schema_version": SCHEMA_VERSION,
        "processing_version": str(PROCESSING_VERSION),
        "pipeline_version": __version__,
        "model_id": model.model_id,
    }
    with folder_written_whole(output) as part:
        writing = _Writing(part, dataset_id, {**versions, "dataset_sha256": facts["sha256"]})

        about = _dataset_facts(facts, cells)
        meter = DomainMeter(model)
        labelled = cells["cell_type_original"].notna()
        pools = pd.DataFrame({"method": []})
        try:
            if labelled.any():
                pools, means = _pool(prepared, cells, options)
                z = _scaled_pools(pools, means, options)
                meter.add(z)
                predicted, member_sd = predictor.predict_with_sd(z)
                about["sparsity_pools"] = float(np.mean(means == 0))
            elif not options.per_cell:
                figure = "no cell has a label to pool by, and per-cell prediction is off"
                raise ExcludedDataset("cell_type", figure)
        except ExcludedDataset as excluded:
            excluded.facts.update(about)
            raise
        if labelled.any():
            with writing.table("pool_mirna") as writer:
                rows = pools.assign(dataset_id=dataset_id)
                writer.write(to_arrow(rows, TABLES["pool_mirna"], predicted))
            means_of_groups = cell_type_means(pools, predicted, member_sd, cells)
            writing.add("cell_type_mirna", means_of_groups)
        if options.per_cell:
            unpooled = None if labelled.any() else meter
            _predict_cells(prepared, cells, predictor, writing, options, meter=unpooled)
        writing.add("cells", cells)
        writing.add("harmonisation", label_table(cells))
        writing.add("qc_losses", prepared.qc_losses())
        missing = facts["missing_landmarks"]
        writing.add(
            "missing_landmarks",
            pd.DataFrame({"landmark": missing.keys(), "reason": missing.values()}),
        )

        shard = Shard(part)
        shard.write(
            dataset={
                **about,
                "pooling": _pooling(pools),
                "balance": options.balance,
                "n_pools": len(pools),
                "domain_distance": meter.distance,
                # most of the variance of single cells is chance, outside any training data
                "is_far": meter.is_far if len(pools) else None,
                "status": "included",
                "model_id": model.model_id,
                "processing_version": PROCESSING_VERSION,
            },
            versions=versions,
            files=writing.files,
        )
    return Shard(output)


class _Writing:
    """Files of one dataset as they are written."""

    def __init__(self, folder: Path, dataset_id: str, metadata: Mapping[str, str]) -> None:
        self.folder, self.dataset_id = folder, dataset_id
        self.metadata = {f"sicmir_atlas.{k}": v for k, v in metadata.items()}
        self._writers: list[TableWriter] = []

    def table(self, name: str) -> TableWriter:
        writer = TableWriter(
            self.folder, TABLES[name], metadata=self.metadata, dataset_id=self.dataset_id
        )
        self._writers.append(writer)
        return writer

    def add(self, name: str, rows: pd.DataFrame) -> None:
        with self.table(name) as writer:
            writer.write(rows.assign(dataset_id=self.dataset_id))

    @property
    def files(self) -> list[AtlasFile]:
        return [writer.file for writer in self._writers if writer.file is not None]


def _dataset_facts(facts: Mapping[str, Any], cells: pd.DataFrame) -> dict[str, Any]:
    def distinct(column: str) -> list[str]:
        return sorted(cells[column].dropna().unique())

    measured = ("n_barcodes", "n_cells_raw", "n_cells_qc", "n_landmarks", "qc_profile")
    described = ("labels", "sparsity_cells", "sha256", "source_url")
    joined = ("assay", "suspension_type", "organ", "disease_category")
    return {
        "dataset_id": facts["dataset"]["dataset_id"],
        **{name: facts[name] for name in (*measured, *described)},
        **{name: " || ".join(distinct(name)) or None for name in joined},
        "is_short_of_landmarks": is_short_of_landmarks(len(facts["missing_landmarks"])),
        "organism": "Homo sapiens",
        "tissues": distinct("tissue"),
        "diseases": distinct("disease"),
        "n_donors": len(distinct("donor_id")) or None,
        "n_cell_types": len(distinct("cell_type_original")),
        "n_cells_mapped": int(cells["cell_type_ontology_term_id"].notna().sum()),
    }


def _pool(
    prepared: PreparedDataset, cells: pd.DataFrame, options: PredictOptions
) -> tuple[pd.DataFrame, np.ndarray]:
    """Pool the labelled cells: what each pool is, and its mean landmarks."""
    keys = [*GROUP, "donor_id"] if options.pool_by_donor else GROUP
    groups = cells[keys].astype(object)
    # escaped, so that no label is taken for a bar between two, nor for no label at all
    parts = groups.astype(str).replace({"%": "%25", r"\|": "%7C"}, regex=True)
    names = parts.where(groups.notna(), "%unknown").agg("|".join, axis=1)
    names = names.where(cells["cell_type_original"].notna(), None)
    plan = PoolPlan.from_labels(
        names,
        dataset_id=prepared.facts["dataset"]["dataset_id"],
        seed=options.seed,
        bootstrap_above=options.bootstrap_above,
        max_draws=options.max_draws,
    )
    check_not_degenerate(plan.n_pools, cells["cell_type_original"].nunique())
    pools, means = pool_rows(prepared.blocks(), plan, n_genes=len(landmarks()))
    about = [*keys, "cell_type", "cell_type_ontology_term_id", "lineage"]
    of_group = cells[about].assign(group=names).dropna(subset="group").drop_duplicates("group")
    return pools.merge(of_group, on="group", how="left", validate="many_to_one"), means


def _scaled_pools(pools: pd.DataFrame, means: np.ndarray, options: PredictOptions) -> np.ndarray:
    weights = None
    if options.balance == "balanced":
        weights = balanced_weights(pools["cell_type_original"].to_numpy(str))
    return zscore(means, weights=weights)


def _predict_cells(
    prepared: PreparedDataset,
    cells: pd.DataFrame,
    predictor: Predictor,
    writing: _Writing,
    options: PredictOptions,
    *,
    meter: DomainMeter | None,
) -> None:
    weights = None
    if options.balance == "balanced":
        types = cells["cell_type_original"].astype(object).fillna("unlabelled")
        weights = balanced_weights(types.to_numpy(str))
    scaling = scaling_of(prepared.blocks(), weights)
    spec, about = TABLES["cell_mirna"], cells[["cell_id", "cell_type"]]
    about = about.assign(dataset_id=writing.dataset_id)
    done = 0
    with writing.table("cell_mirna") as writer:
        for rows in _in_row_groups(prepared, predictor, scaling, meter):
            stop = done + len(rows)
            writer.write(to_arrow(about.iloc[done:stop], spec, rows))
            done = stop


def _in_row_groups(
    prepared: PreparedDataset,
    predictor: Predictor,
    scaling: Scaling,
    meter: DomainMeter | None,
) -> Iterator[np.ndarray]:
    """Predict cells, as many at a time as a row group of the file holds."""
    size = files.ROWS_PER_GROUP
    held = np.empty((size, len(mirnas())), np.float16, order="F")
    filled = 0
    for block in prepared.blocks():
        z = scaling.apply(block)
        if meter is not None:
            meter.add(z)
        rows = predictor.predict(z).astype(np.float16)
        while len(rows):
            fits = min(len(rows), size - filled)
            held[filled : filled + fits] = rows[:fits]
            filled, rows = filled + fits, rows[fits:]
            if filled == size:
                yield held  # written before the next row is asked for, so it can be filled again
                filled = 0
    if filled:
        yield held[:filled]


def _pooling(pools: pd.DataFrame) -> str:
    methods = sorted(pools["method"].unique())
    if not methods:
        return "none"
    return "mixed" if len(methods) > 1 else str(methods[0])
