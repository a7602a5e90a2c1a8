"""`sicmir-atlas study models`: learners against each other."""

from __future__ import annotations

import logging
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

from sicmir_atlas.cli._numbers import AtLeast2, Positive, Seed, Threads  # noqa: TC001  the command line reads them

__all__ = ["models"]

logger = logging.getLogger("sicmir_atlas")


def models(
    mrna: Path,
    mirna: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path | None = None,
    learner: tuple[str, ...] = (),
    baseline: str = "ridge",
    extra_mrna: Path | None = None,
    extra_mirna: Path | None = None,
    extra_strata: Path | None = None,
    extra_weight: Positive = 0.3,
    folds: AtLeast2 = 5,
    seed: Seed = 42,
    threads: Threads = 1,
) -> None:
    """Judge learners by folds and by cohorts left out, both within cohorts.

    Writes models.csv, models.svg and models.json. A learner that can is also trained with the
    samples of the other technology, if there are any; its label then ends in "+ extra".

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
        Learners by name, one option each; a wrong name lists all. All when none is given, which
        takes hours.
    baseline
        Learner that the others are compared with, miRNA by miRNA.
    extra_mrna, extra_mirna, extra_strata
        Samples of another technology to learn from as well; never judged on.
    extra_weight
        What such a sample counts in ridge and kernels; networks let all count alike.
    folds
        Folds, dealt within each cohort.
    seed
        Seed of the folds and of the learners.
    threads
        Threads of the CPU.
    """
    from threadpoolctl import threadpool_limits

    from sicmir_atlas.cli._extra import read_extra
    from sicmir_atlas.cli.study._learner import learner_named
    from sicmir_atlas.model.learners import LEARNERS, Averaged, Learner
    from sicmir_atlas.model.pairs import read_pairs
    from sicmir_atlas.study.compare import compare
    from sicmir_atlas.study.result import write_result

    pairs = read_pairs(mrna, mirna, strata)
    extra = read_extra(extra_mrna, extra_mirna, extra_strata, weight=extra_weight, like=pairs)
    labelled: list[tuple[str, Learner]] = []
    for name in dict.fromkeys((baseline, *(learner or LEARNERS))):
        chosen = learner_named(name)
        labelled.append((name, chosen))
        if extra is not None and isinstance(chosen, Averaged):
            labelled.append((f"{name} + extra", chosen.with_extra(extra)))
    with threadpool_limits(threads):
        result = compare(
            labelled,
            pairs,
            baseline=baseline,
            n_folds=folds,
            seed=seed,
            on_learner=lambda label: logger.info("%s", label),
        )
    write_result(result, output)
