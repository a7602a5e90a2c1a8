"""What can be trained on paired data: one interface, one table of names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from sicmir_atlas.model.scaling import zscore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Float64: TypeAlias = NDArray[np.float64]
    Predict: TypeAlias = Callable[[Float64], Float64]

__all__ = ["LEARNERS", "Learner", "Ridge", "zscore_known"]


class Learner(Protocol):
    """Anything that learns miRNAs from mRNA."""

    @property
    def name(self) -> str:
        """Name in tables."""
        ...

    def fit(self, x: Float64, y: Float64, cohorts: NDArray[np.str_], *, seed: int) -> Predict:
        """Train.

        Parameters
        ----------
        x, y
            Samples × features and samples × miRNAs on a log scale; NaN in ``y`` is unknown.
        cohorts
            Cohort of every sample.

        Returns
        -------
        A function of samples × features on a log scale, z-scored over its own rows, that gives
        samples × miRNAs in units of the training z-scores.
        """
        ...


def zscore_known(y: Float64) -> Float64:
    """Z-score columns over their known values; NaN stays, a constant column gives 0."""
    known = ~np.isnan(y)
    count = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, y - np.where(known, y, 0).sum(axis=0) / count, 0)
    sd = np.sqrt(np.square(centred).sum(axis=0) / count)
    constant = sd <= 1e-9  # the mean of equal values may miss them by a rounding step
    scaled = np.where(constant, 0, centred / np.where(constant, 1, sd))
    return np.where(known, scaled, np.nan)


@dataclass(frozen=True)
class Ridge:
    """Ridge regression on z-scores; the penalty is per feature and sample, as in X'X / p."""

    penalty: float = 1.0
    name: str = "ridge"

    def fit(self, x: Float64, y: Float64, cohorts: NDArray[np.str_], *, seed: int) -> Predict:  # noqa: ARG002  nothing is drawn
        """See :meth:`Learner.fit`."""
        z, targets = zscore(x), zscore_known(y)
        kernel = z @ z.T / z.shape[1]
        weights = z.T @ solve_known(kernel, targets, self.penalty) / z.shape[1]
        return lambda rows: zscore(rows) @ weights


def solve_known(kernel: Float64, targets: Float64, penalty: float) -> Float64:
    """Solve ``(K + penalty) a = y`` column by column over the known rows.

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
            system = kernel[np.ix_(rows, rows)] + penalty * np.eye(int(rows.sum()))
            solution[np.ix_(rows, columns)] = np.linalg.solve(
                system, targets[np.ix_(rows, columns)]
            )
    return solution


LEARNERS: Mapping[str, Learner] = {"ridge": Ridge()}
"""Every learner by name, with its settings."""
