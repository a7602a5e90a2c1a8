"""A mean over miRNAs and its interval, as three columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sicmir_atlas.model.crossval import mean_interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["interval_columns"]


def interval_columns(name: str, values: Float64) -> dict[str, float]:
    """Give ``name``, ``name_low`` and ``name_high``: see :func:`.crossval.mean_interval`."""
    found = mean_interval(values)
    return {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
