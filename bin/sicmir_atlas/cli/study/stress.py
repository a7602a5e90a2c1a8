"""`sicmir-atlas study stress`: how much input a model can lose."""

from __future__ import annotations

import logging
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

__all__ = ["stress"]

_log = logging.getLogger("sicmir_atlas")


def stress(
    mrna: Path,
    mirna: Path,
    /,
    *,
    model: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path | None = None,
    split: Literal["test", "all"] = "test",
    test: str = "masking,removal,uniform,poisson,depth,depth_poisson",
    ranking: Path | None = None,
    quick: bool = False,
    device: Literal["cpu", "cuda", "auto"] = "cpu",
) -> None:
    """Mask, remove, thin out and under-sequence a model's input, and judge what it still predicts.

    Writes stress.csv, stress.svg and stress.json.

    Parameters
    ----------
    mrna
        Samples × landmark genes, log2(x + 1).
    mirna
        Samples × miRNAs, log scale. Empty cells are not compared.
    model
        Model folder or the name of a shipped model.
    output
        Folder to write into.
    strata
        Table with columns sample and cohort, for correlation within cohorts.
    split
        test: samples held out in training; all: every sample, for data the model has not met.
    test
        Tests to run, separated by commas.
    ranking
        attributions.csv of `study attributions`, or any csv with columns gene and importance, for
        removal; without it, removal is left out.
    quick
        Two seeds and few levels.
    device
        Where the model runs; cuda and auto need the gpu extra.
    """
    from dataclasses import replace

    from sicmir_atlas.cli._progress import rows_written
    from sicmir_atlas.errors import InputError
    from sicmir_atlas.model.inference import load_predictor
    from sicmir_atlas.model.pairs import read_pairs
    from sicmir_atlas.model.weights import load_model
    from sicmir_atlas.study import perturbations
    from sicmir_atlas.study.heldout import held_out
    from sicmir_atlas.study.predicted import predict_pairs
    from sicmir_atlas.study.ranking import read_ranking
    from sicmir_atlas.study.result import write_result
    from sicmir_atlas.study.stress import stress as run

    tests = [name for name in perturbations.TESTS if name in test.split(",")]
    if len(tests) < len(test.split(",")):
        msg = f"--test {test}: choose among {','.join(perturbations.TESTS)}, each once"
        raise InputError(msg)
    loaded = load_model(model)
    order = None if ranking is None else read_ranking(ranking, loaded.landmarks)
    if order is None and "removal" in tests:
        _log.warning("removal is left out: it needs --ranking")
    pairs = held_out(model, read_pairs(mrna, mirna, strata), split)
    judged = predict_pairs(loaded, pairs, device=device)
    predictor = load_predictor(loaded, device=device)
    grid = perturbations.QUICK if quick else perturbations.PUBLISHED
    run_tests = [name for name in tests if name != "removal" or order is not None]
    with rows_written(perturbations.n_perturbations(run_tests, grid)) as progress:
        result = run(
            lambda z: predictor.predict(z)[:, judged.columns],
            pairs.mrna.reindex(columns=list(loaded.landmarks), fill_value=0.0).to_numpy(float),
            judged.truth,
            judged.groups,
            tests=tests,
            ranking=order,
            grid=grid,
            progress=progress,
        )
    about = {"model_id": loaded.model_id, "split": split, "quick": quick}
    write_result(replace(result, summary={**about, **result.summary}), output)
