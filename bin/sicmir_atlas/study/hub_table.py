"""Every miRNA with its agreement on held-out samples, and its kin by name (spec, section 7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.crossval import agreement
from sicmir_atlas.model.matrices import read_csv
from sicmir_atlas.model.metrics import HUB_PCC, is_hub, r2_per_mirna
from sicmir_atlas.model.samples import zscore_known
from sicmir_atlas.names import parse_mirna

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sicmir_atlas.model.weights import Model

    Float64: TypeAlias = NDArray[np.float64]

__all__ = [
    "family_of",
    "hub_table",
    "hub_table_of_card",
    "read_hubs",
    "stem_pairs",
]

_FAMILY = re.compile(r"^(?P<family>.+?\d)[a-z]*(?:-\d+)?$")


def family_of(mirna: str) -> str:
    """Name without arm, number of the copy and letter of the sibling: hsa-miR-30c-2-3p → miR-30.

    That is likeness of names. Genomic clusters (miR-17~92) cannot be told from them.
    """
    stem = parse_mirna(mirna).stem
    match = _FAMILY.match(stem)
    return (stem if match is None else match["family"]).removeprefix("hsa-")


def stem_pairs(mirnas: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of a 5p and a 3p arm whose names are alike without the arm."""
    known = set(mirnas)
    stems = [parse_mirna(name).stem for name in mirnas if name.endswith("-5p")]
    return [(f"{stem}-5p", f"{stem}-3p") for stem in stems if f"{stem}-3p" in known]


def hub_table(
    mirnas: Sequence[str],
    truth: Float64,
    predicted: Float64,
    groups: NDArray[np.str_],
    *,
    pcc_train: Float64 | None = None,
    threshold: float = HUB_PCC,
) -> pd.DataFrame:
    """Judge every miRNA on held-out samples and put its kin beside it.

    Parameters
    ----------
    truth, predicted
        Samples × miRNAs; NaN in ``truth`` is not compared.
    pcc_train
        Correlation of every miRNA over the samples trained on, if known.

    Returns
    -------
    ``mirna``, ``pcc_test`` (cohorts pooled), ``pcc_within_cohort``, ``r2_test`` (of z-scores),
    ``pcc_train``, ``is_hub``, ``arm``, ``stem``, ``partner`` (the other arm, if in the list),
    ``family``; best first (spec, section 7).
    """
    judged = agreement(truth, predicted, groups)
    table = pd.DataFrame(
        {
            "mirna": mirnas,
            "pcc_test": judged.pooled,
            "pcc_within_cohort": judged.within,
            "r2_test": r2_per_mirna(zscore_known(truth), predicted),
            "pcc_train": np.nan if pcc_train is None else pcc_train,
        }
    )
    return _with_kin(table, threshold)


def hub_table_of_card(model: Model, *, threshold: float = HUB_PCC) -> pd.DataFrame:
    """Put together what the model card says of held-out samples, as :func:`hub_table` does.

    A model that was trained on every sample was judged by cross-validation; ``r2_test`` and
    ``pcc_train`` are NaN.

    Raises
    ------
    InputError
        When the card has no reliability.
    """
    pooled, within = (
        model.card.get(name, {}) for name in ("reliability", "reliability_within_cohort")
    )
    if not any(value is not None for value in pooled.values()):
        msg = f"the card of {model.model_id} has no reliability; give tables of mRNA and miRNA"
        raise InputError(msg)
    table = pd.DataFrame({"mirna": model.mirnas})
    table["pcc_test"] = table["mirna"].map(pooled).astype(np.float64)
    table["pcc_within_cohort"] = table["mirna"].map(within).astype(np.float64)
    return _with_kin(table.assign(r2_test=np.nan, pcc_train=np.nan), threshold)


def read_hubs(path: Path) -> list[str]:
    """Read the names of the hubs from what ``study hubs`` wrote.

    Raises
    ------
    InputError
        When it is no such table, or names no hub.
    """
    table = read_csv(path)
    if not {"mirna", "is_hub"} <= set(table.columns):
        msg = f"{path} needs the columns mirna and is_hub, as `sicmir-atlas study hubs` writes"
        raise InputError(msg)
    names = table.loc[table["is_hub"].astype(bool), "mirna"].unique().tolist()
    if not names:
        msg = f"{path} has no hub; find some by a lower --threshold of `sicmir-atlas study hubs`"
        raise InputError(msg)
    return [str(name) for name in names]


def _with_kin(table: pd.DataFrame, threshold: float) -> pd.DataFrame:
    names = list(table["mirna"])
    partner = {a: b for pair in stem_pairs(names) for a, b in (pair, pair[::-1])}
    parts = [parse_mirna(name) for name in names]
    table = table.assign(
        is_hub=is_hub(table["pcc_test"].to_numpy(dtype=np.float64), threshold=threshold),
        arm=[part.arm for part in parts],
        stem=[part.stem for part in parts],
        partner=[partner.get(name) for name in names],
        family=[family_of(name) for name in names],
    )
    return table.sort_values("pcc_test", ascending=False, kind="stable", ignore_index=True)
