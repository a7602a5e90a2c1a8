"""Paired tables of one cohort or several, and the folder that holds them."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from sicmir_atlas.disk import folder_written_whole
from sicmir_atlas.errors import GoneError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sicmir_atlas.sources.bulk.measures import Measured

__all__ = ["Cohort", "join_cohorts", "paired", "read_cohort", "write_cohort"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Cohort:
    """Samples of which both mRNA and miRNA are known.

    Parameters
    ----------
    mrna, mirna
        Samples × features in log2(x + 1), in the same order; NaN in ``mirna`` is not known.
    strata
        Columns ``cohort`` and ``type`` (``tumor`` or ``normal``), one row per sample.
    about
        Where they come from, and what was left out or averaged.
    """

    mrna: pd.DataFrame
    mirna: pd.DataFrame
    strata: pd.DataFrame
    about: Mapping[str, Any]


def paired(
    mrna: Measured, mirna: Measured, strata: pd.DataFrame, about: Mapping[str, Any]
) -> Cohort:
    """Keep the samples that mRNA, miRNA and strata all have.

    Raises
    ------
    InputError
        When there are none.
    """
    shared = [
        name for name in mrna.values.index if name in mirna.values.index and name in strata.index
    ]
    if not shared:
        msg = f"{about['name']}: mRNA ({mrna.values.index[0]}, …) and miRNA "
        msg += f"({mirna.values.index[0]}, …) share no sample; leave this cohort out"
        raise InputError(msg)
    counts = {"n_mrna": len(mrna.values), "n_mirna": len(mirna.values), "n_paired": len(shared)}
    logger.info("%s: %s", about["name"], counts)
    return Cohort(
        mrna.values.loc[shared],
        mirna.values.loc[shared],
        strata.loc[shared, ["cohort", "type"]],
        {**about, **counts, **mrna.about, **mirna.about},
    )


def join_cohorts(cohorts: Sequence[Cohort]) -> Cohort:
    """Put cohorts together; miRNAs that are 0 or unknown in every sample go (model spec, 2.1).

    Raises
    ------
    InputError
        When a sample is in two of them, or no miRNA is left.
    """
    strata = pd.concat([one.strata for one in cohorts])
    twice = strata.index[strata.index.duplicated()]
    if len(twice):
        both = strata.loc[twice[0], "cohort"].tolist()
        msg = f"sample {twice[0]} is in {' and '.join(both)}; ask for one of these cohorts"
        raise InputError(msg)
    mirna = pd.concat([one.mirna for one in cohorts])
    measured = (mirna > 0).any()
    if not measured.any():
        msg = f"all {mirna.shape[1]} miRNAs are 0 in all {len(mirna)} samples; check the tables"
        raise InputError(msg)
    about = {
        "name": ", ".join(str(one.about["name"]) for one in cohorts),
        "cohorts": [dict(one.about) for one in cohorts],
        "n_paired": len(strata),
        "mirnas_never_measured": int((~measured).sum()),
    }
    kept = mirna.loc[:, measured]
    return Cohort(
        pd.concat([one.mrna for one in cohorts]), kept[sorted(kept.columns)], strata, about
    )


def write_cohort(cohort: Cohort, folder: Path) -> None:
    """Write ``mrna.csv.gz``, ``mirna.csv.gz``, ``strata.csv`` and ``about.json``, whole."""
    packed = {"method": "gzip", "mtime": 0}
    with folder_written_whole(folder) as part:
        for name, table in (("mrna", cohort.mrna), ("mirna", cohort.mirna)):
            path = part / f"{name}.csv.gz"
            table.to_csv(path, float_format="%.5g", index_label="sample", compression=packed)
        cohort.strata.to_csv(part / "strata.csv", index_label="sample")
        about = json.dumps(dict(cohort.about), indent=1, sort_keys=True, ensure_ascii=False)
        (part / "about.json").write_text(about + "\n", encoding="utf-8")


def read_cohort(folder: Path) -> Cohort:
    """Read what :func:`write_cohort` wrote.

    Raises
    ------
    GoneError
        When a file is missing.
    """
    names = ("mrna.csv.gz", "mirna.csv.gz", "strata.csv", "about.json")
    absent = [name for name in names if not (folder / name).is_file()]
    if absent:
        msg = f"{folder}: {absent[0]} is missing; write the folder with pair-bulk"
        raise GoneError(msg)
    mrna, mirna = (pd.read_csv(folder / name, index_col="sample") for name in names[:2])
    strata = pd.read_csv(folder / names[2], index_col="sample", dtype=str)
    return Cohort(mrna, mirna, strata, json.loads((folder / names[3]).read_text(encoding="utf-8")))
