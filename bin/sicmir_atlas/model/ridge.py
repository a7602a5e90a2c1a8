"""Ridge regression on landmarks and on Gaussians of them, over the known targets alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from sicmir_atlas.model.members import FittedPart, KernelMember, LinearMember
from sicmir_atlas.model.samples import Samples, View, Viewed, settings_of, view

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["GaussianRidge", "LowRankRidge", "Ridge", "solve_known"]


@dataclass(frozen=True)
class Ridge:
    """Ridge regression on z-scores.

    Parameters
    ----------
    penalty
        Beside a kernel of ``z @ z.T / n_landmarks``; a sample of less weight has a higher one.
    how
        See :func:`.samples.view`.
    extra
        Samples of another technology to learn from as well.
    """

    penalty: float = 1.0
    how: View = "pooled"
    extra: Samples | None = None

    def train(self, samples: Samples, *, seed: int) -> FittedPart:  # noqa: ARG002  nothing is drawn
        """Fit; see :class:`.learners.Part`."""
        seen = view([samples.without_stop(), *([self.extra] if self.extra else [])], self.how)
        return FittedPart((_linear(self._weights(seen)),), settings_of(self))

    def _weights(self, seen: Viewed) -> Float64:
        n_landmarks = seen.z.shape[1]
        penalties = self.penalty / seen.weights
        kernel = seen.z @ seen.z.T / n_landmarks
        weights: Float64 = seen.z.T @ solve_known(kernel, seen.targets, penalties) / n_landmarks
        return weights


@dataclass(frozen=True)
class LowRankRidge(Ridge):
    """Ridge whose predictions are confined to the leading directions of its fitted values.

    All miRNAs share these directions: reduced-rank regression, a low-rank multi-task head.
    """

    rank: int = 50

    def train(self, samples: Samples, *, seed: int) -> FittedPart:  # noqa: ARG002  nothing is drawn
        """Fit; see :class:`.learners.Part`."""
        seen = view([samples.without_stop(), *([self.extra] if self.extra else [])], self.how)
        weights = self._weights(seen)
        *_, directions = np.linalg.svd(seen.z @ weights, full_matrices=False)
        leading = directions[: self.rank]
        member = _linear(weights @ leading.T @ leading)
        return FittedPart((member,), settings_of(self))


@dataclass(frozen=True)
class GaussianRidge:
    """Kernel ridge with Gaussians around centres, each the mean of a few samples of one cohort.

    No sample is kept but one that is a cohort by itself, and a model costs no more the more samples
    it was trained on. With centres enough it comes close to kernel ridge on the samples themselves
    (Nyström's approximation).

    Parameters
    ----------
    penalty, how, extra
        As for :class:`Ridge`.
    gamma
        Inverse squared width of the Gaussians (:class:`.members.KernelMember`).
    n_centres, n_averaged
        Number of centres, and samples averaged in each; 1 takes every sample itself.
    """

    penalty: float = 0.1
    gamma: float = 1.0
    how: View = "pooled"
    extra: Samples | None = None
    n_centres: int = 600
    n_averaged: int = 3

    def train(self, samples: Samples, *, seed: int) -> FittedPart:
        """Fit; see :class:`.learners.Part`."""
        seen = view([samples.without_stop(), *([self.extra] if self.extra else [])], self.how)
        rng = np.random.Generator(np.random.PCG64(seed))
        centres = seen.z if self.n_averaged == 1 else self._centres(seen, rng)
        among = _gaussians(centres, centres, self.gamma)
        values, vectors = np.linalg.eigh(among)
        kept = values > 1e-8 * values[-1]
        features = vectors[:, kept] / np.sqrt(values[kept])
        seen_features = _gaussians(seen.z, centres, self.gamma) @ features
        dual = solve_known(
            seen_features @ seen_features.T, seen.targets, self.penalty / seen.weights
        )
        coefficients = features @ (seen_features.T @ dual)
        bias = np.zeros(seen.targets.shape[1], dtype=np.float32)
        member = KernelMember(
            centres.astype(np.float32), coefficients.astype(np.float32), bias, self.gamma
        )
        return FittedPart((member,), settings_of(self))

    def _centres(self, seen: Viewed, rng: np.random.Generator) -> Float64:
        """Deal the samples of each cohort into groups until there are enough of them."""
        parts = []
        names, counts = np.unique(seen.cohorts, return_counts=True)
        for name, count in zip(names, counts, strict=True):
            rows = np.flatnonzero(seen.cohorts == name)
            size = min(self.n_averaged, rows.size)
            wanted = max(1, round(self.n_centres * count / len(seen.z)))
            groups: list[NDArray[np.int64]] = []
            while len(groups) < wanted:
                dealt = rng.permutation(rows)[: rows.size // size * size].reshape(-1, size)
                groups.extend(dealt)
            parts.append(seen.z[np.array(groups[:wanted])].mean(axis=1))
        centres = np.vstack(parts)
        # a mean lies nearer to the origin than what it is the mean of
        stretch = np.square(seen.z).sum(axis=1).mean() / np.square(centres).sum(axis=1).mean()
        scaled: Float64 = centres * np.sqrt(stretch)
        return scaled


def solve_known(kernel: Float64, targets: Float64, penalties: Float64) -> Float64:
    """Solve ``(K + diag(penalties)) a = y`` for every column over its known rows.

    Returns
    -------
    Rows × columns; 0 where the target is unknown.
    """
    known = ~np.isnan(targets)
    patterns, of_column = np.unique(known, axis=1, return_inverse=True)
    solution = np.zeros(targets.shape)
    for number, rows in enumerate(patterns.T):
        columns = np.flatnonzero(of_column.ravel() == number)
        if rows.any():
            system = kernel[np.ix_(rows, rows)] + np.diag(penalties[rows])
            solution[np.ix_(rows, columns)] = np.linalg.solve(
                system, targets[np.ix_(rows, columns)]
            )
    return solution


def _linear(weights: Float64) -> LinearMember:
    return LinearMember(weights.astype(np.float32), np.zeros(weights.shape[1], dtype=np.float32))


def _gaussians(rows: Float64, centres: Float64, gamma: float) -> Float64:
    squares = np.square(rows).sum(axis=1)[:, None] + np.square(centres).sum(axis=1)
    distance = np.maximum(squares - 2 * rows @ centres.T, 0)
    values: Float64 = np.exp(-gamma / (2 * rows.shape[1]) * distance)
    return values
