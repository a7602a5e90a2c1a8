"""Group the cells of a dataset that has no labels: variable genes, PCA, neighbours, Leiden."""

from __future__ import annotations

import logging
import random
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse

from sicmir_atlas.prepare.folder import normalise
from sicmir_atlas.prepare.variable import highly_variable_genes
from sicmir_atlas.readers.spill import Spill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sicmir_atlas.readers import CountMatrix

__all__ = ["ClusterOptions", "cluster_cells"]

logger = logging.getLogger(__name__)

_N_COMPONENTS = 50
_N_NEIGHBOURS = 15
_ITERATIONS = 2
_MIN_CLUSTERS = 3  # as many pools as z-scores need, however PREDICT pools
_BLOCK_ROWS = 1024


@dataclass(frozen=True)
class ClusterOptions:
    """How cells without labels are grouped.

    ``when`` ``auto`` groups the cells of a dataset where none has a label. The neighbours of at
    most ``max_cells`` cells are searched, drawn at random; the others join the group of most of
    their neighbours among these.
    """

    when: Literal["auto", "never"] = "auto"
    resolution: float = 1.0
    max_cells: int = 50_000
    n_top_genes: int = 2000
    seed: int = 0


def cluster_cells(
    matrix: CountMatrix,
    kept: NDArray[np.bool_],
    n_counts: NDArray[np.float64],
    *,
    options: ClusterOptions,
) -> pd.Series[Any] | None:
    """Group cells by their most variable genes; the order of the file leaves no trace.

    The matrix is streamed twice. Only the variable genes of ``options.max_cells`` cells are ever
    held, sparse.

    Parameters
    ----------
    matrix
        Raw counts.
    kept
        Its rows to group.
    n_counts
        Library size of every row.

    Returns
    -------
    Categories ``cluster 1``, ``cluster 2``, … by falling size, one per row of the matrix, null
    where not kept. None where fewer than three groups come out: z-scores of so few pools would
    mean nothing (atlas specification, section 3).
    """
    rows = np.flatnonzero(kept)
    rows = rows[np.argsort(matrix.cells.index.to_numpy(str)[rows], kind="stable")]
    genes = highly_variable_genes(
        ((block, n_counts[where]) for where, block in _kept_blocks(matrix, kept)),
        _in_all_libraries(matrix),
        n_top=options.n_top_genes,
    )
    with closing(Spill(len(rows))) as spill:
        _gather(spill, matrix, kept, rows, genes)
        groups = _groups(spill, n_counts[rows], len(genes), options)
    sizes = np.bincount(groups)
    if len(sizes) < _MIN_CLUSTERS:
        logger.info("%s: cells fall into fewer than %d clusters", matrix.label, _MIN_CLUSTERS)
        return None
    codes = np.full(matrix.n_cells, -1)
    codes[rows] = groups
    names = [f"cluster {i + 1}" for i in range(len(sizes))]
    return pd.Series(pd.Categorical.from_codes(codes, categories=names))


def _in_all_libraries(matrix: CountMatrix) -> NDArray[np.bool_]:
    """Genes that every library has: zeros of the others would part libraries, not cells."""
    n_libraries = np.zeros(matrix.n_genes, np.int64)
    for genes in matrix.libraries.values():
        n_libraries[genes] += 1
    return np.equal(n_libraries, len(matrix.libraries))


def _kept_blocks(
    matrix: CountMatrix, kept: NDArray[np.bool_]
) -> Iterator[tuple[NDArray[np.intp], sparse.csr_matrix]]:
    """Kept rows of each block, and where in the matrix they are."""
    start = 0
    for block in matrix.blocks(_BLOCK_ROWS):
        chosen = np.flatnonzero(kept[start : start + block.shape[0]])
        if len(chosen):
            yield start + chosen, block[chosen]
        start += block.shape[0]


