"""Networks as learners; torch is imported when one is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from sicmir_atlas.model.members import NetworkMember
from sicmir_atlas.model.samples import Samples, View, view
from sicmir_atlas.model.scaling import zscore

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sicmir_atlas.model.members import Member

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["Networks"]


@dataclass(frozen=True)
class Networks:
    """One network a seed, trained by a recipe of :mod:`.training`.

    Parameters
    ----------
    recipe
        Name of the recipe; only networks of the paper's architecture can be members of a model.
    n_seeds
        Number of networks; each has its own validation samples, weights and batches.
    how, extra
        As for :class:`.ridge.Ridge`; a sample of less weight counts as any other.
    device
        Where to train.
    """

    recipe: str = "plain"
    n_seeds: int = 1
    how: View = "pooled"
    extra: Samples | None = None
    device: Literal["cpu", "cuda"] = "cpu"

    @property
    def name(self) -> str:
        """Name in tables."""
        return self.recipe.replace("_", "-")

    def members(self, samples: Samples, *, seed: int) -> tuple[Member, ...]:
        """Train; see :class:`.learners.Part`."""
        return tuple(
            NetworkMember(fitted.arrays, recipe.block_order)
            for recipe, fitted in self._fits(samples, seed)
        )

    def fit(
        self, x: Float64, y: Float64, cohorts: NDArray[np.str_], *, seed: int
    ) -> Callable[[Float64], Float64]:
        """Train; see :class:`.learners.Learner`."""
        import torch

        from sicmir_atlas.model.training import trained_network

        networks = [
            trained_network(recipe, fitted)
            for recipe, fitted in self._fits(Samples(x, y, cohorts), seed)
        ]

        def predict(rows: Float64) -> Float64:
            z = torch.from_numpy(zscore(rows).astype(np.float32))
            with torch.inference_mode():
                each = [network(z).numpy() for network in networks]
            return np.asarray(np.mean(each, axis=0, dtype=np.float64))

        return predict

    def _fits(self, samples: Samples, seed: int) -> list[tuple[Any, Any]]:
        from sicmir_atlas.model.training import RECIPES, fit

        recipe = RECIPES[self.recipe]
        seen = view([samples, *([self.extra] if self.extra else [])], self.how)
        return [
            (recipe, fit(seen.z, seen.targets, recipe, seed=seed + i, device=self.device))
            for i in range(self.n_seeds)
        ]
