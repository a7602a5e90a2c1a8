"""Average the cells of a group into pools, in one pass over row blocks (spec, section 8)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy import sparse

from sicmir_atlas.errors import ExcludedDataset, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Mode: TypeAlias = Literal["auto", "average", "bootstrap"]

__all__ = [
    "BOOTSTRAP_ABOVE",
    "MAX_DRAWS",
    "GroupPlan",
    "PoolPlan",
    "check_not_degenerate",
    "draw_size",
    "generator",
    "n_draws",
    "pool",
]

BOOTSTRAP_ABOVE = 400
MAX_DRAWS = 500


def n_draws(n_cells: int, *, max_draws: int | None = None) -> int:
    """Give the number of bootstrap draws of a group: one per started hundred of cells."""
    draws = max(1, -(-n_cells // 100))
    return draws if max_draws is None else min(draws, max_draws)


def draw_size(n_cells: int) -> int:
    """Give the cells of one draw: 80 %, rounded down, never none."""
    return max(1, n_cells * 4 // 5)


def generator(seed: int, dataset_id: str, group: str) -> np.random.Generator:
    """Make the PCG64 generator that belongs to one group of one dataset and to nothing else."""
    digest = hashlib.sha256("\0".join((str(seed), dataset_id, group)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def check_not_degenerate(n_pools: int, n_types: int) -> None:
    """Exclude a dataset whose pools are too few for z-scores to mean anything.

    Raises
    ------
    ExcludedDataset
        With fewer than 3 pooled rows or fewer than 2 cell types (atlas spec, section 3).
    """
    if n_pools < 3 or n_types < 2:
        figure = f"{n_pools} pooled rows of {n_types} cell types; at least 3 rows of 2 types needed"
        rule = "degenerate_pooling"
        raise ExcludedDataset(rule, figure)


@dataclass(frozen=True, eq=False)
class GroupPlan:
    """The pools of one group.

    Parameters
    ----------
    name, method
        Label of the group, and ``average`` or ``bootstrap``.
    n_cells, n_pools, n_drawn
        Cells of the group, its pools, and the cells that each pool averages.
    masks
        Bits, shape (n_cells, ceil(n_pools / 8)): is this cell in that draw? Empty for an average.
    """

    name: str
    method: Literal["average", "bootstrap"]
    n_cells: int
    n_pools: int
    n_drawn: int
    masks: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class PoolPlan:
    """Which cell goes into which pool; made by :meth:`from_labels`.

    Parameters
    ----------
    groups
        One plan per group, sorted by name.
    codes
        Shape (n_rows,): position of each row's group in ``groups``; -1 for rows left out.
    max_draws
        The cap that was applied.
    """

    groups: tuple[GroupPlan, ...]
    codes: NDArray[np.int32]
    max_draws: int | None

    @classmethod
    def from_labels(
        cls,
        labels: Sequence[str | None] | NDArray[Any] | pd.Series[Any],
        *,
        dataset_id: str,
        seed: int = 0,
        mode: Mode = "auto",
        bootstrap_above: int = BOOTSTRAP_ABOVE,
        max_draws: int | None = MAX_DRAWS,
    ) -> PoolPlan:
        """Plan the pools of a dataset.

        Parameters
        ----------
        labels
            Group of every row; rows without one (None, NaN) go into no pool.
        dataset_id, seed
            With a group's name they decide its draws, whatever other groups there are.
        mode
            ``auto`` bootstraps groups of more than ``bootstrap_above`` cells and averages the
            rest; ``average`` and ``bootstrap`` treat all groups alike.
        max_draws
            Most draws of one group; None for no cap.
        """
        codes, names = pd.factorize(np.asarray(labels, dtype=object), sort=True)
        counts = np.bincount(codes[codes >= 0], minlength=len(names))
        groups = []
        for name, count in zip(map(str, names), map(int, counts), strict=True):
            if mode == "average" or (mode == "auto" and count <= bootstrap_above):
                plan = GroupPlan(name, "average", count, 1, count, np.empty((count, 0), np.uint8))
            else:
                draws, size = n_draws(count, max_draws=max_draws), draw_size(count)
                masks = _draw(generator(seed, dataset_id, name), count, draws, size)
                plan = GroupPlan(name, "bootstrap", count, draws, size, masks)
            groups.append(plan)
        return cls(tuple(groups), codes.astype(np.int32), max_draws)

    @property
    def n_pools(self) -> int:
        """Number of pools of all groups."""
        return sum(group.n_pools for group in self.groups)

    def table(self) -> pd.DataFrame:
        """List the pools.

        Returns
        -------
        One row per pool, in the order of the means: ``pool_id`` (``<group>_average`` or
        ``<group>_bootstrap_<i>``, i from 1), ``group``, ``method``, ``n_cells`` (averaged in this
        pool), ``n_group`` (cells of the group).
        """
        rows = [
            (
                f"{group.name}_average"
                if group.method == "average"
                else f"{group.name}_bootstrap_{draw + 1}",
                group.name,
                group.method,
                group.n_drawn,
                group.n_cells,
            )
            for group in self.groups
            for draw in range(group.n_pools)
        ]
        return pd.DataFrame(rows, columns=["pool_id", "group", "method", "n_cells", "n_group"])


def pool(
    blocks: Iterable[Any], plan: PoolPlan, *, n_genes: int | None = None
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Average rows into the pools of a plan.

    Parameters
    ----------
    blocks
        CSR matrices or arrays, cells × genes, log-normalised, in the row order of the plan.
    n_genes
        Needed only where there may be no block at all.

    Returns
    -------
    Table of pools (see :meth:`PoolPlan.table`) and their means, (n_pools, n_genes), summed in
    float64.

    Raises
    ------
    InputError
        When the blocks hold more or fewer rows than the plan, or differ in genes.
    """
    sums = None if n_genes is None else np.zeros((plan.n_pools, n_genes))
    n_seen = np.zeros(len(plan.groups), dtype=np.int64)
    starts = np.cumsum([0, *(group.n_pools for group in plan.groups)])
    averaged = np.array([group.method == "average" for group in plan.groups], dtype=bool)
    row = 0
    for raw in blocks:
        block = sparse.csr_matrix(raw)
        if sums is None:
            sums = np.zeros((plan.n_pools, block.shape[1]))
        if block.shape[1] != sums.shape[1]:
            msg = f"block has {block.shape[1]} genes, {sums.shape[1]} expected"
            raise InputError(msg)
        codes = plan.codes[row : row + block.shape[0]]
        row += block.shape[0]
        if row > plan.codes.size:
            break
        _add_averages(sums, block, codes, averaged, starts)
        for code in np.unique(codes[codes >= 0]):
            rows = np.flatnonzero(codes == code)
            group, seen = plan.groups[code], n_seen[code]
            n_seen[code] += rows.size
            if group.method == "bootstrap":
                bits = np.unpackbits(
                    group.masks[seen : seen + rows.size], axis=1, count=group.n_pools
                )
                # the transpose keeps the dense side C-ordered, which scipy's kernel runs fastest on
                product = block[rows].T @ bits.astype(np.float64)
                sums[starts[code] : starts[code + 1]] += product.T
    if row != plan.codes.size:
        msg = f"blocks hold {'more' if row > plan.codes.size else 'only'} {row} rows, "
        msg += f"the pool plan has {plan.codes.size}; plan and matrix must be of the same cells"
        raise InputError(msg)
    if sums is None:
        sums = np.zeros((plan.n_pools, 0))
    table = plan.table()
    return table, sums / table["n_cells"].to_numpy(dtype=np.float64)[:, None]


