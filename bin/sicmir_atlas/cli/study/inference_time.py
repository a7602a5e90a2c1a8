"""`sicmir-atlas study inference-time`: seconds of inference against miRSCAPE's."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

from sicmir_atlas.cli._numbers import AtLeast1, Seed, Threads  # noqa: TC001  the command line reads them

__all__ = ["inference_time"]


def inference_time(
    mrna: Path,
    mirna: Path,
    /,
    *,
    model: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    mirscape: Path | None = None,
    tree_method: Literal["exact", "hist"] = "exact",
    repeats: AtLeast1 = 5,
    seed: Seed = 0,
    jobs: Threads = 1,
) -> None:
    """Time a model against miRSCAPE, saved and trained anew, on the model's test samples.

    Writes inference_time.csv, inference_time.svg and inference_time.json. miRSCAPE is trained on
    the samples that the model was trained and stopped on.

    Parameters
    ----------
    mrna
        Samples × landmark genes, log2(x + 1).
    mirna
        Samples × miRNAs, log2(x + 1). Empty cells are not trained on.
    model
        Model folder or the name of a shipped model.
    output
        Folder to write into.
    mirscape
        Saved miRSCAPE of the same samples, settings and seed; trained and written there first
        when there is none. OUTPUT/mirscape.zip when not given.
    tree_method
        exact: every threshold. hist: binned genes, for thousands of samples.
    repeats
        Of reading and predicting; medians are told.
    seed
        Seed of miRSCAPE.
    jobs
        Regressors trained side by side.
    """
    from sicmir_atlas.model.mirscape import Settings
    from sicmir_atlas.model.pairs import read_pairs
    from sicmir_atlas.study import timing
    from sicmir_atlas.study.heldout import seen_and_held_out
    from sicmir_atlas.study.result import write_result

    pairs = read_pairs(mrna, mirna)
    seen, test = seen_and_held_out(model, pairs)
    result = timing.inference_time(
        model,
        seen,
        test.mrna,
        output / "mirscape.zip" if mirscape is None else mirscape,
        settings=Settings(tree_method=tree_method),
        repeats=repeats,
        seed=seed,
        jobs=jobs,
    )
    write_result(result, output)
