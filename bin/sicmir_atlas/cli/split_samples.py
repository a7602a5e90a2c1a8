"""`sicmir-atlas split-samples`: which sample each run is trained, stopped and judged on."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

__all__ = ["split_samples"]


def split_samples(
    mrna: Path,
    mirna: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path | None = None,
    test: float = 0.3,
    validation: float = 0.2,
    folds: int = 3,
    seeds: str = "42,52,62",
    split_seed: int = 42,
) -> None:
    """Write a table of samples and parts for every run, RUN.tsv.

    Parameters
    ----------
    mrna, mirna
        Paired tables, samples × features.
    output
        Folder for the tables: full-seed42.tsv, fold1-seed42.tsv and so on.
    strata
        Table with columns sample and cohort; test samples and folds are drawn within each cohort.
    test
        Share of each cohort that no run is trained on.
    validation
        Share of a run's training samples that decides when to stop.
    folds
        Folds of the training samples; 0 for none.
    seeds
        Seeds of the runs, between commas.
    split_seed
        Seed of the test samples and of the folds.
    """
    from sicmir_atlas.disk import folder_written_whole
    from sicmir_atlas.errors import InputError
    from sicmir_atlas.model.splits import Design, split_runs
    from sicmir_atlas.model.trainset import read_pairs

    try:
        numbers = tuple(int(seed) for seed in seeds.split(","))
    except ValueError as error:
        msg = f"--seeds {seeds!r}: give whole numbers between commas, such as 42,52,62"
        raise InputError(msg) from error
    design = Design(
        test=test, validation=validation, n_folds=folds, seeds=numbers, split_seed=split_seed
    )
    runs = split_runs(read_pairs(mrna, mirna, strata).cohorts, design)
    with folder_written_whole(output) as folder:
        for name, part in runs.items():
            part.to_csv(folder / f"{name}.tsv", sep="\t")
