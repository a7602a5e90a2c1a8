"""`sicmir-atlas package-model`: judged runs to one model folder."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

__all__ = ["package_model"]


def package_model(
    *runs: Path,
    evaluation: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    tables: Path | None = None,
    licence: str = "MIT",
) -> None:
    """Take the run that its own validation samples speak for, and say in its card how all did.

    Parameters
    ----------
    runs
        Model folders called after their run: full-seed42, fold1-seed42 and so on.
    evaluation
        Folder that `evaluate-runs` wrote.
    output
        Model folder to make; its name becomes the model's id.
    tables
        about.json of the tables, as `join-bulk` writes it.
    licence
        Licence of the model, for its card.
    """
    from sicmir_atlas.cli import _io
    from sicmir_atlas.model.matrices import read_csv
    from sicmir_atlas.study import package
    from sicmir_atlas.study.runs import read_run

    found = {folder: read_run(folder) for folder in runs}
    best = package.best_run(list(found.values()))
    training, data = best.model.card["training"], {}
    if tables is not None:
        data = package.data_entries(_io.read_json(tables))
    about = {
        "title": f"recipe {training['learner']}, the best of its seeds by validation",
        "licence": licence,
        **data,
    }
    package.package_model(
        best,
        next(folder for folder, run in found.items() if run is best),
        output,
        summary=_io.read_json(evaluation / "runs.json"),
        per_mirna=read_csv(evaluation / "per_mirna.csv"),
        about=about,
    )
