"""A model of several members whose arithmetic is easy to do by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sicmir_atlas.model.domain import DIRECTIONS
from sicmir_atlas.model.members import LinearMember
from sicmir_atlas.model.weights import Model
from sicmir_atlas.names import landmarks, mirnas

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_MEMBERS = 3
UNMEASURED = mirnas()[7]


def ensemble(*, limit: float = 0.6, n_members: int = N_MEMBERS) -> Model:
    """Linear maps drawn at random, 50 directions, and a card of every kind of reliability."""
    rng = np.random.default_rng(11)
    members = [
        LinearMember(
            (rng.normal(size=(977, 1298)) / 30).astype(np.float32),
            rng.normal(size=1298).astype(np.float32),
        )
        for _ in range(n_members)
    ]
    directions, _ = np.linalg.qr(rng.normal(size=(977, 50)))
    pcc = dict(zip(mirnas(), rng.uniform(0.3, 0.95, 1298).round(3).tolist(), strict=True))
    measured = {mirna: value for mirna, value in pcc.items() if mirna != UNMEASURED}
    shifted = {
        "reliability": measured,
        "reliability_interval": {m: [r - 0.1, r + 0.04] for m, r in measured.items()},
        "reliability_within_cohort": {m: r - 0.2 for m, r in measured.items()},
        "reliability_within_cohort_interval": {m: [r - 0.3, r - 0.15] for m, r in measured.items()},
    }
    nulls = {UNMEASURED: None}
    card = {"domain": {"limit": limit}, **{k: {**v, **nulls} for k, v in shifted.items()}}
    scaling = {DIRECTIONS: np.ascontiguousarray(directions.T)}
    return Model("ensemble", landmarks(), mirnas(), tuple(members), scaling, card)


def by_hand(model: Model, z: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Mean and population SD over the members' own predictions, in float64."""
    each = [z @ m.weight.astype(np.float64) + m.bias for m in model.members]
    return np.mean(each, axis=0), np.std(each, axis=0)


def outside(model: Model, z: NDArray[np.float64]) -> float:
    """Share of the variance that a least-squares fit by the model's directions leaves."""
    directions = model.scaling[DIRECTIONS].T
    fitted, *_ = np.linalg.lstsq(directions, z.T, rcond=None)
    rest = z.T - directions @ fitted
    return float((rest**2).sum() / (z**2).sum())
