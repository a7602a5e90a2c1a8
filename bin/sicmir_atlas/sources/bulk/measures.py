"""From a table of features × samples to samples × landmarks, and samples × miRNAs, in log2."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.names import FEW_MISSING, MOST_MISSING, landmarks
from sicmir_atlas.prepare.genes import resolve_genes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from sicmir_atlas.sources.bulk.wide import WideTable

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["Measured", "Scale", "landmark_matrix", "mirna_matrix"]

logger = logging.getLogger(__name__)

Scale: TypeAlias = Literal["log2", "linear"]
"""Values as log2(x + 1), or as x."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Samples × features in log2(x + 1), and what was done to the rows and columns for it.

    Parameters
    ----------
    values
        One row per sample name; NaN is missing.
    about
        Counts, and names that are missing.
    """

    values: pd.DataFrame
    about: dict[str, object]


def landmark_matrix(table: WideTable, scale: Scale, sample_of: Callable[[str], str]) -> Measured:
    """Read the landmark genes; those that the table lacks are 0 for all samples.

    Genes are found by Ensembl id, symbol, else an unambiguous alias. What several rows say of one
    landmark adds up as linear values. Samples that come to have one name are averaged; those
    without a value for a landmark are left out (model spec, section 2).

    Raises
    ------
    InputError
        When more than half of the landmarks are missing, or a value is negative.
    """
    names = [cells if len(cells) > 1 else (*cells, None) for cells in table.names()]
    genes = pd.DataFrame(names, columns=["name", "symbol"], dtype=object)
    place = resolve_genes(genes).landmark
    place[genes["name"].str.endswith("_PAR_Y")] = -1  # a copy of the row on X
    wanted = {int(row) for row in np.flatnonzero(place >= 0)}
    panel = landmarks()
    missing = [symbol for i, symbol in enumerate(panel) if i not in set(place[place >= 0].tolist())]
    _judge_missing(table, missing)

    summed = np.zeros((len(panel), len(table.samples)))
    for row, values in table.rows(wanted):
        summed[place[row]] += _linear(table, str(genes["name"][row]), values, scale)
    frame = pd.DataFrame(np.log2(summed.T + 1), index=table.samples, columns=list(panel))
    whole = frame.dropna()
    if len(whole) < len(frame):
        logger.warning(
            "%s: %d samples lack a value for a landmark gene and are left out, %s among them",
            table.path.name,
            len(frame) - len(whole),
            frame.index.difference(whole.index)[0],
        )
    merged, n_repeats = _by_sample(whole, sample_of)
    return Measured(
        merged,
        {
            "mrna_samples_incomplete": len(frame) - len(whole),
            "mrna_samples_averaged": n_repeats,
            "landmarks_missing": missing,
        },
    )


def mirna_matrix(
    table: WideTable, scale: Scale, sample_of: Callable[[str], str], names: Mapping[str, str]
) -> Measured:
    """Read the mature miRNAs under their names.

    Rows of one name are averaged, and so are samples that come to have one name. A row that is
    called ``hsa-…`` already keeps its name.

    Parameters
    ----------
    names
        Name by accession, such as MIMAT0000062 or an RNAcentral id.

    Raises
    ------
    InputError
        When no row has a name, or a value is negative.
    """
    ids = [cells[0] for cells in table.names()]
    called = {i: names.get(one, one if one.startswith("hsa-") else "") for i, one in enumerate(ids)}
    wanted = {i: name for i, name in called.items() if name}
    unmapped = [ids[i] for i, name in called.items() if not name]
    if not wanted:
        msg = f"{table.path.name}: none of its {len(ids)} rows, {ids[0] if ids else 'none'} first, "
        msg += "has a name in the table of miRNA names; give one that has these accessions"
        raise InputError(msg)
    if unmapped:
        logger.warning(
            "%s: %d of %d rows have no name and are left out, %s among them",
            table.path.name,
            len(unmapped),
            len(ids),
            unmapped[0],
        )
    rows = {row: _log2(table, ids[row], values, scale) for row, values in table.rows(wanted)}
    order = sorted(rows, key=lambda row: wanted[row])
    frame = pd.DataFrame(np.array([rows[row] for row in order]), columns=table.samples)
    by_name = frame.groupby([wanted[row] for row in order], sort=True).mean()
    merged, n_repeats = _by_sample(by_name.T, sample_of)
    return Measured(
        merged,
        {
            "mirna_samples_averaged": n_repeats,
            "mirna_rows_averaged": len(frame) - len(by_name),
            "mirna_rows_without_name": len(unmapped),
        },
    )


def _by_sample(frame: pd.DataFrame, sample_of: Callable[[str], str]) -> tuple[pd.DataFrame, int]:
    merged = frame.groupby([sample_of(str(name)) for name in frame.index], sort=True).mean()
    return merged, len(frame) - len(merged)


def _linear(table: WideTable, name: str, values: Float64, scale: Scale) -> Float64:
    _refuse_negative(table, name, values, scale)
    return values if scale == "linear" else np.exp2(values) - 1


def _log2(table: WideTable, name: str, values: Float64, scale: Scale) -> Float64:
    _refuse_negative(table, name, values, scale)
    return np.log2(values + 1) if scale == "linear" else values


def _refuse_negative(table: WideTable, name: str, values: Float64, scale: Scale) -> None:
    if (values < 0).any():
        sample = table.samples[int(np.flatnonzero(values < 0)[0])]
        unit = "log2(x + 1)" if scale == "log2" else "a linear abundance"
        msg = f"{table.path.name}: row {name}, sample {sample}: {np.nanmin(values):g} is negative, "
        msg += f"which {unit} cannot be; take the table in that unit"
        raise InputError(msg)


def _judge_missing(table: WideTable, missing: list[str]) -> None:
    n_genes = len(landmarks())
    share = len(missing) / n_genes
    if share > MOST_MISSING:
        msg = f"{table.path.name}: {len(missing)} of {n_genes} landmark genes are missing, "
        msg += f"{missing[0]} first; its rows must be named by symbol or Ensembl id"
        raise InputError(msg)
    if share > FEW_MISSING:
        logger.warning(
            "%s: %d landmark genes are missing and count as 0", table.path.name, len(missing)
        )
