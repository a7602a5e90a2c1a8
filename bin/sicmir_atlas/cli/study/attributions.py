"""`sicmir-atlas study attributions`: which genes each miRNA is read from."""

from __future__ import annotations

import logging
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

from sicmir_atlas.cli._numbers import AtLeast1, Seed  # noqa: TC001  the command line reads them

__all__ = ["attributions"]

logger = logging.getLogger("sicmir_atlas")


def attributions(
    mrna: Path,
    mirna: Path,
    /,
    *,
    model: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path | None = None,
    split: Literal["test", "all"] = "test",
    background: AtLeast1 = 200,
    samples: AtLeast1 = 200,
    n_draws: AtLeast1 = 200,
    seed: Seed = 0,
    hubs: Path | None = None,
) -> None:
    """Attribute predictions to genes by expected gradients, and rank genes over the hub miRNAs.

    Writes attributions.csv (gene, importance, rank), attributions.svg and attributions.json, and,
    genes × miRNAs, shap_mean.parquet (signed) and shap_abs_mean.parquet (absolute).

    Parameters
    ----------
    mrna
        Samples × landmark genes, log scale.
    mirna
        Samples × miRNAs, log scale; tells which miRNAs are hubs.
    model
        Model folder or the name of a shipped model.
    output
        Folder to write into.
    strata
        Table with columns sample and cohort; explained samples are drawn within each cohort.
    split
        test: held-out samples against a background of all others; all: every sample against all.
    background
        Samples in the background, drawn at random.
    samples
        Samples explained, of each cohort its share.
    n_draws
        Points between background and each sample; the cost grows with them, the error falls.
    seed
        Of all draws.
    hubs
        hubs.csv of `study hubs`; where not given, the miRNAs with a PCC from 0.8 on in ``split``.
    """
    from dataclasses import replace

    from sicmir_atlas.model.metrics import is_hub, pcc_per_mirna
    from sicmir_atlas.model.pairs import read_pairs
    from sicmir_atlas.model.weights import load_model
    from sicmir_atlas.study import attributions as study
    from sicmir_atlas.study.expected_gradients import expected_gradients
    from sicmir_atlas.study.heldout import held_out
    from sicmir_atlas.study.hub_table import read_hubs
    from sicmir_atlas.study.predicted import model_input, predict_pairs
    from sicmir_atlas.study.result import write_result

    loaded = load_model(model)
    pairs = read_pairs(mrna, mirna, strata)
    kept = held_out(model, pairs, split)
    others = pairs.mrna if split == "all" else pairs.mrna.drop(kept.mrna.index)
    if hubs is None:
        judged = predict_pairs(loaded, kept)
        reached = is_hub(pcc_per_mirna(judged.truth, judged.predicted))
        chosen = [name for name, good in zip(judged.mirnas, reached, strict=True) if good]
    else:
        chosen = read_hubs(hubs)
    explained = study.draw_stratified(kept.cohorts.to_numpy(dtype=str), samples, seed=seed)
    reference = study.draw_stratified(["all"] * len(others), background, seed=seed)

    def told(done: int) -> None:
        if done % 25 == 0:
            logger.info("explained %d of %d samples", done, len(explained))

    found = expected_gradients(
        loaded.members,
        model_input(loaded, kept.mrna)[explained],
        model_input(loaded, others)[reference],
        n_draws=n_draws,
        seed=seed,
        on_sample=told,
    )
    result = study.attributions(found, loaded.landmarks, loaded.mirnas, chosen)
    about = {"model_id": loaded.model_id, "split": split, "n_background": len(reference)}
    about |= {"n_draws": n_draws, "seed": seed}
    for name, values in (("shap_mean", found.mean), ("shap_abs_mean", found.mean_abs)):
        path = output / f"{name}.parquet"
        study.write_attributions(values, loaded.landmarks, loaded.mirnas, path)
    write_result(replace(result, summary={**about, **result.summary}), output)
