"""From judged runs to one model folder."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sicmir_atlas.disk import folder_written_whole
from sicmir_atlas.errors import InputError
from sicmir_atlas.model.matrices import read_csv
from sicmir_atlas.model.splits import SPLIT
from sicmir_atlas.model.trainset import PER_MIRNA, require_place
from sicmir_atlas.model.weights import save_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from sicmir_atlas.study.runs import Run

__all__ = ["best_run", "data_entries", "package_model"]

_LIMITS = (
    "Trained on bulk tissue: cells one by one are sparser than anything it has seen.",
    "Predictions are relative to the samples that were z-scored together, and no amounts.",
    "PCC over several cohorts is raised by what differs between them.",
)


def best_run(runs: Sequence[Run]) -> Run:
    """Choose the run on all training samples that its validation samples speak for.

    Test samples have no say, so that the figures on them stay honest.

    Raises
    ------
    InputError
        When no run is on all training samples, one has no validation error, or none does better
        than the training mean, whose error in z-scores is 1.
    """
    full = [run for run in runs if run.design == "full"]
    if not full:
        msg = "none of the runs is on all training samples: give full-seed42 and its like"
        raise InputError(msg)
    best = min(full, key=_validation_mse)
    if not _validation_mse(best) < 1:
        msg = "no run beats the training mean: the least validation error is "
        msg += f"{_validation_mse(best):.3g}, that of the mean 1; training diverged or found "
        msg += "nothing: lower --learning_rate, which is for some 1300 miRNAs, or give more samples"
        raise InputError(msg)
    return best


def _validation_mse(run: Run) -> float:
    best = run.model.card.get("training", {}).get("best")
    if best is None:
        msg = f"{run.design}, seed {run.seed}: its card tells no error on validation samples, by "
        msg += "which runs are chosen; package runs of single networks, trained with --split"
        raise InputError(msg)
    return float(best["validation_mse"])


def data_entries(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a card says of its data: ``training_data``, and ``training_files`` with checksums.

    Parameters
    ----------
    tables
        ``about`` of joined cohorts; see :class:`.bulk.Cohort`.

    Raises
    ------
    InputError
        When an entry is missing.
    """
    missing = sorted({"cohorts", "n_paired", "mirnas_never_measured"} - set(tables))
    if missing:
        msg = f"--tables tells no {', '.join(missing)}; give about.json of `sicmir-atlas join-bulk`"
        raise InputError(msg)
    cohorts = tables["cohorts"]
    return {
        "training_data": {
            "cohorts": ", ".join(f"{one['name']} {one['n_paired']}" for one in cohorts),
            "mrna": "log2(norm_count + 1), landmark genes",
            "mirna": "log2(RPM + 1), mature miRNAs as measured; empty where not measured",
            "n_samples": tables["n_paired"],
            "mirnas_never_measured": tables["mirnas_never_measured"],
        },
        "training_files": [
            {key: file[key] for key in ("url", "sha256", "size")}
            for one in cohorts
            for file in one.get("files", ())
        ],
    }


def package_model(
    run: Run,
    source: Path,
    folder: Path,
    *,
    summary: Mapping[str, Any],
    per_mirna: pd.DataFrame,
    about: Mapping[str, Any],
) -> None:
    """Write the model folder: weights, card, split.tsv and per_mirna.tsv.

    Parameters
    ----------
    run
        The one to ship.
    source
        Its folder.
    folder
        To be made; its name becomes the model's id.
    summary, per_mirna
        What :func:`.runs.judge_runs` found.
    about
        Further entries of the card: title, licence, training_data, limits.

    Raises
    ------
    InputError
        When the source has no per_mirna.tsv, or as :func:`.trainset.require_place` does.
    """
    require_place(folder)
    told = {"limits": list(_LIMITS), **about, "runs": {**summary, "shipped_seed": run.seed}}
    card = {**run.model.card, **told}
    with folder_written_whole(folder) as part:
        table = read_csv(source / PER_MIRNA, sep="\t")
        table = table.merge(per_mirna, on="mirna", how="left")
        table.to_csv(part / PER_MIRNA, sep="\t", index=False, float_format="%.4f")
        shutil.copyfile(source / SPLIT, part / SPLIT)
        save_model(replace(run.model, model_id=folder.resolve().name, card=card), part)
