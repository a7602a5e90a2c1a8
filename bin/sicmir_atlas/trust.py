"""How far predictions can be trusted: miRNA by miRNA, and for the input at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sicmir_atlas.model.domain import domain_of
from sicmir_atlas.model.metrics import is_hub
from sicmir_atlas.model.weights import Model, load_model
from sicmir_atlas.names import FEW_MISSING, landmarks, parse_mirna

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike

__all__ = ["DomainMeter", "is_short_of_landmarks", "mirna_table"]


def mirna_table(model: Model | Path | str | None = None) -> pd.DataFrame:
    """Say of every miRNA of a model how far it can be trusted.

    Parameters
    ----------
    model
        Model, its folder or the name of a shipped one; the default model where none is given.

    Returns
    -------
    One row a miRNA, in the model's order: mirna, position, arm, stem, is_trained, is_hub,
    reliability and reliability_within_cohort, each with ``_low`` and ``_high``; described at
    table ``mirnas`` of an atlas. Null where the model's card does not say.
    """
    loaded = model if isinstance(model, Model) else load_model(model)
    names = [parse_mirna(mirna) for mirna in loaded.mirnas]
    untrained = set(loaded.card.get("mirnas_untrained", ()))
    table = pd.DataFrame(
        {
            "mirna": loaded.mirnas,
            "position": range(1, len(names) + 1),
            "arm": pd.Categorical([name.arm for name in names], categories=["5p", "3p"]),
            "stem": [name.stem for name in names],
            "is_trained": [mirna not in untrained for mirna in loaded.mirnas],
        }
    )
    pcc = _of_card(loaded, "reliability")
    table["is_hub"] = pd.array(is_hub(pcc), dtype="boolean")
    table.loc[np.isnan(pcc), "is_hub"] = pd.NA
    for which in ("reliability", "reliability_within_cohort"):
        table[which] = _of_card(loaded, which)
        for end, bound in enumerate(("low", "high")):
            table[f"{which}_{bound}"] = _of_card(loaded, f"{which}_interval", end)
    return table


def is_short_of_landmarks(n_missing: int) -> bool:
    """Tell whether more than 5 % of the landmark genes are missing."""
    return n_missing > FEW_MISSING * len(landmarks())


class DomainMeter:
    """Distance of an input from a model's training data, its rows taken block by block.

    Parameters
    ----------
    model
        Its domain is what counts; of a model that stores none, every distance is None.
    """

    def __init__(self, model: Model) -> None:
        self._domain = domain_of(model)
        self._outside = self._total = 0.0
        self._any = False

    def add(self, z: ArrayLike) -> None:
        """Take in rows × landmarks, z-scored over all rows of the input."""
        self._any = True
        if self._domain is not None:
            total = float(np.square(np.asarray(z, dtype=np.float64)).sum())
            self._outside += self._domain.distance(z) * total
            self._total += total

    @property
    def distance(self) -> float | None:
        """Share of the variance outside what the model was trained on; None before any row."""
        if self._domain is None or not self._any:
            return None
        return round(self._outside / self._total, 4) if self._total else 1.0

    @property
    def limit(self) -> float | None:
        """The largest such share of a cohort left out of training."""
        return None if self._domain is None else self._domain.limit

    @property
    def is_far(self) -> bool | None:
        """Whether the distance is above the limit."""
        if self.distance is None or self.limit is None:
            return None
        return self.distance > self.limit


def _of_card(model: Model, key: str, part: int | None = None) -> np.ndarray:
    """Values of a card by miRNA, or one end of their intervals; NaN where there is none."""
    known = model.card.get(key, {})
    found: Sequence[Any] = [known.get(mirna) for mirna in model.mirnas]
    if part is not None:
        found = [None if ends is None else ends[part] for ends in found]
    return np.array([np.nan if value is None else value for value in found], dtype=np.float64)
