"""From paired tables to a model folder: what surrounds the training itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.disk import folder_written_whole
from sicmir_atlas.errors import InputError
from sicmir_atlas.model import metrics
from sicmir_atlas.model.crossval import agreement, cross_validate, leave_one_cohort_out
from sicmir_atlas.model.domain import DIRECTIONS, fit_domain
from sicmir_atlas.model.evaluation import evaluate, figures_of
from sicmir_atlas.model.pairs import MIN_SAMPLES, Pairs, read_pairs
from sicmir_atlas.model.probe import probe
from sicmir_atlas.model.reliability import Reliability, reliability
from sicmir_atlas.model.samples import Samples, varies
from sicmir_atlas.model.scaling import Scaling, observed_scaling
from sicmir_atlas.model.splits import SPLIT
from sicmir_atlas.model.weights import CARD, WEIGHTS, Model, save_model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from sicmir_atlas.model.learners import Averaged

    Float64: TypeAlias = NDArray[np.float64]

__all__ = [
    "PER_MIRNA",
    "Pairs",
    "Trained",
    "read_pairs",
    "require_place",
    "train_model",
    "write_model",
]

PER_MIRNA = "per_mirna.tsv"
"""File of a model folder with the figures of every miRNA."""

logger = logging.getLogger(__name__)

_FOLDED = "PCC over samples in the fold left out of training, with its 95 % interval"
_HELD_OUT = "PCC over the held-out samples, with its 95 % interval"


@dataclass(frozen=True, eq=False)
class Trained:
    """A model, its figures per miRNA, and which sample was used for what."""

    model: Model
    per_mirna: pd.DataFrame
    split: pd.Series[str]


def train_model(
    pairs: Pairs,
    learner: Averaged,
    split: pd.Series[str],
    *,
    model_id: str,
    n_folds: int = 0,
    seed: int = 42,
    about: Mapping[str, Any] | None = None,
) -> Trained:
    """Train on the samples of a split that are not ``test``, and judge on unseen ones.

    Parameters
    ----------
    split
        Part by sample. Samples of part ``validation`` only decide when a network stops; without
        any, each network draws its own.
    n_folds
        Folds of a cross-validation over all samples of the split, beside one that leaves each
        cohort out; 0 for none. The figures per miRNA are then those of the folds.
    about
        Further entries of the card: title, licence, training_data, limits.

    Raises
    ------
    InputError
        When too few samples are left to train or to judge on.
    """
    pairs = Pairs(*(table.loc[split.index] for table in (pairs.mrna, pairs.mirna, pairs.cohorts)))
    mrna, mirna = pairs.mrna, pairs.mirna
    (x, y, cohorts), groups = pairs.arrays, pairs.groups
    seen, stop = (split != "test").to_numpy(), (split == "validation").to_numpy()
    n_test = int((~seen).sum())
    if n_test < MIN_SAMPLES and not n_folds:
        msg = f"holding out {n_test} of {len(x)} samples leaves too few to judge the model on; "
        msg += "hold out more, or cross-validate"
        raise InputError(msg)
    n_train = int(seen.sum() - stop.sum())
    if n_train < MIN_SAMPLES:
        msg = f"{n_train} of {len(x)} samples are left to train on; {MIN_SAMPLES} are needed: "
        msg += "hold out fewer"
        raise InputError(msg)
    samples = Samples(x[seen], y[seen], cohorts[seen], stop=stop[seen] if stop.any() else None)
    parts = learner.train(samples, seed=seed)
    x_scaling, y_scaling = observed_scaling(x[seen]), observed_scaling(y[seen])
    domain, apart = fit_domain(x[seen], cohorts[seen])
    scaling = {
        "x_mean": x_scaling.mean,
        "x_sd": x_scaling.sd,
        "y_mean": y_scaling.mean,
        "y_sd": y_scaling.sd,
        DIRECTIONS: domain.directions,
    }
    members = tuple(member for part in parts for member in part.members)
    model = Model(model_id, tuple(mrna.columns), tuple(mirna.columns), members, scaling)

    figures: dict[str, Any] = {}
    if n_test >= MIN_SAMPLES:
        held_out = _on_held_out(model, x[~seen], y[~seen], groups[~seen], x_scaling)
        found, figures = held_out.found, held_out.figures
    if n_folds:
        folded = _in_folds(learner, pairs, n_folds=n_folds, seed=seed)
        found = folded.found
        figures = {**figures, "cross_validation": folded.figures} if figures else folded.figures

    reports = [part.report for part in parts]
    card = {
        **(about or {}),
        "scaling": {"input": "own", "ddof": 0, "constant": 0},
        "training": {
            "learner": learner.name,
            "seed": seed,
            "n_train": n_train,
            "n_validation": int(stop.sum()),
            "n_test": n_test,
            **(reports[0] if len(reports) == 1 else {"parts": reports}),
        },
        "metrics": figures,
        "domain": {"n_directions": len(domain.directions), "limit": domain.limit, "apart": apart},
        "mirnas_untrained": list(mirna.columns[~_learned(learner, y[seen & ~stop])]),
        "reliability_is": _FOLDED if n_folds else _HELD_OUT,
        **_by_name(mirna.columns, found),
    }
    card["probe"] = probe(model)
    return Trained(replace(model, card=card), _per_mirna(mirna.columns, found), split)


def write_model(trained: Trained, folder: Path, *, sources: pd.DataFrame | None = None) -> None:
    """Write the model folder, with ``per_mirna.tsv`` and ``split.tsv`` beside the weights.

    A model of the same name is replaced when all of the new one is written.

    Parameters
    ----------
    sources
        Table with column mirna, whose columns go into ``per_mirna.tsv``.

    Raises
    ------
    InputError
        As :func:`require_place` does.
    """
    require_place(folder)
    per_mirna = trained.per_mirna
    if sources is not None:
        per_mirna = per_mirna.merge(sources, on="mirna", how="left")
    split = trained.split.rename_axis("sample").reset_index()
    with folder_written_whole(folder) as part:
        for name, table in ((PER_MIRNA, per_mirna), (SPLIT, split)):
            table.to_csv(part / name, sep="\t", index=False, float_format="%.4f")
        save_model(trained.model, part)
    logger.info("wrote %s: %s", folder, trained.model.card["metrics"])


def require_place(folder: Path) -> None:
    """See that a model can be written to a folder without the loss of anything but a model.

    Raises
    ------
    InputError
        When it is a file, or holds what is no part of a model.
    """
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file; give the folder of the model to make"
        raise InputError(msg)
    parts = {CARD, WEIGHTS, PER_MIRNA, SPLIT}
    others = sorted(path.name for path in folder.glob("*") if path.name not in parts)
    if others:
        msg = f"{folder} holds {others[0]}, which is no part of a model and would be lost; give a "
        msg += "new folder, or that of the model to replace"
        raise InputError(msg)


class _Judged(NamedTuple):
    found: Reliability
    figures: dict[str, Any]


def _learned(learner: Averaged, y: Float64) -> NDArray[np.bool_]:
    """Mark the miRNAs whose values differ among samples trained on, here or in an extra table."""
    tables = [y, *(part.extra.y for part in learner.parts if part.extra is not None)]
    found = [varies(table) for table in tables]
    return np.asarray(np.any(found, axis=0))


def _on_held_out(
    model: Model, x: Float64, y: Float64, groups: NDArray[np.str_], x_scaling: Scaling
) -> _Judged:
    observed = observed_scaling(y)
    judged = evaluate(model, x, y, groups, x_train=x_scaling, y_observed=observed)
    return _Judged(reliability(y, judged.predicted, groups), judged.summary)


def _in_folds(learner: Averaged, pairs: Pairs, *, n_folds: int, seed: int) -> _Judged:
    (x, y, cohorts), groups, patients = pairs.arrays, pairs.groups, pairs.patients
    folded = cross_validate(learner, x, y, cohorts, n_folds=n_folds, seed=seed, patients=patients)
    found = agreement(y, folded, groups)
    judged = figures_of(y, folded, found, y_observed=observed_scaling(y))
    figures: dict[str, Any] = {"n_folds": n_folds, **judged}
    if np.unique(cohorts).size > 1:
        left_out = agreement(y, leave_one_cohort_out(learner, x, y, cohorts, seed=seed), groups)
        figures |= {
            "pcc_left_out_cohort": _mean(left_out.within) if left_out.by_group else None,
            "pcc_left_out_cohort_each": {k: round(r, 4) for k, r in left_out.by_group.items()},
        }
    return _Judged(reliability(y, folded, groups), figures)


def _per_mirna(names: pd.Index[str], found: Reliability) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "mirna": names,
            "pcc": found.pooled,
            "pcc_low": found.pooled_interval[:, 0],
            "pcc_high": found.pooled_interval[:, 1],
            "pcc_within_cohort": found.within,
            "pcc_within_cohort_low": found.within_interval[:, 0],
            "pcc_within_cohort_high": found.within_interval[:, 1],
        }
    )


def _by_name(names: pd.Index[str], found: Reliability) -> dict[str, dict[str, Any]]:
    """Give the card's figures per miRNA; null where undefined."""

    def number(value: float) -> float | None:
        return None if np.isnan(value) else round(float(value), 4)

    def interval(bounds: Float64) -> list[float] | None:
        return None if np.isnan(bounds).any() else [round(float(b), 4) for b in bounds]

    return {
        "reliability": dict(zip(names, map(number, found.pooled), strict=True)),
        "reliability_interval": dict(zip(names, map(interval, found.pooled_interval), strict=True)),
        "reliability_within_cohort": dict(zip(names, map(number, found.within), strict=True)),
        "reliability_within_cohort_interval": dict(
            zip(names, map(interval, found.within_interval), strict=True)
        ),
    }


def _mean(values: Float64) -> float:
    return round(metrics.mean_defined(values)[0], 4)
