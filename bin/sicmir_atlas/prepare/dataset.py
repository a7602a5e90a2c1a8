"""Prepare one dataset: raw counts in, log-normalised landmarks of the cells that pass, and why."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from sicmir_atlas.errors import ExcludedDataset
from sicmir_atlas.names import MOST_MISSING, landmarks
from sicmir_atlas.prepare import metadata, qc
from sicmir_atlas.prepare.cluster import ClusterOptions, cluster_cells
from sicmir_atlas.prepare.folder import write_prepared
from sicmir_atlas.prepare.genes import resolve_libraries, some_names
from sicmir_atlas.prepare.measure import measure
from sicmir_atlas.prepare.organism import require_human_genes, require_human_row
from sicmir_atlas.prepare.selection import select
from sicmir_atlas.readers import open_counts
from sicmir_atlas.readers.spill import Spill

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

    from sicmir_atlas.prepare.folder import PreparedDataset
    from sicmir_atlas.prepare.genes import GeneMap
    from sicmir_atlas.readers import CountMatrix

__all__ = ["prepare_dataset"]

_CLUSTERING = ClusterOptions()


def prepare_dataset(
    dataset: Mapping[str, Any],
    files: Sequence[Path],
    output: Path,
    *,
    source: Mapping[str, Any],
    samples: Mapping[str, Mapping[str, str]] | None = None,
    overrides: Sequence[Mapping[str, Any]] = (),
    profile: qc.QcProfile,
    profile_name: str,
    cell_calling: Literal["auto", "always", "never"] = "auto",
    min_umi: int = 500,
    max_missing_landmarks: float = MOST_MISSING,
    clustering: ClusterOptions = _CLUSTERING,
) -> PreparedDataset:
    """Run inclusion rules, QC, normalisation and harmonisation on one dataset.

    The matrix is read as a stream; landmark counts wait in a temporary file, in order of cell
    type, until QC has been decided. It is read once, and twice more to cluster cells that have no
    labels; these stay in order of their ids.

    Parameters
    ----------
    dataset
        Row of the samplesheet.
    files
        Its fetched files.
    output
        Folder to make, see :mod:`sicmir_atlas.prepare.folder`.
    source
        What FETCH recorded of the files: ``sha256`` and ``files`` with their ``url``.
    samples
        By sample, columns that all of its cells share: see :func:`.readers.open_counts`.
    overrides
        Labels that a curator gave terms: see :func:`.metadata.cell_labels`.
    profile, profile_name
        QC thresholds, and what the ``datasets`` table calls them.
    cell_calling, min_umi
        See :func:`~sicmir_atlas.prepare.qc.call_cells`.
    max_missing_landmarks
        Largest share of the 977 landmarks that may be absent.
    clustering
        What to do with kept cells of which none has a label.

    Raises
    ------
    ExcludedDataset
        If an inclusion rule says no (atlas specification, section 2).
    InputError
        If the files cannot be read as the row says.
    """
    facts: dict[str, Any] = {
        "qc_profile": profile_name,
        "sha256": source["sha256"],
        "source_url": "|".join(file["url"] for file in source["files"]),
    }
    try:
        require_human_row(dataset)
        metadata.require_metadata(dataset)
        with open_counts(
            files,
            format=dataset.get("format") or "auto",
            layer=dataset.get("counts_layer"),
            gene_symbols=dataset.get("gene_symbols"),
            samples=samples,
        ) as matrix:
            facts["n_barcodes"] = matrix.n_cells
            metadata.require_human(dataset, matrix.cells)
            require_human_genes(matrix.genes)
            genes = resolve_libraries(matrix.genes, matrix.libraries)
            facts["n_landmarks"] = genes.n_found
            _require_landmarks(genes, max_missing_landmarks, some_names(matrix.genes))
            labels = metadata.cell_labels(dataset, matrix.cells, overrides=overrides)
            selected, left_out = select(dataset, matrix.cells, labels)
            metadata.require_labels(labels[selected])
            order = _by_cell_type(labels, matrix.cells.index)
            with closing(Spill(matrix.n_cells)) as spill:
                figures = _measure_into(spill, matrix, genes, order)
                called = selected.copy()
                called[selected] = qc.call_cells(
                    figures.loc[selected, "n_counts"].to_numpy(), how=cell_calling, min_umi=min_umi
                )
                facts["n_cells_raw"] = int(called.sum())
                qc.require_cells(facts["n_cells_raw"], profile)
                rules = qc.qc_rules(figures[called], profile)
                passing, lost = qc.losses(
                    figures[called], labels.loc[called, "cell_type_original"], rules
                )
                facts["n_cells_qc"] = int(passing.sum())
                qc.require_cells_after_qc(facts["n_cells_qc"], facts["n_cells_raw"], profile)

                kept = called.copy()
                kept[called] = passing
                labels, facts["labels"] = _labelled(labels, kept, matrix, figures, clustering)
                cells = pd.concat([labels, figures], axis=1)
                cells.insert(0, "cell_id", matrix.cells.index.to_numpy(str))
                return write_prepared(
                    output,
                    cells=cells.iloc[order[kept[order]]].reset_index(drop=True),
                    blocks=_kept_rows(spill, kept[order]),
                    qc_losses=pd.concat([t for t in (left_out, lost) if len(t)] or [lost]),
                    missing_landmarks=genes.missing,
                    facts={"dataset": dict(dataset), **facts},
                )
    except ExcludedDataset as excluded:
        excluded.facts.update(facts)
        raise


def _by_cell_type(labels: pd.DataFrame, cell_ids: pd.Index[str]) -> NDArray[np.intp]:
    """Order by cell type, then id, so that draws of cells do not hang on the file's order."""
    codes = labels["cell_type_original"].cat.codes.to_numpy()
    return np.lexsort((cell_ids.to_numpy(str), codes))


