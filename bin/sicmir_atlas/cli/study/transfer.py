"""`sicmir-atlas study transfer`: a model on a cohort that it has not met."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

__all__ = ["transfer"]


def transfer(
    mrna: Path,
    mirna: Path,
    /,
    *,
    model: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path | None = None,
    cohort: str | None = None,
    device: Literal["cpu", "cuda"] = "cpu",
) -> None:
    """Judge a model on other samples, with their own scaling and that of its training.

    Writes transfer.csv, transfer.svg and transfer.json: mean PCC over all miRNAs and over hubs, of
    all samples and within each cohort or tissue. A warning names samples that the model was
    trained on.

    Parameters
    ----------
    mrna
        Samples × landmark genes in log2(x + 1), none of which the model was trained on.
    mirna
        Samples × miRNAs in log2(x + 1). Empty cells are not compared.
    model
        Model folder or the name of a shipped model.
    output
        Folder to write into.
    strata
        Table with columns sample and cohort, which may be a tissue.
    cohort
        Only this cohort: its own z-scores are over its samples alone.
    device
        Where to predict.
    """
    from dataclasses import replace

    from sicmir_atlas.model.pairs import read_pairs
    from sicmir_atlas.model.weights import load_model
    from sicmir_atlas.study.cohorts import of_cohort
    from sicmir_atlas.study.heldout import n_trained_on
    from sicmir_atlas.study.result import write_result
    from sicmir_atlas.study.transfer import transfer as judge

    loaded = load_model(model)
    pairs = of_cohort(read_pairs(mrna, mirna, strata), cohort)
    seen = {"n_trained_on": n_trained_on(model, pairs)}
    result = judge(loaded, pairs, device=device)
    write_result(replace(result, summary={**result.summary, **seen}), output)
