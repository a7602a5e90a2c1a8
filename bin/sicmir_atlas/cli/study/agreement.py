"""`sicmir-atlas study agreement`: a model's predictions against those of another."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

__all__ = ["agreement"]


def agreement(
    mrna: Path,
    predictions: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    model: str | None = None,
) -> None:
    """Correlate a model's predictions with another model's of the same rows.

    Writes agreement.csv, agreement.svg and agreement.json.

    Parameters
    ----------
    mrna
        Rows × landmark genes in any unit, csv or Parquet; z-scored over its rows.
    predictions
        The other model's: rows × miRNAs.
    output
        Folder to write into.
    model
        A model folder or the name of a shipped model; the default model when not given.
    """
    from dataclasses import replace

    import numpy as np
    import pandas as pd

    from sicmir_atlas.model.inference import load_predictor
    from sicmir_atlas.model.pairs import Pairs, read_other_technology
    from sicmir_atlas.model.samples import zscore_known
    from sicmir_atlas.model.weights import load_model
    from sicmir_atlas.study.agreement import agreement_of_models
    from sicmir_atlas.study.result import write_result

    loaded = load_model(model)
    genes, mirnas = (
        pd.DataFrame(columns=list(names)) for names in (loaded.landmarks, loaded.mirnas)
    )
    wanted = Pairs(genes, mirnas, pd.Series(dtype=str))
    rows = read_other_technology(mrna, predictions, None, like=wanted)
    z = np.nan_to_num(zscore_known(rows.mrna.to_numpy(dtype=np.float64)))
    others = rows.mirna.dropna(axis="columns", how="all")
    mine = pd.DataFrame(load_predictor(loaded).predict(z), rows.mirna.index, rows.mirna.columns)
    reliability = pd.Series(loaded.card.get("reliability", {}), dtype=np.float64)
    result = agreement_of_models(mine[others.columns], others, reliability)
    write_result(replace(result, summary={"model_id": loaded.model_id, **result.summary}), output)