def _add_averages(
    sums: NDArray[np.float64],
    block: Any,
    codes: NDArray[np.int32],
    averaged: NDArray[np.bool_],
    starts: NDArray[np.int64],
) -> None:
    rows = np.flatnonzero(codes >= 0)
    rows = rows[averaged[codes[rows]]]
    if rows.size == 0:
        return
    present, position = np.unique(codes[rows], return_inverse=True)
    indicator = sparse.csr_matrix(
        (np.ones(rows.size), (position, rows)), shape=(present.size, block.shape[0])
    )
    sums[starts[present]] += (indicator @ block).toarray()


def _draw(rng: np.random.Generator, n_cells: int, draws: int, size: int) -> NDArray[np.uint8]:
    """Draw without replacement; eight draws at a time so that memory stays at the packed bits."""
    masks = np.empty((n_cells, -(-draws // 8)), dtype=np.uint8)
    for byte in range(masks.shape[1]):
        chosen = np.ones((n_cells, 8), dtype=bool)
        for bit in range(min(8, draws - 8 * byte)):
            # naming the fifth that stays out is four times cheaper than naming the rest
            left_out = rng.choice(n_cells, n_cells - size, replace=False, shuffle=False)
            chosen[left_out, bit] = False
        masks[:, byte] = np.packbits(chosen, axis=1)[:, 0]
    return masks
