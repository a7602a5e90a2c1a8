"""`sicmir-atlas study learning-curve`: what more samples would give."""

from __future__ import annotations

import logging
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

from sicmir_atlas.cli._numbers import AtLeast1, AtLeast2, Seed, Threads  # noqa: TC001  the command line reads them

__all__ = ["learning_curve"]

logger = logging.getLogger("sicmir_atlas")


def learning_curve(
    mrna: Path,
    mirna: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path | None = None,
    learner: tuple[str, ...] = ("ridge", "gaussian-ridge-within"),
    measured: Path | None = None,
    folds: AtLeast2 = 5,
    draws: AtLeast1 = 3,
    seed: Seed = 42,
    threads: Threads = 1,
) -> None:
    """Train on a growing share of the samples; estimate the noise ceiling.

    Writes learning_curve.csv, learning_curve.svg and learning_curve.json.

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
        Learners by name, one option each.
    measured
        Samples × mature miRNAs that were measured, for the noise ceiling: how well the two arms
        of a stem-loop agree.
    folds
        Folds, dealt within each cohort.
    draws
        Draws of every share of the training samples but the whole.
    seed
        Seed of folds, draws and learners.
    threads
        Threads of the CPU.
    """
    import pandas as pd
    from threadpoolctl import threadpool_limits

    from sicmir_atlas.cli.study._learner import learner_named
    from sicmir_atlas.errors import InputError
    from sicmir_atlas.model.matrices import read_matrix
    from sicmir_atlas.model.pairs import read_pairs
    from sicmir_atlas.names import mirnas, parse_mirna
    from sicmir_atlas.study import learning_curve as study
    from sicmir_atlas.study.result import write_result

    pairs = read_pairs(mrna, mirna, strata)
    ceiling = None
    if measured is not None:
        table = read_matrix(measured, mirnas(), "miRNA", any_units=True)
        table = table.loc[table.index.isin(pairs.cohorts.index)]
        stems = pd.Series([parse_mirna(name).stem for name in table.columns], table.columns)
        ceiling = study.arm_ceiling(table, stems, pairs.cohorts.loc[table.index])
        if ceiling.n_pairs == 0:
            msg = f"{measured}: in its {len(table)} samples that {mrna} has, too, no stem-loop has "
            msg += "two arms that vary within a cohort; give mature miRNAs that were measured, "
            msg += "such as hsa-miR-21-5p and hsa-miR-21-3p"
            raise InputError(msg)
    with threadpool_limits(threads):
        result = study.learning_curve(
            [(name, learner_named(name)) for name in learner],
            pairs,
            n_folds=folds,
            n_draws=draws,
            seed=seed,
            ceiling=ceiling,
            on_share=lambda label, share: logger.info("%s, %.0f %%", label, 100 * share),
        )
    write_result(result, output)
