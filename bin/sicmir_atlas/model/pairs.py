"""Paired tables of mRNA and miRNA: read, proven fit to learn from or to judge by."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.matrices import first_of, read_csv, read_matrix
from sicmir_atlas.model.sample_names import compared_within, patients_of, sample_name
from sicmir_atlas.names import MOST_MISSING, landmarks, mirnas

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "MIN_SAMPLES",
    "Pairs",
    "read_other_technology",
    "read_pairs",
]

logger = logging.getLogger(__name__)

# the z-scores of two samples are 1 and -1, whatever was measured (spec, V7)
MIN_SAMPLES = 3


@dataclass(frozen=True, eq=False)
class Pairs:
    """mRNA and miRNA tables (samples × features) of the same samples, and their cohorts."""

    mrna: pd.DataFrame
    mirna: pd.DataFrame
    cohorts: pd.Series[str]

    @property
    def arrays(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.str_]]:
        """Samples × genes, samples × miRNAs, and the cohort of every sample."""
        x, y = (frame.to_numpy(dtype=np.float64) for frame in (self.mrna, self.mirna))
        return x, y, self.cohorts.to_numpy(dtype=str)

    @property
    def groups(self) -> NDArray[np.str_]:
        """Group of every sample that correlations are taken in: cohort and kind of tissue."""
        return compared_within(self.cohorts)

    @property
    def patients(self) -> NDArray[np.str_]:
        """Patient of every sample, whose samples stay on one side of a split."""
        return patients_of(self.mrna.index)

    def among(self, kept: NDArray[np.bool_]) -> Pairs:
        """Keep the samples that are marked."""
        return Pairs(self.mrna[kept], self.mirna[kept], self.cohorts[kept])


def read_pairs(mrna: Path, mirna: Path, strata: Path | None = None) -> Pairs:
    """Read paired tables and keep the samples that both have.

    Names are stripped; TCGA barcodes are compared by their first 15 characters. Samples of one
    table alone, constant columns and tables without a gene or miRNA of the published panel are
    told as warnings.

    Parameters
    ----------
    mrna, mirna
        csv, csv.gz or Parquet, samples × features, log2(x + 1); miRNAs may be missing, genes not.
    strata
        csv with columns sample and cohort; one cohort when None.

    Raises
    ------
    InputError
        When a table cannot be read, is turned, names something twice, holds infinity or values
        that log2(x + 1) cannot give, or has more than half of its columns constant; when an mRNA
        value is missing, fewer than three samples are shared, or a sample has no cohort or two.
    """
    x, y = read_matrix(mrna, landmarks(), "gene"), read_matrix(mirna, mirnas(), "miRNA")
    missing = x.isna().to_numpy()
    if missing.any():
        sample, gene = first_of(x, missing)
        msg = (
            f"{mrna}: no value for sample {sample}, gene {gene} ({missing.sum()} missing in all); "
        )
        msg += "fill them, or drop the sample or gene"
        raise InputError(msg)
    if y.isna().all(axis=None):
        msg = f"{mirna} holds no value at all"
        raise InputError(msg)
    x, y = _shared(x, y, mrna, mirna)
    for path, frame, panel, what in ((mrna, x, landmarks(), "gene"), (mirna, y, mirnas(), "miRNA")):
        _check_constant(path, frame, what)
        if not frame.columns.isin(panel).any():
            message = "%s: none of its %d %ss is of the published panel, in which data are "
            message += "prepared: its first is %s, that of the panel %s"
            logger.warning(message, path, frame.shape[1], what, frame.columns[0], panel[0])
    return Pairs(x, y, _cohorts(strata, x.index))


def read_other_technology(mrna: Path, mirna: Path, strata: Path | None, *, like: Pairs) -> Pairs:
    """Read paired tables of another technology, for samples to learn from as well.

    They may be in any unit, for they are z-scored by themselves, and lack genes and values of
    mRNA: what is missing is taken as the mean. They are of other patients, for whoever learns from
    them is judged on ``like``.

    Parameters
    ----------
    mrna, mirna, strata
        As for :func:`read_pairs`.
    like
        The pairs whose genes and miRNAs are wanted, in their order, and whose patients are not.

    Raises
    ------
    InputError
        As :func:`read_pairs` does, but for units and missing values of mRNA; when more than half
        of the genes or all of the miRNAs have no value, or a patient is one of ``like``.
    """
    x = read_matrix(mrna, landmarks(), "gene", any_units=True)
    y = read_matrix(mirna, mirnas(), "miRNA", any_units=True)
    x, y = _shared(x, y, mrna, mirna)
    genes, names = like.mrna.columns, like.mirna.columns
    wanted = Pairs(x.reindex(columns=genes), y.reindex(columns=names), _cohorts(strata, x.index))
    missing = genes[wanted.mrna.isna().all()]
    if len(missing) > MOST_MISSING * len(genes):
        msg = f"{mrna} lacks {len(missing)} of {len(genes)} genes, such as {missing[0]}"
        raise InputError(msg)
    if wanted.mirna.isna().all(axis=None):
        msg = f"{mirna} has no value of the {len(names)} miRNAs that are wanted, such as {names[0]}"
        msg += f"; its first column is {y.columns[0]}"
        raise InputError(msg)
    known = x.index[np.isin(wanted.patients, like.patients)]
    if len(known):
        msg = f"{mrna}: {len(known)} of {len(x)} samples are of patients who are judged on, too, "
        msg += f"such as {known[0]}; leave them out of one technology"
        raise InputError(msg)
    return wanted


def _shared(
    x: pd.DataFrame, y: pd.DataFrame, mrna: Path, mirna: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    shared = x.index[x.index.isin(y.index)]
    if len(shared) == 0:
        msg = f"{mrna} and {mirna} share no sample; rows must be samples, named alike: "
        msg += f"the first are {x.index[0]} and {y.index[0]}"
        raise InputError(msg)
    for path, frame, other in ((mrna, x, mirna), (mirna, y, mrna)):
        alone = frame.index[~frame.index.isin(shared)]
        if len(alone):
            message = "%s: %d of %d samples are not in %s and left out, such as %s"
            logger.warning(message, path, len(alone), len(frame), other, alone[0])
    if len(shared) < MIN_SAMPLES:
        msg = f"{mrna} and {mirna} share {len(shared)} sample{'s' if len(shared) > 1 else ''}; "
        msg += f"z-scores over samples mean something from {MIN_SAMPLES} on"
        raise InputError(msg)
    return x.loc[shared], y.loc[shared]


def _check_constant(path: Path, frame: pd.DataFrame, what: str) -> None:
    constant = frame.columns[(frame.min() == frame.max()).to_numpy()]
    if len(constant) == 0:
        return
    msg = f"{path}: {len(constant)} of {frame.shape[1]} {what}s are constant over all "
    msg += f"{len(frame)} samples, such as {constant[0]}"
    if 2 * len(constant) > frame.shape[1]:
        msg += "; more than half say nothing: was the table filled with one value?"
        raise InputError(msg)
    logger.warning("%s; they say nothing", msg)


def _cohorts(strata: Path | None, samples: pd.Index[str]) -> pd.Series[str]:
    if strata is None:
        return pd.Series("all", index=samples)
    table = read_csv(strata, dtype=str).rename(columns=str.strip)
    if not {"sample", "cohort"} <= set(table.columns):
        msg = f"{strata} needs the columns sample and cohort"
        raise InputError(msg)
    known = table.assign(sample=table["sample"].astype(str).map(sample_name))
    known = known.drop_duplicates(["sample", "cohort"])
    known = known[known["sample"].isin(samples)]
    twice = known["sample"][known["sample"].duplicated()]
    if len(twice):
        named = known["cohort"][known["sample"] == twice.iloc[0]]
        msg = f"{strata} gives two cohorts for sample {twice.iloc[0]}: {named.iloc[0]}, "
        msg += f"{named.iloc[1]}"
        raise InputError(msg)
    cohorts: pd.Series[str] = known.set_index("sample")["cohort"].reindex(samples)
    if cohorts.isna().any():
        msg = f"{strata} gives no cohort for sample {cohorts.index[cohorts.isna()][0]}"
        raise InputError(msg)
    return cohorts
