"""What a model says to a fixed input, kept in its card to tell whether it still says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sicmir_atlas.model.inference import load_predictor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sicmir_atlas.model.weights import Model

__all__ = ["TOLERANCE", "probe", "probe_distance"]

TOLERANCE = 1e-3  # last bits differ between machines and numbers of threads

_ROWS, _MIRNAS = 2, 8


def probe(model: Model) -> list[float]:
    """Predict two rows of sines, and keep eight miRNAs of each, from the first to the last."""
    n_genes = len(model.landmarks)
    rows = np.sin(1.0 + np.arange(_ROWS * n_genes).reshape(_ROWS, n_genes))
    kept = np.linspace(0, len(model.mirnas) - 1, _MIRNAS).astype(int)
    predicted = load_predictor(model).predict(rows)[:, kept]
    return [round(float(value), 6) for value in predicted.ravel()]


def probe_distance(model: Model, expected: Sequence[float]) -> float:
    """Largest difference between what a model says now and the ``probe`` of its card."""
    said = probe(model)
    if len(said) != len(expected):
        return float("inf")
    return float(np.abs(np.subtract(said, expected)).max())
