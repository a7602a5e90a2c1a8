"""`sicmir-atlas study hubs`: which miRNAs a model predicts best."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

__all__ = ["hubs"]


def hubs(
    mrna: Path | None = None,
    mirna: Path | None = None,
    /,
    *,
    model: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path | None = None,
    split: Literal["test", "all"] = "test",
    threshold: float = 0.8,
) -> None:
    """Find the hub miRNAs, the elbow of their number, and whether arms and families agree.

    Without tables they are those of the model card: for a model that was trained on every sample
    and judged by cross-validation. Writes hubs.csv, hubs.svg and hubs.json. Families
    are likeness of names; genomic clusters are not in the data.

    Parameters
    ----------
    mrna
        Samples × landmark genes, log scale.
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
    threshold
        Least PCC of a hub, inclusive.
    """
    from dataclasses import replace

    from sicmir_atlas.errors import InputError
    from sicmir_atlas.model.pairs import read_pairs
    from sicmir_atlas.model.weights import load_model
    from sicmir_atlas.study.heldout import held_out
    from sicmir_atlas.study.hub_table import hub_table, hub_table_of_card
    from sicmir_atlas.study.hubs import hubs as find_hubs
    from sicmir_atlas.study.predicted import predict_pairs
    from sicmir_atlas.study.result import write_result

    loaded = load_model(model)
    about: dict[str, object] = {"model_id": loaded.model_id}
    if mrna is None:
        table = hub_table_of_card(loaded, threshold=threshold)
        about |= {"from": "model card", "judged_by": loaded.card.get("reliability_is")}
    elif mirna is None:
        msg = f"{mrna} is given without a table of miRNAs; give both, or none for the model card"
        raise InputError(msg)
    else:
        judged = predict_pairs(loaded, held_out(model, read_pairs(mrna, mirna, strata), split))
        table = hub_table(
            judged.mirnas, judged.truth, judged.predicted, judged.cohorts, threshold=threshold
        )
        about |= {"from": f"samples, split {split}", "n_samples": len(judged.truth)}
    result = find_hubs(table, threshold=threshold)
    write_result(replace(result, summary={**about, **result.summary}), output)
