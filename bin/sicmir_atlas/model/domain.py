"""How far a dataset lies from what a model was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from sicmir_atlas.model.scaling import zscore

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from sicmir_atlas.model.weights import Model

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["DIRECTIONS", "Domain", "domain_of", "fit_domain"]

DIRECTIONS = "domain_directions"
"""Name of the directions among a model's scaling arrays."""

N_DIRECTIONS = 50


@dataclass(frozen=True, eq=False)
class Domain:
    """The leading directions of the training data.

    Parameters
    ----------
    directions
        Orthonormal, directions × landmarks.
    limit
        The largest distance of a training cohort from all others.
    """

    directions: Float64
    limit: float

    def distance(self, z: ArrayLike) -> float:
        """Give the share of the variance of z-scored rows that lies outside the directions.

        Parameters
        ----------
        z
            Rows × landmarks, z-scored over the rows at hand.

        Returns
        -------
        0 (as the training data) to 1 (nothing in common); 1 when nothing varies.
        """
        rows = np.asarray(z, dtype=np.float64)
        total = float(np.square(rows).sum())
        if total == 0:
            return 1.0
        return float(1 - np.square(rows @ self.directions.T).sum() / total)


def fit_domain(x: Float64, cohorts: NDArray[np.str_]) -> tuple[Domain, dict[str, float]]:
    """Take the leading 50 directions of training samples, z-scored.

    Returns
    -------
    The domain, and the distance of every cohort, z-scored by itself, from the others.
    """
    names = np.unique(cohorts)
    apart: dict[str, float] = {}
    for name in names if names.size > 1 else []:
        others = Domain(_leading(x[cohorts != name]), 1.0)
        apart[str(name)] = round(others.distance(zscore(x[cohorts == name])), 4)
    return Domain(_leading(x), max(apart.values(), default=1.0)), apart


def domain_of(model: Model) -> Domain | None:
    """Give the domain that a model stores; None when it stores none."""
    if DIRECTIONS not in model.scaling or "domain" not in model.card:
        return None
    return Domain(model.scaling[DIRECTIONS], float(model.card["domain"]["limit"]))


def _leading(x: Float64) -> Float64:
    *_, directions = np.linalg.svd(zscore(x), full_matrices=False)
    return np.asarray(directions[:N_DIRECTIONS])
