"""Genes ranked by their attribution, read from a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from sicmir_atlas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["read_ranking"]


def read_ranking(path: Path, genes: Sequence[str]) -> list[int]:
    """Read which genes matter to a model, from the least to the most important.

    Parameters
    ----------
    path
        csv with columns ``gene`` and ``importance``, the mean over samples and hub miRNAs of the
        absolute attribution.
    genes
        The model's genes.

    Returns
    -------
    Positions in ``genes``; equal importance keeps their order.

    Raises
    ------
    InputError
        When there is no such file, a column or a gene is missing, or an importance is no number.
    """
    if not path.is_file():
        msg = f"no file {path}; `sicmir-atlas study attributions` writes attributions.csv"
        raise InputError(msg)
    table = pd.read_csv(path)
    if not {"gene", "importance"} <= set(table.columns):
        msg = f"{path} needs the columns gene and importance; it has: {', '.join(table.columns)}"
        raise InputError(msg)
    values = table.drop_duplicates("gene").set_index("gene")["importance"].reindex(list(genes))
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.isna().any():
        gene = numbers.index[numbers.isna()][0]
        msg = f"{path}: gene {gene} has no importance; every gene of the model must be ranked"
        raise InputError(msg)
    return [int(place) for place in numbers.to_numpy(float).argsort(kind="stable")]
