"""Networks as learners; torch is imported when one is trained."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.members import FittedPart, NetworkMember
from sicmir_atlas.model.samples import Samples, View, settings_of, view
from sicmir_atlas.model.scaling import zscore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from sicmir_atlas.model.training import Epoch

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["Networks"]

logger = logging.getLogger(__name__)


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
    device, threads
        Where to train; the weights' last bits depend on both.
    changes
        Settings in place of the recipe's.
    """

    recipe: str = "plain"
    n_seeds: int = 1
    how: View = "pooled"
    extra: Samples | None = None
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int = 1
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name in tables."""
        return self.recipe.replace("_", "-")

    def train(self, samples: Samples, *, seed: int) -> FittedPart:
        """Train; see :class:`.learners.Part`.

        Raises
        ------
        InputError
            When no model folder holds networks of this recipe.
        """
        fits = self._fits(samples, seed)
        recipe = fits[0][0]
        if recipe.architecture != "paper":
            msg = f"recipe {self.recipe}: only networks of the paper's architecture can be stored"
            raise InputError(msg)
        members = tuple(NetworkMember(fitted.arrays, recipe.block_order) for _, fitted in fits)
        runs = [
            {"n_epochs": len(fitted.history), "best": asdict(fitted.best)} for _, fitted in fits
        ]
        report = {**settings_of(self), "recipe": asdict(recipe)}
        return FittedPart(members, report | (runs[0] if len(runs) == 1 else {"networks": runs}))

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
        recipe = replace(recipe, **self.changes)
        stop = None if seen.stop is None else np.flatnonzero(seen.stop)
        fits = []
        for i in range(self.n_seeds):
            fitted = fit(
                seen.z,
                seen.targets,
                recipe,
                seed=seed + i,
                device=self.device,
                threads=self.threads,
                held=stop,
                on_epoch=_log,
            )
            fits.append((recipe, fitted))
        return fits


def _log(epoch: Epoch) -> None:
    if epoch.number % 10 == 0:
        message = "epoch %d: MSE %.4f in training, %.4f in validation"
        logger.info(message, epoch.number, epoch.train_mse, epoch.validation_mse)
