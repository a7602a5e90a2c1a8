"""`sicmir-atlas predict-dataset`: one prepared dataset's share of the atlas."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

__all__ = ["predict_dataset"]


def predict_dataset(
    *,
    prepared: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    model: Path | None = None,
    verdicts: Path | None = None,
    pool_by_donor: bool = False,
    balance: Literal["published", "balanced"] = "published",
    bootstrap_above: int = 400,
    max_draws: int = 500,
    seed: int = 0,
    per_cell: bool = True,
    device: Literal["cpu", "cuda", "auto"] = "cpu",
    cpu_fallback: bool = False,
) -> None:
    """Predict the pools and cells of a prepared dataset.

    Parameters
    ----------
    prepared
        Folder that `prepare` made.
    output
        Folder to make.
    model
        Model folder; the shipped model where none is given.
    verdicts
        Folder for the verdict of an inclusion rule that says no.
    pool_by_donor
        Pool each donor apart.
    balance
        published: every pool counts once in the z-scores. balanced: every cell type does.
    bootstrap_above
        Cells above which a group is bootstrapped rather than averaged.
    max_draws
        Most bootstrap draws of a group.
    seed
        Seed of the draws.
    per_cell
        Predict every cell too.
    device
        Where the network runs; cuda and auto need the gpu extra.
    cpu_fallback
        Let the CPU take over where no GPU is usable or too little of its memory is left.
    """
    from sicmir_atlas.atlas.predict import PredictOptions
    from sicmir_atlas.atlas.predict import predict_dataset as run
    from sicmir_atlas.cli import _io
    from sicmir_atlas.model.inference import load_predictor
    from sicmir_atlas.model.weights import load_model
    from sicmir_atlas.prepare.folder import PreparedDataset

    dataset = PreparedDataset(prepared)
    loaded = load_model(model)
    with _io.verdict(verdicts, dataset.facts["dataset"]["dataset_id"]):
        run(
            dataset,
            output,
            model=loaded,
            predictor=load_predictor(loaded, device=device, cpu_fallback=cpu_fallback),
            options=PredictOptions(
                pool_by_donor=pool_by_donor,
                balance=balance,
                bootstrap_above=bootstrap_above,
                max_draws=max_draws,
                seed=seed,
                per_cell=per_cell,
            ),
        )
