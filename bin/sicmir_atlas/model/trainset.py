"""From paired tables to a model folder: what surrounds the training itself."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.evaluation import Evaluation, evaluate
from sicmir_atlas.model.members import NetworkMember
from sicmir_atlas.model.pairs import Pairs, read_pairs
from sicmir_atlas.model.weights import Model, save_model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from sicmir_atlas.model.training import Epoch, Recipe

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["Pairs", "Trained", "read_pairs", "train_and_judge", "write_model"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Trained:
    """A model, its figures on held-out samples, and which sample was used for what."""

    model: Model
    evaluation: Evaluation
    split: pd.Series[str]


def train_and_judge(
    pairs: Pairs,
    recipe: Recipe,
    *,
    model_id: str,
    test: float = 0.3,
    seed: int = 42,
    threads: int = 1,
    device: str = "cpu",
    about: Mapping[str, Any] | None = None,
) -> Trained:
    """Hold samples out within each cohort, train on the others, judge on those held out."""
    from sicmir_atlas.model.training import fit, observed_scaling, split_rows

    x, y = (frame.to_numpy(dtype=np.float64) for frame in (pairs.mrna, pairs.mirna))
    cohorts = pairs.cohorts.to_numpy(dtype=str)
    train_rows, test_rows = split_rows(cohorts, test, seed=seed)
    if len(test_rows) < 2:
        msg = f"holding out {test:g} of {len(x)} samples leaves too few to judge the model on"
        raise InputError(msg)
    fitted = fit(
        x[train_rows],
        y[train_rows],
        recipe,
        seed=seed,
        device=device,
        threads=threads,
        on_epoch=_log,
    )
    scaling = {
        "x_mean": fitted.x_scaling.mean,
        "x_sd": fitted.x_scaling.sd,
        "y_mean": fitted.y_scaling.mean,
        "y_sd": fitted.y_scaling.sd,
    }
    bare = Model(
        model_id,
        tuple(pairs.mrna.columns),
        tuple(pairs.mirna.columns),
        (NetworkMember(fitted.arrays, recipe.block_order),),
        scaling,
    )
    judged = evaluate(
        bare,
        x[test_rows],
        y[test_rows],
        list(cohorts[test_rows]),
        x_train=fitted.x_scaling,
        y_observed=observed_scaling(y[test_rows]),
    )
    card = {
        **(about or {}),
        "scaling": {"input": "own", "ddof": 0, "constant": 0},
        "training": {
            "recipe": asdict(recipe),
            "seed": seed,
            "threads": threads,
            "device": device,
            "n_train": len(fitted.train_rows),
            "n_validation": len(fitted.validation_rows),
            "n_test": len(test_rows),
            "n_epochs": len(fitted.history),
            "best": asdict(fitted.best),
        },
        "metrics": judged.summary,
        "mirnas_untrained": list(pairs.mirna.columns[fitted.untrained]),
        "reliability_is": "PCC over the held-out samples, pooled over cohorts",
        "reliability": _by_name(pairs.mirna.columns, judged.pcc),
        "reliability_within_cohort": _by_name(pairs.mirna.columns, judged.pcc_within),
    }
    split = pd.Series("test", index=pairs.mrna.index, name="part")
    split.iloc[train_rows[fitted.train_rows]] = "train"
    split.iloc[train_rows[fitted.validation_rows]] = "validation"
    return Trained(replace(bare, card=card), judged, split)


def write_model(trained: Trained, folder: Path, *, sources: Path | None = None) -> None:
    """Write the model folder, with ``per_mirna.tsv`` and ``split.tsv`` beside the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    per_mirna = pd.DataFrame(
        {
            "mirna": trained.model.mirnas,
            "pcc": trained.evaluation.pcc,
            "pcc_within_cohort": trained.evaluation.pcc_within,
            "r2": trained.evaluation.r2,
        }
    )
    if sources is not None:
        per_mirna = per_mirna.merge(pd.read_csv(sources, sep="\t"), on="mirna", how="left")
    split = trained.split.rename_axis("sample").reset_index()
    for name, table in (("per_mirna.tsv", per_mirna), ("split.tsv", split)):
        part = folder / f"{name}.part"
        table.to_csv(part, sep="\t", index=False, float_format="%.4f")
        part.replace(folder / name)
    save_model(trained.model, folder)
    logger.info("wrote %s: %s", folder, trained.evaluation.summary)


def _by_name(names: pd.Index[str], values: Float64) -> dict[str, float | None]:
    return {
        name: None if np.isnan(value) else round(float(value), 4)
        for name, value in zip(names, values, strict=True)
    }


def _log(epoch: Epoch) -> None:
    if epoch.number % 10 == 0:
        message = "epoch %d: MSE %.4f in training, %.4f in validation"
        logger.info(message, epoch.number, epoch.train_mse, epoch.validation_mse)