def _measure_into(
    spill: Spill, matrix: CountMatrix, genes: GeneMap, order: NDArray[np.intp]
) -> pd.DataFrame:
    """Measure every barcode; set landmark counts aside, rows in the given order."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    read = 0

    def keep(block: sparse.csr_matrix) -> None:
        nonlocal read
        entries = block.tocoo()
        spill.add(place[read + entries.row], entries.col, entries.data)
        read += block.shape[0]

    return measure(matrix.blocks(), genes, keep=keep)


def _labelled(
    labels: pd.DataFrame,
    kept: NDArray[np.bool_],
    matrix: CountMatrix,
    figures: pd.DataFrame,
    options: ClusterOptions,
) -> tuple[pd.DataFrame, Literal["study", "clusters", "none"]]:
    """Label kept cells by cluster where the study labels none; say whose labels they are."""
    given = labels.loc[kept, ["cell_type_original", "cell_type_ontology_term_id"]]
    if given.notna().any(axis=None):
        return labels, "study"
    clusters = None
    if options.when == "auto":
        sizes = figures["n_counts"].to_numpy(float)
        clusters = cluster_cells(matrix, kept, sizes, options=options)
    if clusters is None:
        return labels, "none"
    method = pd.Series("unmapped", index=labels.index, dtype="category")
    return labels.assign(cell_type_original=clusters, mapping_method=method), "clusters"


def _kept_rows(spill: Spill, kept: NDArray[np.bool_]) -> Iterator[sparse.csr_matrix]:
    start = 0
    for block in spill.blocks(len(landmarks())):
        stop = start + block.shape[0]
        chosen = kept[start:stop]
        if chosen.any():
            yield block[chosen]
        start = stop


def _require_landmarks(genes: GeneMap, max_missing: float, named: str) -> None:
    share = len(genes.missing) / len(landmarks())
    if share > max_missing:
        reason, n = next(iter(Counter(genes.missing.values()).most_common(1)), ("", 0))
        mostly = f" ({n} are {reason})" if reason.startswith("absent from") else ""
        figure = (
            f"{len(genes.missing)} of {len(landmarks())} landmark genes are missing{mostly}; "
            f"at most {max_missing:.0%} may be; genes are called {named}: check the organism, "
            "`gene_symbols`, and that a table has its genes in rows"
        )
        raise ExcludedDataset("landmarks", figure)
