"""`sicmir-atlas study features`: which genes, and how many, a learner needs."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

from sicmir_atlas.cli._numbers import AtLeast2, Seed  # noqa: TC001  the command line reads them

__all__ = ["features"]


def features(
    mrna: Path,
    mirna: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path | None = None,
    mrna_wide: Path | None = None,
    learner: str = "ridge",
    sizes: tuple[int, ...] | None = None,
    folds: AtLeast2 = 5,
    seed: Seed = 42,
) -> None:
    """Cross-validate a learner on the most variable landmarks and genes.

    Writes features.csv, features.svg and features.json.

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
    mrna_wide
        Parquet of the same samples × more genes, log scale; whole numbers are hundredths.
    learner
        What to train.
    sizes
        Numbers of genes; all genes of a table are added. 50, 100, 200, 500, 977, 1000, 2000, 5000
        when not given.
    folds
        Folds, dealt within each cohort.
    seed
        Seed of the folds and of the learner.
    """
    from sicmir_atlas.cli._progress import rows_written
    from sicmir_atlas.cli.study._learner import learner_named
    from sicmir_atlas.model.pairs import read_pairs
    from sicmir_atlas.study.feature_sets import SIZES, feature_sets, planned_sets, read_wide
    from sicmir_atlas.study.result import write_result

    chosen = learner_named(learner)
    pairs = read_pairs(mrna, mirna, strata)
    wide = None if mrna_wide is None else read_wide(mrna_wide, pairs.mrna.index)
    asked = sizes or SIZES
    with rows_written(len(planned_sets(pairs.mrna, wide, asked))) as progress:
        result = feature_sets(
            pairs, chosen, wide=wide, sizes=asked, n_folds=folds, seed=seed, progress=progress
        )
    write_result(result, output)
