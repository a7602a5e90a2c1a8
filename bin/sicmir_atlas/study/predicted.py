"""What a model makes of paired samples, beside what was measured."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.scaling import zscore
from sicmir_atlas.names import MOST_MISSING

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from sicmir_atlas.model.inference import Device
    from sicmir_atlas.model.pairs import Pairs
    from sicmir_atlas.model.weights import Model

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["Predicted", "model_input", "predict_pairs"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Predicted:
    """Measured and predicted miRNAs of the same samples.

    Parameters
    ----------
    mirnas
        Those that both the model and the table have, in the model's order.
    columns
        Their places among all of the model's.
    truth, predicted
        Samples × miRNAs; NaN in ``truth`` was not measured.
    groups
        Group of every sample that correlations are taken in: cohort and kind of tissue.
    """

    mirnas: list[str]
    columns: list[int]
    truth: Float64
    predicted: Float64
    groups: NDArray[np.str_]


def predict_pairs(model: Model, pairs: Pairs, *, device: Device = "cpu") -> Predicted:
    """Predict from mRNA z-scored over the samples given.

    Raises
    ------
    InputError
        When more than half of the landmarks are missing, or the table has no miRNA of the model.
    """
    shared = [name for name in model.mirnas if name in pairs.mirna.columns]
    if not shared:
        msg = f"the miRNA table has none of the miRNAs of {model.model_id}, such as "
        msg += f"{model.mirnas[0]}; columns must be names of mature miRNAs"
        raise InputError(msg)
    place = {name: i for i, name in enumerate(model.mirnas)}
    columns = [place[name] for name in shared]
    predicted = load_predictor(model, device=device).predict(model_input(model, pairs.mrna))
    return Predicted(
        shared,
        columns,
        pairs.mirna[shared].to_numpy(dtype=np.float64),
        predicted[:, columns].astype(np.float64),
        pairs.groups,
    )


def model_input(model: Model, mrna: pd.DataFrame) -> Float64:
    """Z-scored landmarks in the model's order; one that the table lacks is 0 (spec, section 2).

    Raises
    ------
    InputError
        When more than half of the landmarks are missing.
    """
    missing = [name for name in model.landmarks if name not in mrna.columns]
    if missing:
        msg = f"{len(missing)} of {len(model.landmarks)} landmark genes are not in the mRNA table, "
        msg += f"such as {missing[0]}"
        if len(missing) > MOST_MISSING * len(model.landmarks):
            msg += "; columns must be gene symbols"
            raise InputError(msg)
        logger.warning("%s; they count as 0", msg)
    chosen = mrna.reindex(columns=list(model.landmarks), fill_value=0.0)
    return zscore(chosen.to_numpy(dtype=np.float64))
