"""What can be trained on paired data: one interface, one table of names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from sicmir_atlas.model.inference import mean_of
from sicmir_atlas.model.least_squares import PartialLeastSquares
from sicmir_atlas.model.mirscape import Mirscape, Settings
from sicmir_atlas.model.network_learner import Networks
from sicmir_atlas.model.ridge import GaussianRidge, LowRankRidge, Ridge
from sicmir_atlas.model.samples import Samples
from sicmir_atlas.model.scaling import zscore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from sicmir_atlas.model.members import FittedPart

    Float64: TypeAlias = NDArray[np.float64]
    Predict: TypeAlias = Callable[[Float64], Float64]

__all__ = ["LEARNERS", "Averaged", "Learner", "Part"]


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


class Part(Protocol):
    """A learner of members, which a model folder can hold; settings are its fields."""

    @property
    def extra(self) -> Samples | None:
        """Samples of another technology that it learns from as well."""
        ...

    def train(self, samples: Samples, *, seed: int) -> FittedPart:
        """Train on samples; the same seed gives the same members."""
        ...


@dataclass(frozen=True)
class Averaged:
    """The mean of the members of several parts.

    Parameters
    ----------
    parts
        Each is trained on all samples; members count alike.
    """

    name: str
    parts: tuple[Part, ...]

    def fit(self, x: Float64, y: Float64, cohorts: NDArray[np.str_], *, seed: int) -> Predict:
        """See :meth:`Learner.fit`."""
        fitted = self.train(Samples(x, y, cohorts), seed=seed)
        predict = mean_of([member for part in fitted for member in part.members])
        return lambda rows: predict(zscore(rows).astype(np.float32)).astype(np.float64)

    def train(self, samples: Samples, *, seed: int) -> list[FittedPart]:
        """Train every part."""
        return [part.train(samples, seed=seed) for part in self.parts]

    def with_extra(self, extra: Samples) -> Averaged:
        """Let every part learn from samples of another technology, too."""
        parts = tuple(replace(part, extra=extra) for part in self.parts)  # type: ignore[type-var]
        return replace(self, parts=parts)


_GAUSSIANS = GaussianRidge()
_WITHIN = Ridge(1.0, "within")

LEARNERS: Mapping[str, Learner] = {
    learner.name: learner
    for learner in (
        Averaged("ridge", (Ridge(1.0),)),
        Averaged("ridge-weaker", (Ridge(0.3),)),
        Averaged("ridge-within", (_WITHIN,)),
        Averaged("ridge-both", (Ridge(1.0), _WITHIN)),
        Averaged("low-rank-ridge", (LowRankRidge(0.3),)),
        Averaged("pls", (PartialLeastSquares(),)),
        Averaged("kernel-ridge", (replace(_GAUSSIANS, n_averaged=1),)),
        Averaged("gaussian-ridge", (_GAUSSIANS,)),
        Averaged("gaussian-ridge-within", (_GAUSSIANS, _WITHIN)),
        Averaged("paper", (Networks("plain"),)),
        Averaged("paper-5-seeds", (Networks("plain", n_seeds=5),)),
        Averaged("companion", (Networks("companion"),)),
        Averaged("noisy-paper", (Networks("noisy"),)),
        Averaged("noisy-paper-within", (Networks("noisy", how="within"),)),
        Averaged("gaussian-ridge-within-noisy", (_GAUSSIANS, _WITHIN, Networks("noisy"))),
        Networks("resnet"),
        Networks("transformer"),
        Networks("block_transformer"),
        Mirscape(),
        Mirscape(Settings(tree_method="hist", max_bin=16), name="mirscape-16-bins"),
    )
}
"""Every learner by name, with its settings."""
