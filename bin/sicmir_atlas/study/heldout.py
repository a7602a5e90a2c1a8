"""The samples a model has not seen, by the ``split.tsv`` in its folder."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal, TypeAlias

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.splits import SPLIT, read_parts
from sicmir_atlas.model.weights import shipped_models

if TYPE_CHECKING:
    from pathlib import Path

    from sicmir_atlas.model.pairs import Pairs

__all__ = ["Split", "held_out", "n_trained_on", "seen_and_held_out"]

Split: TypeAlias = Literal["test", "all"]

logger = logging.getLogger(__name__)


def held_out(model_folder: Path, pairs: Pairs, split: Split = "test") -> Pairs:
    """Keep the samples that a model was neither trained nor stopped on.

    Parameters
    ----------
    model_folder
        Holds ``split.tsv``, which training leaves: columns sample and part. A shipped model's
        name does as well.
    split
        ``test`` keeps the samples whose part is test, in the order of ``pairs``; ``all`` keeps
        every sample, for data that the model has never met; where it has, a warning says so.

    Raises
    ------
    InputError
        When ``split.tsv`` is missing or no split, or names no test sample of ``pairs``.
    """
    if split == "all":
        n_trained_on(model_folder, pairs)
        return pairs
    path = _split_of(model_folder)
    remedy = "take all samples with --split all if the model has seen none of them"
    if not path.is_file():
        msg = f"{path} is missing, so nobody knows which samples the model was trained on; {remedy}"
        raise InputError(msg)
    try:
        parts = read_parts(path)
    except InputError as error:
        msg = f"{error}; {remedy}"
        raise InputError(msg) from error
    kept = pairs.mrna.index.isin(parts.index[parts == "test"])
    if not kept.any():
        msg = f"{path} names none of the {len(kept)} samples as test; {remedy}"
        raise InputError(msg)
    return pairs.among(kept)


def seen_and_held_out(
    model_folder: Path, pairs: Pairs, split: Split = "test"
) -> tuple[Pairs, Pairs]:
    """Part the samples into those that :func:`held_out` leaves, and those that it keeps."""
    kept = held_out(model_folder, pairs, split)
    return pairs.among(~pairs.mrna.index.isin(kept.mrna.index)), kept


def n_trained_on(model_folder: Path, pairs: Pairs) -> int | None:
    """Count the samples that a model was trained or stopped on, and warn where there are any.

    Returns
    -------
    None where the folder does not tell.
    """
    try:
        parts = read_parts(_split_of(model_folder))
    except InputError:
        return None
    seen = pairs.mrna.index.intersection(parts.index[parts != "test"])
    if len(seen):
        message = "%s was trained on %d of the %d samples, such as %s: it is judged too well"
        logger.warning(message, model_folder, len(seen), len(pairs.mrna), seen[0])
    return len(seen)


def _split_of(model_folder: Path) -> Path:
    folder = model_folder if model_folder.is_dir() else shipped_models() / model_folder
    return folder / SPLIT
