"""`sicmir-atlas study calibration`: what the spread of an ensemble is worth."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

from sicmir_atlas.cli._numbers import AtLeast2, Positive, Seed, Threads  # noqa: TC001  the command line reads them

__all__ = ["calibration"]


def calibration(
    mrna: Path,
    mirna: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path | None = None,
    learner: str = "gaussian-ridge-within",
    extra_mrna: Path | None = None,
    extra_mirna: Path | None = None,
    extra_strata: Path | None = None,
    extra_weight: Positive = 0.3,
    folds: AtLeast2 = 5,
    seed: Seed = 42,
    threads: Threads = 1,
) -> None:
    """Compare the spread of an ensemble's members with the error of their mean.

    Writes calibration.csv, calibration.svg and calibration.json.

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
        An ensemble, by name.
    extra_mrna, extra_mirna, extra_strata
        Samples of another technology to learn from as well; never judged on.
    extra_weight
        What such a sample counts in ridge and kernels; networks let all count alike.
    folds
        Folds, dealt within each cohort.
    seed
        Seed of the folds and of the learner.
    threads
        Threads of the CPU.
    """
    from threadpoolctl import threadpool_limits

    from sicmir_atlas.cli._extra import read_extra
    from sicmir_atlas.cli.study._learner import learner_named
    from sicmir_atlas.errors import InputError
    from sicmir_atlas.model.learners import Averaged
    from sicmir_atlas.model.pairs import read_pairs
    from sicmir_atlas.study import calibration as study
    from sicmir_atlas.study.result import write_result

    chosen = learner_named(learner)
    if not isinstance(chosen, Averaged) or (
        len(chosen.parts) < 2 and getattr(chosen.parts[0], "n_seeds", 1) < 2
    ):
        msg = f"--learner {learner} is no ensemble of several members; take gaussian-ridge-within"
        raise InputError(msg)
    pairs = read_pairs(mrna, mirna, strata)
    extra = read_extra(extra_mrna, extra_mirna, extra_strata, weight=extra_weight, like=pairs)
    if extra is not None:
        chosen = chosen.with_extra(extra)
    with threadpool_limits(threads):
        result = study.calibration(chosen, pairs, n_folds=folds, seed=seed)
    write_result(result, output)
