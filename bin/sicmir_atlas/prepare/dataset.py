"""Prepare one dataset: raw counts in, log-normalised landmarks of the cells that pass, and why."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from sicmir_atlas.errors import ExcludedDataset
from sicmir_atlas.names import landmarks
from sicmir_atlas.prepare import metadata, qc
from sicmir_atlas.prepare.folder import PreparedDataset, write_prepared
from sicmir_atlas.prepare.genes import GeneMap, resolve_genes
from sicmir_atlas.prepare.measure import measure
from sicmir_atlas.readers import open_counts
from sicmir_atlas.readers.spill import Spill

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scipy import sparse

__all__ = ["prepare_dataset"]


def prepare_dataset(
    dataset: Mapping[str, Any],
    files: Sequence[Path],
    output: Path,
    *,
    profile: qc.QcProfile,
    profile_name: str,
    cell_calling: Literal["auto", "always", "never"] = "auto",
    min_umi: int = 500,
    max_missing_landmarks: float = 0.5,
) -> PreparedDataset:
    """Run inclusion rules, QC, normalisation and harmonisation on one dataset.

    The matrix is read once, as a stream; landmark counts wait in a temporary file, in order of
    cell type, until QC has been decided.

    Parameters
    ----------
    dataset
        Row of the samplesheet.
    files
        Its fetched files.
    output
        Folder to make, see :mod:`sicmir_atlas.prepare.folder`.
    profile, profile_name
        QC thresholds, and what the ``datasets`` table calls them.
    cell_calling, min_umi
        See :func:`~sicmir_atlas.prepare.qc.call_cells`.
    max_missing_landmarks
        Largest share of the 977 landmarks that may be absent.

    Raises
    ------
    ExcludedDataset
        If an inclusion rule says no (atlas specification, section 2).
    InputError
        If the files cannot be read as the row says.
    """
    metadata.require_human(dataset)
    metadata.require_metadata(dataset)
    with open_counts(
        files,
        format=dataset.get("format") or "auto",
        layer=dataset.get("counts_layer"),
        gene_symbols=dataset.get("gene_symbols"),
    ) as matrix:
        metadata.require_human(dataset, matrix.cells)
        selected = metadata.row_filter(dataset, matrix.cells)
        labels = metadata.cell_labels(dataset, matrix.cells)
        genes = resolve_genes(matrix.genes)
        _require_landmarks(genes, max_missing_landmarks)

        order = np.argsort(labels["cell_type_original"].cat.codes.to_numpy(), kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        with closing(Spill(matrix.n_cells, len(landmarks()))) as spill:
            read = 0

            def keep(block: sparse.csr_matrix) -> None:
                nonlocal read
                entries = block.tocoo()
                spill.add(place[read + entries.row], entries.col, entries.data)
                read += block.shape[0]

            figures = measure(matrix.blocks(), genes, keep=keep)
            called = selected.copy()
            called[selected] = qc.call_cells(
                figures.loc[selected, "n_counts"].to_numpy(), how=cell_calling, min_umi=min_umi
            )
            qc.require_cells(int(called.sum()), profile)
            cells = figures[called]
            rules = qc.qc_rules(cells, profile)
            passing, lost = qc.losses(cells, labels.loc[called, "cell_type_original"], rules)
            qc.require_cells_after_qc(int(passing.sum()), int(called.sum()), profile)

            kept = called.copy()
            kept[called] = passing
            table = pd.concat([labels, figures], axis=1)
            table.insert(0, "cell_id", matrix.cells.index.to_numpy(str))
            return write_prepared(
                output,
                cells=table.iloc[order[kept[order]]].reset_index(drop=True),
                blocks=_kept_rows(spill, kept[order]),
                qc_losses=lost,
                missing_landmarks=genes.missing,
                facts={
                    "dataset": dict(dataset),
                    "n_barcodes": matrix.n_cells,
                    "n_cells_raw": int(called.sum()),
                    "qc_profile": profile_name,
                },
            )


def _kept_rows(spill: Spill, kept: np.ndarray) -> Any:
    start = 0
    for block in spill.blocks():
        stop = start + block.shape[0]
        chosen = kept[start:stop]
        if chosen.any():
            yield block[chosen]
        start = stop


def _require_landmarks(genes: GeneMap, max_missing: float) -> None:
    share = len(genes.missing) / len(landmarks())
    if share > max_missing:
        figure = (
            f"{len(genes.missing)} of {len(landmarks())} landmark genes are missing; "
            f"at most {max_missing:.0%} may be; check the organism and `gene_symbols`"
        )
        raise ExcludedDataset("landmarks", figure)
