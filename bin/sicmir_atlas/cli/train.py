"""`sicmir-atlas train`: train a model on paired mRNA and miRNA matrices."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from sicmir_atlas.cli._numbers import AtLeast1, FoldsOrNone, Positive, Seed, Share, Threads  # noqa: TC001  the command line reads them

__all__ = ["train"]


def train(
    mrna: Path,
    mirna: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path | None = None,
    learner: str | None = None,
    recipe: Literal["plain", "companion", "noisy"] = "plain",
    n_networks: AtLeast1 = 1,
    learning_rate: Positive | None = None,
    max_epochs: AtLeast1 | None = None,
    extra_mrna: Path | None = None,
    extra_mirna: Path | None = None,
    extra_strata: Path | None = None,
    extra_weight: Positive = 0.3,
    test: Share = 0.3,
    split: Path | None = None,
    folds: FoldsOrNone = 0,
    seed: Seed = 42,
    threads: Threads = 1,
    device: Literal["cpu", "cuda"] = "cpu",
    title: str | None = None,
    about: Path | None = None,
    sources: Path | None = None,
) -> None:
    """Train a model and judge it on samples it has not seen.

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
    learner
        In place of a network: gaussian-ridge-within (the shipped default model), ridge,
        kernel-ridge, pls and others; a wrong name lists all.
    recipe
        Of networks. plain: the published recipe. companion: that of the authors' later repository.
        noisy: plain, with noise and missing genes in training.
    n_networks
        Networks to train, each with a seed of its own; the model predicts their mean.
    learning_rate, max_epochs
        In place of the recipe's.
    extra_mrna, extra_mirna, extra_strata
        Samples of another technology to learn from as well; never judged on.
    extra_weight
        What such a sample counts in ridge and kernels; networks let all count alike.
    test
        Share of samples held out; 0 with --folds trains on all.
    split
        Table with columns sample and part (train, validation, test), in place of --test.
    folds
        Cross-validate over all samples, too, and leave each cohort out.
    seed
        Seed of the splits, the initial weights, the batches and dropout.
    threads
        Threads of the CPU; the weights' last bits depend on it.
    device
        Where to train networks.
    title
        One line on what the model is, for model.json.
    about
        JSON whose keys go into model.json: licence, training_data, limits.
    sources
        Table with column mirna whose columns go into per_mirna.tsv.
    """
    from threadpoolctl import threadpool_limits

    from sicmir_atlas.cli import _io
    from sicmir_atlas.cli._extra import read_extra
    from sicmir_atlas.errors import InputError
    from sicmir_atlas.model.learners import LEARNERS, Averaged
    from sicmir_atlas.model.matrices import read_csv
    from sicmir_atlas.model.network_learner import Networks
    from sicmir_atlas.model.splits import VALIDATION, draw_split, read_split
    from sicmir_atlas.model.trainset import read_pairs, require_place, train_model, write_model

    require_place(output)
    changes = {"learning_rate": learning_rate, "max_epochs": max_epochs}
    if learner is None:
        networks = Networks(
            recipe,
            n_networks,
            device=device,
            threads=threads,
            changes={name: value for name, value in changes.items() if value is not None},
        )
        chosen = Averaged(recipe, (networks,))
    else:
        of_networks = changes["learning_rate"] or changes["max_epochs"] or n_networks > 1
        if of_networks or recipe != "plain" or device != "cpu":
            msg = f"--learner {learner} has settings of its own: leave out --recipe, --n-networks, "
            msg += "--learning-rate, --max-epochs and --device, which are those of networks"
            raise InputError(msg)
        usable = {name: known for name, known in LEARNERS.items() if isinstance(known, Averaged)}
        if learner not in usable:
            msg = f"--learner {learner}: take one of {', '.join(usable)}"
            raise InputError(msg)
        chosen = usable[learner]

    table = None if sources is None else read_csv(sources, sep="\t")
    pairs = read_pairs(mrna, mirna, strata)
    extra = read_extra(extra_mrna, extra_mirna, extra_strata, weight=extra_weight, like=pairs)
    if extra is not None:
        chosen = chosen.with_extra(extra)
    if split is None:
        # several networks draw validation samples of their own
        validation = VALIDATION if learner is None and n_networks == 1 else 0.0
        parts = draw_split(pairs.cohorts, test=test, validation=validation, seed=seed)
    else:
        parts = read_split(split, pairs.mrna.index)
    told: dict[str, Any] = {} if title is None else {"title": title}
    told |= {} if about is None else _io.read_json(about)
    if extra is not None:
        data = {**told.get("training_data", {}), "other_technology": extra.described()}
        told["training_data"] = data
    with threadpool_limits(threads):
        trained = train_model(
            pairs,
            chosen,
            parts,
            model_id=output.resolve().name,
            n_folds=folds,
            seed=seed,
            about=told,
        )
    write_model(trained, output, sources=table)
