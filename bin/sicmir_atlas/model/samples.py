"""Training samples in the two views that learners take of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sicmir_atlas.model.pairs import Pairs

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["Samples", "View", "Viewed", "settings_of", "varies", "view", "zscore_known"]

View: TypeAlias = Literal["pooled", "within"]

_LEAST = 5
"""A cohort of fewer samples has no z-scores of its own."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Paired samples of one technology.

    Parameters
    ----------
    x, y
        Samples × features and samples × miRNAs on one scale; NaN is unknown.
    cohorts
        Cohort of every sample.
    weight
        What a sample counts in a fit; those of another technology count less than 1.
    stop
        Marks samples that only decide when to stop; None lets each network draw its own.
    """

    x: Float64
    y: Float64
    cohorts: NDArray[np.str_]
    weight: float = 1.0
    stop: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, pairs: Pairs, *, weight: float = 1.0) -> Samples:
        """Take the matrices out of tables."""
        return cls(*pairs.arrays, weight)

    def without_stop(self) -> Samples:
        """Leave out the samples that only decide when to stop, for learners that never do."""
        if self.stop is None:
            return self
        kept = ~self.stop
        return Samples(self.x[kept], self.y[kept], self.cohorts[kept], self.weight)

    def described(self) -> dict[str, Any]:
        """Say for a model card how many samples of which cohorts there are."""
        names, counts = np.unique(self.cohorts, return_counts=True)
        cohorts = dict(zip(map(str, names), map(int, counts), strict=True))
        return {"n_samples": len(self.x), "cohorts": cohorts, "weight": self.weight}


@dataclass(frozen=True, eq=False)
class Viewed:
    """Samples ready for a fit: z-scored inputs without NaN, targets with NaN, and the rest."""

    z: Float64
    targets: Float64
    weights: Float64
    cohorts: NDArray[np.str_]
    stop: NDArray[np.bool_] | None


def view(technologies: list[Samples], how: View) -> Viewed:
    """Z-score samples and put those of several technologies into one table.

    ``pooled`` z-scores over all samples of a technology, so most of what is learned is difference
    between cohorts. ``within`` z-scores inside each cohort, so nothing of it is; cohorts of fewer
    than 5 samples are left out.
    """
    parts = [part for samples in technologies for part in _parts(samples, how)]
    return Viewed(
        np.vstack([np.nan_to_num(zscore_known(part.x)) for part in parts]),
        np.vstack([zscore_known(part.y) for part in parts]),
        np.concatenate([np.full(len(part.x), part.weight) for part in parts]),
        np.concatenate([part.cohorts for part in parts]),
        None if technologies[0].stop is None else np.concatenate([_stop(part) for part in parts]),
    )


def settings_of(part: Any) -> dict[str, Any]:
    """Give the fields of a learner's part for a model card; of extra samples their number."""
    kept = {f.name: getattr(part, f.name) for f in fields(part) if f.name != "extra"}
    extra: Samples | None = part.extra
    more = {} if extra is None else {"n_extra": len(extra.x), "extra_weight": extra.weight}
    return {"kind": type(part).__name__, **kept, **more}


def _parts(samples: Samples, how: View) -> list[Samples]:
    if how == "pooled":
        return [samples]
    rows = [np.flatnonzero(samples.cohorts == name) for name in np.unique(samples.cohorts)]
    return [
        Samples(
            samples.x[r],
            samples.y[r],
            samples.cohorts[r],
            samples.weight,
            None if samples.stop is None else samples.stop[r],
        )
        for r in rows
        if r.size >= _LEAST
    ]


def _stop(samples: Samples) -> NDArray[np.bool_]:
    return np.zeros(len(samples.x), dtype=bool) if samples.stop is None else samples.stop


def varies(values: Float64) -> NDArray[np.bool_]:
    """Mark the columns whose known values differ: only of them can anything be learned."""
    return np.asarray(np.nan_to_num(zscore_known(values)).any(axis=0))


def zscore_known(values: Float64) -> Float64:
    """Z-score columns over their known values; NaN stays, a constant column gives 0."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, values - np.where(known, values, 0).sum(axis=0) / count, 0)
    sd = np.sqrt(np.square(centred).sum(axis=0) / count)
    constant = sd <= 1e-9  # the mean of equal values may miss them by a rounding step
    scaled = np.where(constant, 0, centred / np.where(constant, 1, sd))
    return np.where(known, scaled, np.nan)
