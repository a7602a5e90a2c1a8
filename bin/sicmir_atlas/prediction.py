"""Predictions as they are made, and what is known of how far they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import pandas as pd

    from sicmir_atlas.trust import DomainMeter

__all__ = ["Block", "Prediction"]


class Block(NamedTuple):
    """Predictions of some rows, and the SD over the model's members where it was asked for."""

    mean: np.ndarray
    sd: np.ndarray | None = None


@dataclass(frozen=True)
class Prediction:
    """Predictions as they are made.

    Parameters
    ----------
    rows
        Describes each row: the input's cells or samples, or pools (``pool_id``, ``group``,
        ``method``, ``n_cells``, ``n_group``).
    mirna_table
        How far each miRNA can be trusted, see :func:`.trust.mirna_table`.
    blocks_with_sd
        float32, rows × miRNAs; can be read once.
    missing
        Landmarks that the input lacks, and why.
    model_id
        The model's name.
    pooled
        Whether rows are pools.
    has_sd
        Whether the blocks hold the SD over the model's members.
    meter
        Distance from the training data, of the rows read so far.
    is_judged
        Whether that distance is held against the limit: of pools and samples it is; most of the
        variance of single cells is chance, which lies outside any training data.
    """

    rows: pd.DataFrame
    mirna_table: pd.DataFrame
    blocks_with_sd: Iterator[Block]
    missing: Mapping[str, str]
    model_id: str
    pooled: bool
    has_sd: bool
    meter: DomainMeter
    is_judged: bool

    @property
    def mirnas(self) -> tuple[str, ...]:
        """Names of the miRNAs, in the order of the columns."""
        return tuple(self.mirna_table["mirna"])

    @property
    def blocks(self) -> Iterator[np.ndarray]:
        """The predictions alone; in place of ``blocks_with_sd``, for both read the same once."""
        return (block.mean for block in self.blocks_with_sd)

    @property
    def domain_distance(self) -> float | None:
        """Share of the variance outside what the model was trained on; None where unknown."""
        return self.meter.distance

    @property
    def is_far(self) -> bool | None:
        """Whether it is more than for any cohort left out of training; None where not judged."""
        return self.meter.is_far if self.is_judged else None
