"""`sicmir-atlas train`: train a model on paired mRNA and miRNA matrices."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

__all__ = ["train"]


def train(
    mrna: Path,
    mirna: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path | None = None,
    recipe: Literal["plain", "companion"] = "plain",
    learning_rate: float | None = None,
    max_epochs: int | None = None,
    test: float = 0.3,
    seed: int = 42,
    threads: int = 1,
    device: Literal["cpu", "cuda"] = "cpu",
    about: Path | None = None,
    sources: Path | None = None,
) -> None:
    """Train a model and judge it on samples held out.

    Parameters
    ----------
    mrna
        Samples × landmark genes, log scale, csv or csv.gz; its columns become the model's input.
    mirna
        Samples × miRNAs, log scale; its columns become the output. Empty cells are not trained on.
    output
        Model folder to make: model.safetensors, model.json, per_mirna.tsv, split.tsv. Its name is
        the model's id.
    strata
        Table with columns sample and cohort. The held-out part is drawn within each cohort.
    recipe
        plain: the published recipe. companion: that of the authors' later repository.
    learning_rate, max_epochs
        In place of the recipe's.
    test
        Share of samples held out.
    seed
        Seed of the splits, the initial weights, the batches and dropout.
    threads
        Threads of the CPU; the weights' last bits depend on it.
    device
        Where to train.
    about
        JSON whose keys go into model.json: title, licence, training_data.
    sources
        Table with column mirna whose columns go into per_mirna.tsv.
    """
    from dataclasses import replace

    from sicmir_atlas.cli import _io
    from sicmir_atlas.model.training import RECIPES
    from sicmir_atlas.model.trainset import read_pairs, train_and_judge, write_model

    chosen = RECIPES[recipe]
    if learning_rate is not None:
        chosen = replace(chosen, learning_rate=learning_rate)
    if max_epochs is not None:
        chosen = replace(chosen, max_epochs=max_epochs)
    trained = train_and_judge(
        read_pairs(mrna, mirna, strata),
        chosen,
        model_id=output.resolve().name,
        test=test,
        seed=seed,
        threads=threads,
        device=device,
        about={} if about is None else _io.read_json(about),
    )
    write_model(trained, output, sources=sources)
