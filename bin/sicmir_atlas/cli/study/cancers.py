"""`sicmir-atlas study cancers`: one cancer's own model against the pan-cancer model."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

from sicmir_atlas.cli._numbers import AtLeast1, AtLeast2, Seed  # noqa: TC001  the command line reads them

__all__ = ["cancers"]


def cancers(
    mrna: Path,
    mirna: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path,
    learner: str = "ridge",
    min_train: AtLeast2 = 40,
    folds: AtLeast2 = 5,
    draws: AtLeast1 = 3,
    seed: Seed = 42,
) -> None:
    """Compare models of one cohort with the pan-cancer model, also of the same size.

    Writes cancers.csv, cancers.svg and cancers.json.

    Parameters
    ----------
    mrna
        Samples × landmark genes, log scale.
    mirna
        Samples × miRNAs, log scale. Empty cells are not trained on.
    output
        Folder to write into.
    strata
        Table with columns sample and cohort.
    learner
        What to train.
    min_train
        Training samples that a cohort needs; smaller cohorts are left out and named.
    folds
        Folds, dealt within each cohort.
    draws
        Draws of the pan-cancer samples that are as many as the cohort's own.
    seed
        Seed of the folds, the draws and the learner.
    """
    from sicmir_atlas.cli._progress import rows_written
    from sicmir_atlas.cli.study._learner import learner_named
    from sicmir_atlas.model.pairs import read_pairs
    from sicmir_atlas.study.cancer_specific import cancer_specific, large_enough
    from sicmir_atlas.study.result import write_result

    chosen = learner_named(learner)
    pairs = read_pairs(mrna, mirna, strata)
    names, _ = large_enough(pairs.cohorts.to_numpy(dtype=str), min_train=min_train, n_folds=folds)
    with rows_written(len(names)) as progress:
        result = cancer_specific(
            pairs,
            chosen,
            min_train=min_train,
            n_folds=folds,
            n_draws=draws,
            seed=seed,
            progress=progress,
        )
    write_result(result, output)
