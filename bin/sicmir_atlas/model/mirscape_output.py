"""Files of a trained miRSCAPE: the model itself, importance and agreement (its spec, section 5)."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.disk import written_whole
from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.model import metrics
from sicmir_atlas.model.mirscape import MirscapeModel, Settings, import_xgboost
from sicmir_atlas.model.mirscape_input import pool_clusters, standardise_samples

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sicmir_atlas.model.mirscape_input import ClusterPools, Scale

    Float64: TypeAlias = NDArray[np.float64]

__all__ = [
    "importance",
    "load_mirscape",
    "per_mirna",
    "predict_clusters",
    "predict_table",
    "save_mirscape",
]

_CARD = "mirscape.json"
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say


def save_mirscape(model: MirscapeModel, path: Path) -> None:
    """Write a zip of one UBJSON file a miRNA and a card; the same model gives the same bytes."""
    card = {
        "genes": model.genes,
        "mirnas": model.mirnas,
        "settings": asdict(model.settings),
        "trained": [booster is not None for booster in model.boosters],
    }
    with written_whole(path) as part, zipfile.ZipFile(part, "w") as archive:
        members = {_CARD: json.dumps(card).encode()}
        for number, booster in enumerate(model.boosters):
            if booster is not None:
                members[_member(number)] = bytes(booster.save_raw("ubj"))
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _NO_TIME)
            archive.writestr(info, content, zipfile.ZIP_DEFLATED, compresslevel=1)


def load_mirscape(path: Path) -> MirscapeModel:
    """Read what :func:`save_mirscape` wrote.

    Raises
    ------
    CorruptError
        When the file is no such zip.
    """
    xgboost = import_xgboost()
    try:
        with zipfile.ZipFile(path) as archive:
            card = json.loads(archive.read(_CARD))
            boosters: list[Any] = [None] * len(card["mirnas"])
            for number, trained in enumerate(card["trained"]):
                if trained:
                    booster = xgboost.Booster({"nthread": 1})
                    booster.load_model(bytearray(archive.read(_member(number))))
                    boosters[number] = booster
    except (zipfile.BadZipFile, KeyError, ValueError, xgboost.core.XGBoostError) as error:
        msg = f"{path} is no saved miRSCAPE model, or a damaged one; train it again ({error})"
        raise CorruptError(msg) from error
    return MirscapeModel(
        tuple(card["genes"]),
        tuple(card["mirnas"]),
        tuple(boosters),
        Settings(**card["settings"]),
        np.full(len(boosters), np.nan),
    )


def predict_table(model: MirscapeModel, mrna: pd.DataFrame, scale: Scale) -> pd.DataFrame:
    """Predict a table of samples × genes, whatever the order of its genes.

    Returns
    -------
    Samples × miRNAs, ln(1 + expression).

    Raises
    ------
    InputError
        When genes of the model are missing.
    """
    z = standardise_samples(_in_order(model, mrna), scale)
    return pd.DataFrame(model.predict(z), mrna.index, list(model.mirnas))


def predict_clusters(
    model: MirscapeModel,
    cells: pd.DataFrame,
    clusters: Sequence[str],
    *,
    method: ClusterPools = "sum_once",
    scaled: bool = False,
    seed: int = 0,
) -> pd.DataFrame:
    """Predict the clusters of single cells.

    Parameters
    ----------
    cells
        Cells × genes, ln(1 + normalised counts).
    scaled
        Cells are standardised already, so their pools are not.

    Returns
    -------
    miRNAs × clusters, the mean over a cluster's pools. Values are logarithms: the difference of
    two columns is the fold difference of two clusters.
    """
    groups, pools = pool_clusters(
        _in_order(model, cells).to_numpy(), clusters, method=method, seed=seed
    )
    z = pools if scaled else standardise_samples(pools, "ln")
    predicted = pd.DataFrame(model.predict(z), columns=list(model.mirnas), dtype=np.float64)
    return predicted.groupby(groups.to_numpy()).mean().rename_axis(columns="mirna").T


def importance(model: MirscapeModel) -> pd.DataFrame:
    """Share of every gene in a miRNA's total gain.

    Returns
    -------
    mirna, gene, gain; of each miRNA the genes that its trees use, largest first.
    """
    tables = []
    for mirna, booster in zip(model.mirnas, model.boosters, strict=True):
        gains = {} if booster is None else booster.get_score(importance_type="total_gain")
        genes = [model.genes[int(name[1:])] for name in gains]
        table = pd.DataFrame({"mirna": mirna, "gene": genes, "gain": list(gains.values())})
        table["gain"] /= max(table["gain"].sum(), np.finfo(float).tiny)
        tables.append(table.sort_values(["gain", "gene"], ascending=[False, True]))
    return pd.concat(tables, ignore_index=True)


def per_mirna(model: MirscapeModel, y: Float64, predicted: Float64) -> pd.DataFrame:
    """Agreement of predictions with truth, both samples × miRNAs of ln(1 + expression).

    Returns
    -------
    mirna, pearson, spearman, mse, seconds (of training); NaN where undefined.
    """
    missing = np.isnan(y) | np.isnan(predicted)
    truth = pd.DataFrame(np.where(missing, np.nan, y))
    guess = pd.DataFrame(np.where(missing, np.nan, predicted))
    return pd.DataFrame(
        {
            "mirna": model.mirnas,
            "pearson": metrics.pcc_per_mirna(truth, guess),
            "spearman": metrics.pcc_per_mirna(truth.rank(), guess.rank()),
            "mse": np.square(truth - guess).mean(),
            "seconds": model.seconds,
        }
    )


def _member(number: int) -> str:
    return f"{number:05d}.ubj"


def _in_order(model: MirscapeModel, table: pd.DataFrame) -> pd.DataFrame:
    missing = [gene for gene in model.genes if gene not in table.columns]
    if missing:
        msg = f"{len(missing)} of the model's {len(model.genes)} genes are missing, such as "
        msg += f"{missing[0]}; train on the genes that both tables have (common_genes)"
        raise InputError(msg)
    return table[list(model.genes)]
