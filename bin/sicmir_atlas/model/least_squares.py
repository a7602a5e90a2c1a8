"""Partial least squares, which wants every target: an unknown one is taken as the mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sicmir_atlas.model.members import FittedPart, LinearMember
from sicmir_atlas.model.samples import Samples, View, settings_of, view

__all__ = ["PartialLeastSquares"]


@dataclass(frozen=True)
class PartialLeastSquares:
    """Partial least squares on z-scores (scikit-learn's PLSRegression).

    Parameters
    ----------
    n_components
        Number of latent variables.
    how, extra
        As for :class:`.ridge.Ridge`; a sample of less weight counts as any other.
    """

    n_components: int = 20
    how: View = "pooled"
    extra: Samples | None = None

    def train(self, samples: Samples, *, seed: int) -> FittedPart:  # noqa: ARG002  nothing is drawn
        """Fit; see :class:`.learners.Part`."""
        from sklearn.cross_decomposition import PLSRegression

        seen = view([samples.without_stop(), *([self.extra] if self.extra else [])], self.how)
        n_components = min(self.n_components, *seen.z.shape)
        targets = np.nan_to_num(seen.targets)
        fitted = PLSRegression(n_components, scale=False).fit(seen.z, targets)
        weight = fitted.coef_.T.astype(np.float32)
        member = LinearMember(weight, fitted.intercept_.astype(np.float32))
        return FittedPart((member,), settings_of(self))
