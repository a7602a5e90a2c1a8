"""`sicmir-atlas evaluate-runs`: the figures of all runs, with their spread."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

__all__ = ["evaluate_runs"]


def evaluate_runs(
    *runs: Path,
    mrna: Path,
    mirna: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path | None = None,
) -> None:
    """Judge runs over seeds and folds; write runs.csv, runs.json and per_mirna.csv.

    Parameters
    ----------
    runs
        Model folders called after their run: full-seed42, fold1-seed42 and so on.
    mrna, mirna
        Tables that they were trained on.
    output
        Folder to write into.
    strata
        Table with columns sample and cohort.
    """
    from sicmir_atlas.disk import written_whole
    from sicmir_atlas.model.pairs import read_pairs
    from sicmir_atlas.study.result import write_result
    from sicmir_atlas.study.runs import judge_runs, read_run

    found = [read_run(folder) for folder in runs]
    result, per_mirna = judge_runs(found, read_pairs(mrna, mirna, strata))
    write_result(result, output)
    with written_whole(output / "per_mirna.csv") as part:
        per_mirna.to_csv(part, index=False, float_format="%.4f")
