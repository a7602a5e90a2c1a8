"""Which sample a run is trained, stopped and judged on (model spec, sections 1, 4 and 7)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.crossval import folds_of, numbered
from sicmir_atlas.model.matrices import read_csv
from sicmir_atlas.model.sample_names import patients_of, sample_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "SPLIT",
    "VALIDATION",
    "Design",
    "draw_split",
    "read_parts",
    "read_split",
    "split_rows",
    "split_runs",
]

logger = logging.getLogger(__name__)

SPLIT = "split.tsv"
"""File of a model folder with the part of every sample: columns sample and part."""

VALIDATION = 0.2
"""Share of the training samples that decides when a network stops."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """Runs of one experiment: one per seed on all training samples, and one per fold and seed.

    Parameters
    ----------
    test
        Share of each cohort that no run is trained on.
    validation
        Share of a run's training samples that decides when to stop, drawn with the run's seed.
    n_folds
        Folds of the training samples, by cohort; 0 for none.
    seeds
        One run for each.
    split_seed
        Seed of the test samples and of the folds.
    """

    test: float = 0.3
    validation: float = VALIDATION
    n_folds: int = 3
    seeds: Sequence[int] = (42, 52, 62)
    split_seed: int = 42

    def __post_init__(self) -> None:
        problem = None
        if not (0 < self.test < 1 and 0 < self.validation < 1):
            problem = f"shares {self.test:g} and {self.validation:g} must be between 0 and 1"
        elif not self.seeds or len(set(self.seeds)) < len(self.seeds):
            problem = f"seeds {list(self.seeds)} must be one or more, each once"
        elif min(*self.seeds, self.split_seed) < 0:
            problem = f"seed {min(*self.seeds, self.split_seed)} must not be below 0"
        elif self.n_folds < 0 or self.n_folds == 1:
            problem = f"{self.n_folds} folds are none: take 0, or 2 and more"
        if problem:
            msg = f"the split cannot be made: {problem}"
            raise InputError(msg)


def split_rows(
    strata: Sequence[str] | NDArray[np.str_],
    fraction: float,
    *,
    seed: int,
    patients: NDArray[np.str_] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split rows at random within each stratum; the second part gets ``fraction`` of each.

    Parameters
    ----------
    patients
        Patient of every row, whose rows stay together; each row is one of its own when None.

    Returns
    -------
    Sorted positions of the first and of the second part.
    """
    labels = np.asarray(strata)
    second = np.zeros(labels.size, dtype=bool)
    rng = np.random.Generator(np.random.PCG64(seed))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        whose, n_patients = numbered(rows, patients)
        taken = rng.permutation(n_patients)[: round(fraction * n_patients)]
        second[rows[np.isin(whose, taken)]] = True
    return np.flatnonzero(~second), np.flatnonzero(second)


def draw_split(
    cohorts: pd.Series[str], *, test: float, validation: float = 0.0, seed: int
) -> pd.Series[str]:
    """Hold a share of each cohort out, and a share of all others to decide when to stop.

    Samples of one patient have one part.

    Returns
    -------
    ``train``, ``validation`` or ``test`` by sample.

    Raises
    ------
    InputError
        When a share is none.
    """
    if not (0 <= test < 1 and 0 <= validation < 1):
        msg = f"shares of {test:g} for test and {validation:g} for validation: give 0 to below 1"
        raise InputError(msg)
    patients = patients_of(cohorts.index)
    kept, held_out = split_rows(cohorts.to_numpy(dtype=str), test, seed=seed, patients=patients)
    _, stop = split_rows(["all"] * len(kept), validation, seed=seed, patients=patients[kept])
    split = pd.Series("train", index=cohorts.index, name="part")
    split.iloc[held_out] = "test"
    split.iloc[kept[stop]] = "validation"
    return split


def read_parts(path: Path) -> pd.Series[str]:
    """Read a table with columns sample and part: train, validation or test.

    Returns
    -------
    Part by sample, called as in the tables that it is joined with.

    Raises
    ------
    InputError
        When it is missing, empty or lacks a column, a part is unknown, or a sample is named twice.
    """
    table = read_csv(path, sep=None, engine="python", dtype=str)
    if not {"sample", "part"} <= set(table.columns):
        msg = f"{path} needs the columns sample and part"
        raise InputError(msg)
    names = table["sample"].astype(str).map(sample_name)
    parts: pd.Series[str] = table.set_index(names)["part"]
    twice = parts.index[parts.index.duplicated()]
    if len(twice):
        msg = f"{path} names {len(twice)} samples twice, such as {twice[0]}; each has one part"
        raise InputError(msg)
    wrong = parts[~parts.isin(["train", "validation", "test"])]
    if len(wrong):
        msg = f"{path}: part {wrong.iloc[0]!r} of sample {wrong.index[0]} is none of train, "
        msg += "validation, test"
        raise InputError(msg)
    return parts


def read_split(path: Path, samples: pd.Index[str]) -> pd.Series[str]:
    """Read the parts of some samples, or of all; warn of patients with samples in several parts.

    Raises
    ------
    InputError
        As :func:`read_parts` does, and when a sample is not among ``samples``.
    """
    parts = read_parts(path)
    absent = parts.index.difference(samples)
    if len(absent):
        msg = f"{path}: {len(absent)} samples are not in the tables, such as {absent[0]}"
        raise InputError(msg)
    n_parts = parts.groupby(patients_of(parts.index)).nunique()
    torn = n_parts.index[n_parts > 1]
    if len(torn):
        message = "%s: %d patients have samples in several parts, such as %s; the figures may be "
        message += "too good: give all samples of a patient one part"
        logger.warning(message, path, len(torn), torn[0])
    return parts


def split_runs(cohorts: pd.Series[str], design: Design) -> Mapping[str, pd.Series[str]]:
    """Give the part of every sample in every run.

    Parameters
    ----------
    cohorts
        Cohort of each sample; its index names the samples.

    Returns
    -------
    By run, ``full-seed42`` or ``fold1-seed42``: ``train``, ``validation`` or ``test`` by sample.
    In a fold, the samples held out from all runs are absent.

    Raises
    ------
    InputError
        When there are too few samples for three parts in every run.
    """
    labels, patients = cohorts.to_numpy(dtype=str), patients_of(cohorts.index)
    kept, held = split_rows(labels, design.test, seed=design.split_seed, patients=patients)
    whole = {"full": (kept, held)}
    if design.n_folds:
        folds = folds_of(
            labels[kept], design.n_folds, seed=design.split_seed, patients=patients[kept]
        )
        whole |= {
            f"fold{i + 1}": (kept[folds != i], kept[folds == i]) for i in range(design.n_folds)
        }
    runs = {}
    for name, (train, test) in whole.items():
        for seed in design.seeds:
            fit, stop = split_rows(
                ["all"] * len(train), design.validation, seed=seed, patients=patients[train]
            )
            if len(fit) < 2 or not len(stop) or len(test) < 2:
                msg = f"{len(labels)} samples are too few: {name} has {len(fit)} to train, "
                msg += f"{len(stop)} to stop and {len(test)} to judge on"
                raise InputError(msg)
            part = np.full(len(labels), "", dtype=object)
            part[test], part[train[fit]], part[train[stop]] = "test", "train", "validation"
            series = pd.Series(part, index=cohorts.index.rename("sample"), name="part")
            runs[f"{name}-seed{seed}"] = series[series != ""]
    return runs
