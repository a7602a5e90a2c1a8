"""Expected gradients: what each gene adds to each predicted miRNA (spec, section 11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.inference import fold_batch_norm, mean_of
from sicmir_atlas.model.members import KernelMember, LinearMember

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from sicmir_atlas.model.members import Member

    Float32: TypeAlias = NDArray[np.float32]
    Float64: TypeAlias = NDArray[np.float64]
    Attribute: TypeAlias = Callable[[Float32, Float32], Float32]

__all__ = ["Attributions", "expected_gradients"]


@dataclass(frozen=True, eq=False)
class Attributions:
    """Attributions of genes to miRNAs, over the samples explained.

    Parameters
    ----------
    mean, mean_abs
        Genes × miRNAs: mean over samples of the attribution, and of its absolute value.
    total, expected
        Samples × miRNAs: the sum of attributions over genes, and what it should be, the prediction
        less its mean over the background.
    """

    mean: Float64
    mean_abs: Float64
    total: Float64
    expected: Float64


def expected_gradients(
    members: Sequence[Member],
    inputs: ArrayLike,
    background: ArrayLike,
    *,
    n_draws: int = 200,
    seed: int = 0,
    on_sample: Callable[[int], None] | None = None,
) -> Attributions:
    """Average gradient × difference over straight ways from background rows to each sample.

    The attribution of gene i is the mean of (x_i - x'_i) df/dx_i(x' + a (x - x')) over background
    rows x' and a in 0–1. Rows are drawn without replacement, a from equal parts of 0–1, and the
    differences are moved so that their mean is that to the whole background: a linear model is
    explained exactly by any number of draws.

    Between two ReLUs a network is linear and every member ends in a matrix product, so gradients
    go forward to the last layer, are averaged over the draws there, and pass it once.

    Parameters
    ----------
    members
        Of a model; the mean of their predictions is explained.
    inputs, background
        Rows × landmarks, z-scored.
    n_draws
        Points between background and sample, for each sample.
    on_sample
        Called with the number of samples done.

    Raises
    ------
    InputError
        When there is no row, or NaN or infinity in one.
    """
    x, reference = (np.ascontiguousarray(rows, dtype=np.float32) for rows in (inputs, background))
    for what, given in (("sample", x), ("background row", reference)):
        if len(given) == 0 or not np.isfinite(given).all():
            msg = f"attributions need at least one {what}, without NaN or infinity"
            raise InputError(msg)
    predict = mean_of(members)
    expected = predict(x).astype(np.float64) - predict(reference).mean(axis=0, dtype=np.float64)
    attributes = [_attribute(member) for member in members]
    rng = np.random.Generator(np.random.PCG64(seed))
    mean = np.zeros((x.shape[1], expected.shape[1]))
    mean_abs, total = np.zeros_like(mean), np.zeros_like(expected)
    for i, sample in enumerate(x):
        rows, share = _draws(len(reference), n_draws, rng)
        start = reference[rows]
        ways = sample - start
        points = start + share[:, None] * ways
        ways += start.mean(axis=0) - reference.mean(axis=0)
        found = sum(attribute(points, ways) for attribute in attributes) / np.float32(len(members))
        mean += found
        mean_abs += np.abs(found)
        total[i] = found.sum(axis=0, dtype=np.float64)
        if on_sample is not None:
            on_sample(i + 1)
    return Attributions(mean / len(x), mean_abs / len(x), total, expected)


def _draws(
    n_background: int, n_draws: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Float32]:
    """Background row and place on the way, 0–1, of every draw."""
    rounds = [rng.permutation(n_background) for _ in range(-(-n_draws // n_background))]
    share = (rng.permutation(n_draws) + rng.random(n_draws)) / n_draws
    return np.concatenate(rounds)[:n_draws], share.astype(np.float32)


def _attribute(member: Member) -> Attribute:
    """Give a function of points and ways, draws × genes, to mean attributions, genes × miRNAs."""
    if isinstance(member, LinearMember):
        weight = member.weight
        return lambda _, ways: ways.mean(axis=0)[:, None] * weight
    if isinstance(member, KernelMember):
        return _kernel(member)
    first, second, third = fold_batch_norm(member)
    return _network((first, second), third[0])


def _network(hidden: Sequence[tuple[Float32, Float32]], last: Float32) -> Attribute:
    (w1, b1), (w2, b2) = hidden
    by_unit1, by_unit2 = np.ascontiguousarray(w1.T), np.ascontiguousarray(w2.T)

    def attribute(points: Float32, ways: Float32) -> Float32:
        h1 = points @ w1 + b1
        h2 = np.maximum(h1, 0) @ w2 + b2
        slopes = np.zeros((len(by_unit2), points.shape[1]), dtype=np.float32)
        for way, active1, active2 in zip(ways, h1 > 0, h2 > 0, strict=True):
            slope = by_unit2[np.ix_(active2, active1)] @ by_unit1[active1]
            slope *= way
            slopes[active2] += slope
        return slopes.T @ last / np.float32(len(points))

    return attribute


def _kernel(member: KernelMember) -> Attribute:
    centres, coefficients = member.centres, member.coefficients
    scale = np.float32(member.gamma / (2 * centres.shape[1]))

    def attribute(points: Float32, ways: Float32) -> Float32:
        squares = np.square(points).sum(axis=1)[:, None] + np.square(centres).sum(axis=1)
        near = np.exp(-scale * np.maximum(squares - 2 * points @ centres.T, 0))
        slopes: Float32 = (ways * points).T @ near - (ways.T @ near) * centres.T
        slopes *= -2 * scale / np.float32(len(points))
        return slopes @ coefficients

    return attribute
