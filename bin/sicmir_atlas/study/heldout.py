"""The samples a model has not seen, by the ``split.tsv`` in its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.weights import shipped_models

if TYPE_CHECKING:
    from pathlib import Path

    from sicmir_atlas.model.pairs import Pairs

__all__ = ["Split", "held_out"]

Split: TypeAlias = Literal["test", "all"]


def held_out(model_folder: Path, pairs: Pairs, split: Split = "test") -> Pairs:
    """Keep the samples that a model was neither trained nor stopped on.

    Parameters
    ----------
    model_folder
        Holds ``split.tsv``, which training leaves: columns sample and part. A shipped model's
        name does as well.
    split
        ``test`` keeps the samples whose part is test, in the order of ``pairs``; ``all`` keeps
        every sample, for data that the model has never met.

    Raises
    ------
    InputError
        When ``split.tsv`` is missing, lacks a column, or names no test sample of ``pairs``.
    """
    if split == "all":
        return pairs
    folder = model_folder if model_folder.is_dir() else shipped_models() / model_folder
    path = folder / "split.tsv"
    remedy = "take all samples with --split all if the model has seen none of them"
    if not path.is_file():
        msg = f"{path} is missing, so nobody knows which samples the model was trained on; {remedy}"
        raise InputError(msg)
    table = pd.read_csv(path, sep="\t", dtype=str)
    if not {"sample", "part"} <= set(table.columns):
        msg = f"{path} needs the columns sample and part; {remedy}"
        raise InputError(msg)
    kept = pairs.mrna.index.isin(table.loc[table["part"] == "test", "sample"])
    if not kept.any():
        msg = f"{path} names none of the {len(kept)} samples as test; {remedy}"
        raise InputError(msg)
    return pairs.among(kept)