def _gather(
    spill: Spill,
    matrix: CountMatrix,
    kept: NDArray[np.bool_],
    rows: NDArray[np.intp],
    genes: NDArray[np.intp],
) -> None:
    """Set counts of the given genes aside, rows in the given order."""
    place = np.empty(matrix.n_cells, np.int64)
    place[rows] = np.arange(len(rows))
    for where, block in _kept_blocks(matrix, kept):
        entries = block[:, genes].tocoo()
        spill.add(place[where[entries.row]], entries.col, entries.data)


def _groups(
    spill: Spill, sizes: NDArray[np.float64], n_genes: int, options: ClusterOptions
) -> NDArray[np.intp]:
    """Group of each row of the spill, numbered by falling size."""
    from sklearn.decomposition import PCA
    from sklearn.neighbors import NearestNeighbors

    n_cells = len(sizes)
    sampled = np.ones(n_cells, bool)
    if n_cells > options.max_cells:
        left_out = np.random.default_rng(options.seed).permutation(n_cells)[options.max_cells :]
        sampled[left_out] = False
    n_components = min(_N_COMPONENTS, sampled.sum() - 1, n_genes - 1)
    if n_components < 1:
        return np.zeros(n_cells, np.intp)
    values = sparse.vstack(
        [rows[sampled[at]] for at, rows in _normalised(spill, sizes, n_genes)], format="csr"
    )
    pca = PCA(n_components, svd_solver="arpack", random_state=options.seed)
    n_neighbours = min(_N_NEIGHBOURS, values.shape[0] - 1)
    # every pair is looked at: exact, repeatable, and nothing to compile
    search = NearestNeighbors(n_neighbors=n_neighbours, algorithm="brute")
    search.fit(pca.fit_transform(values))
    del values
    groups = np.empty(n_cells, np.intp)
    groups[sampled] = _leiden(search.kneighbors_graph(), options)
    known = groups[sampled]
    if not sampled.all():
        for at, rows in _normalised(spill, sizes, n_genes):
            others = ~sampled[at]
            if others.any():
                near = search.kneighbors(pca.transform(rows[others]), return_distance=False)
                groups[at][others] = _most_frequent(known[near])
    return _by_size(groups)


def _normalised(
    spill: Spill, sizes: NDArray[np.float64], n_genes: int
) -> Iterator[tuple[slice, sparse.csr_matrix]]:
    start = 0
    for block in spill.blocks(n_genes):
        at = slice(start, start + block.shape[0])
        yield at, normalise(block, sizes[at])
        start = at.stop


def _leiden(neighbours: sparse.csr_matrix, options: ClusterOptions) -> NDArray[np.intp]:
    """Communities of the graph that joins each cell with its neighbours, by modularity."""
    import igraph

    edges = sparse.triu(neighbours.maximum(neighbours.T), k=1).tocoo()
    graph = igraph.Graph(n=neighbours.shape[0], edges=np.column_stack([edges.row, edges.col]))
    igraph.set_random_number_generator(random.Random(options.seed))
    try:
        found = graph.community_leiden(
            objective_function="modularity",
            resolution=options.resolution,
            n_iterations=_ITERATIONS,
        )
    finally:
        igraph.set_random_number_generator(random)
    return np.array(found.membership, np.intp)


def _most_frequent(votes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Most frequent value of each row; of several, the smallest."""
    counts = np.zeros((len(votes), votes.max() + 1), np.int64)
    np.add.at(counts, (np.arange(len(votes))[:, None], votes), 1)
    most: NDArray[np.intp] = counts.argmax(axis=1)
    return most


def _by_size(groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """Number groups anew by falling size; of equal ones the first seen comes first."""
    codes, values = pd.factorize(groups)
    rank = np.empty(len(values), np.intp)
    rank[np.argsort(-np.bincount(codes), kind="stable")] = np.arange(len(values))
    numbered: NDArray[np.intp] = rank[codes]
    return numbered
