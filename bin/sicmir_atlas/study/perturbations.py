"""What the stress tests do to a model's input, in the published levels and seeds (spec, section 9).

Masked and removed genes are zero for all samples; the sparsity tests act on linear values, which
are then log-transformed and z-scored again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from sicmir_atlas.model.scaling import zscore
from sicmir_atlas.study import sparsity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["PUBLISHED", "QUICK", "TESTS", "Grid", "Perturbed", "Test", "n_perturbations", "perturb"]

Test = Literal["masking", "removal", "uniform", "poisson", "depth", "depth_poisson"]
TESTS: tuple[Test, ...] = get_args(Test)

_TENS = tuple(float(level) for level in range(10, 91, 10))


@dataclass(frozen=True)
class Grid:
    """Levels in per cent, gammas, molecules per sample, and seeds of each test."""

    masking: Sequence[float] = (0, 1, 5, *_TENS)
    removal: Sequence[float] = tuple(float(level) for level in range(101))
    sparsity: Sequence[float] = (0, 0.1, 1, 5, *_TENS, 95, 99)
    gammas: Sequence[float] = (0, 0.1, 0.5, 1, 2)
    gamma_after_depth: float = 0.5
    depths: Sequence[int] = (200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
    masking_seeds: Sequence[int] = (101, 204, 387, 1567, 640, 912)
    sparsity_seeds: Sequence[int] = (62, 567, 309, 39, 675, 42)


PUBLISHED = Grid()
"""The paper's levels and seeds, with 95 and 99 % added; gammas and depths are the spec's."""

QUICK = replace(
    PUBLISHED,
    masking=(0, 20, 50, 80),
    removal=tuple(float(level) for level in range(0, 101, 10)),
    sparsity=(0, 20, 50, 80, 95),
    gammas=(0, 0.5, 2),
    depths=(200, 2000, 20_000),
    masking_seeds=PUBLISHED.masking_seeds[:2],
    sparsity_seeds=PUBLISHED.sparsity_seeds[:2],
)
"""A first look."""


@dataclass(frozen=True, eq=False)
class Perturbed:
    """One perturbed input.

    Parameters
    ----------
    test
        ``removal`` is told apart as ``removal_low_to_high`` and ``removal_high_to_low``.
    level
        Per cent: of genes masked or removed, of non-zero entries lost, or, after ``depth``, of
        zeros to reach; NaN where molecules alone are drawn.
    gamma, depth, seed
        None where the test has none.
    sparsity_pre, sparsity_post
        Share of zeros before and after z-scores.
    z
        Samples × genes, z-scored.
    """

    test: str
    level: float
    gamma: float | None
    depth: int | None
    seed: int | None
    sparsity_pre: float
    sparsity_post: float
    z: NDArray[np.float32]


def n_perturbations(tests: Sequence[Test], grid: Grid = PUBLISHED) -> int:
    """Count what :func:`perturb` yields at most; depths too sparse for a level are left out."""
    masks, seeds = len(grid.masking_seeds), len(grid.sparsity_seeds)
    n_sparsity, n_depths = len(grid.sparsity) * seeds, len(grid.depths)
    counts: dict[Test, int] = {
        "masking": len(grid.masking) * masks,
        "removal": 2 * len(grid.removal),
        "uniform": n_sparsity,
        "poisson": n_sparsity * len(grid.gammas),
        "depth": n_depths * seeds,
        "depth_poisson": n_sparsity * n_depths,
    }
    return sum(counts[test] for test in tests)


def perturb(
    x: Float64,
    tests: Sequence[Test],
    *,
    ranking: Sequence[int] | None = None,
    grid: Grid = PUBLISHED,
) -> Iterator[Perturbed]:
    """Yield the perturbed inputs of each test, one by one.

    Parameters
    ----------
    x
        Samples × genes, log2(x + 1).
    ranking
        Columns of ``x``, from the least to the most important; needed for ``removal``.

    Raises
    ------
    InputError
        When a sparsity test is asked for and ``x`` is not log2(x + 1).
    """
    for test in tests:
        if test == "masking":
            yield from _masking(x, grid)
        elif test == "removal":
            yield from _removal(x, np.asarray(ranking, dtype=np.intp), grid)
        else:
            yield from _sparse(sparsity.linear(x), test, grid)


def _masking(x: Float64, grid: Grid) -> Iterator[Perturbed]:
    for seed in grid.masking_seeds:
        order = np.random.default_rng(seed).permutation(x.shape[1])
        for level in grid.masking:
            yield _without(x, order[: _share(level, order)], "masking", level, seed)


def _removal(x: Float64, ranking: NDArray[np.intp], grid: Grid) -> Iterator[Perturbed]:
    for test, order in (("low_to_high", ranking), ("high_to_low", ranking[::-1])):
        for level in grid.removal:
            yield _without(x, order[: _share(level, order)], f"removal_{test}", level, None)


def _share(level: float, order: NDArray[np.intp]) -> int:
    return round(level / 100 * order.size)


def _without(
    x: Float64, genes: NDArray[np.intp], test: str, level: float, seed: int | None
) -> Perturbed:
    kept = x.copy()
    kept[:, genes] = 0
    return _perturbed(kept, test, level, seed=seed)


def _sparse(x: Float64, test: Test, grid: Grid) -> Iterator[Perturbed]:
    for seed in grid.sparsity_seeds:
        if test in ("depth", "depth_poisson"):
            for depth in grid.depths:
                yield from _shallow(x, test, depth, seed, grid)
            continue
        for gamma in grid.gammas if test == "poisson" else (None,):
            for level in grid.sparsity:
                rng = np.random.default_rng(seed)
                if gamma is None:
                    sparse = sparsity.drop_uniformly(x, level / 100, rng)
                else:
                    sparse = sparsity.drop_by_expression(x, level / 100, gamma, rng)
                logs = sparsity.log2_plus_1(sparse)
                yield _perturbed(logs, test, level, gamma=gamma, seed=seed)


def _shallow(x: Float64, test: Test, depth: int, seed: int, grid: Grid) -> Iterator[Perturbed]:
    rng = np.random.default_rng(seed)
    drawn = sparsity.sequenced(x, depth, rng)
    if test == "depth":
        yield _perturbed(sparsity.log2_plus_1(drawn), test, np.nan, depth=depth, seed=seed)
        return
    gamma = grid.gamma_after_depth
    for level in grid.sparsity:
        further = sparsity.further_drop(level / 100, sparsity.sparsity(drawn))
        if further is not None:
            sparse = sparsity.drop_by_expression(drawn, further, gamma, rng)
            logs = sparsity.log2_plus_1(sparse)
            yield _perturbed(logs, test, level, gamma=gamma, depth=depth, seed=seed)


def _perturbed(
    x: Float64,
    test: str,
    level: float,
    *,
    gamma: float | None = None,
    depth: int | None = None,
    seed: int | None = None,
) -> Perturbed:
    z = zscore(x).astype(np.float32)
    before, after = sparsity.sparsity(x), sparsity.sparsity(z)
    return Perturbed(test, float(level), gamma, depth, seed, before, after, z)
