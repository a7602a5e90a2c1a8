"""A model on a cohort that it has not met, over all samples and within each part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from sicmir_atlas.model.crossval import MIN_COHORT
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.metrics import mean_defined, pcc_per_mirna
from sicmir_atlas.model.scaling import Scaling
from sicmir_atlas.study.predicted import predict_pairs
from sicmir_atlas.study.result import StudyResult, new_figure
from sicmir_atlas.trust import mirna_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sicmir_atlas.model.inference import Device
    from sicmir_atlas.model.pairs import Pairs
    from sicmir_atlas.model.weights import Model

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["WHOLE", "InputScale", "transfer"]

InputScale: TypeAlias = Literal["own", "train"]
"""Z-scores by mean and SD of the samples at hand, or by those of the model's training samples."""

WHOLE = "all samples"


def transfer(model: Model, pairs: Pairs, *, device: Device = "cpu") -> StudyResult:
    """Compare predictions with measured miRNAs over all samples, and within each cohort.

    Correlation over all samples is raised by differences between cohorts, or tissues, so both
    stand side by side (model spec, section 10). Only miRNAs that the model and the table both have
    are compared.

    Parameters
    ----------
    pairs
        Samples that the model has not met; log2(x + 1).

    Returns
    -------
    One row per scale and cohort, ``WHOLE`` for all samples: ``n_samples``; ``pcc`` and
    ``pcc_hub``, means over miRNAs, and ``n_undefined``, constant ones. Cohorts of fewer than
    10 samples are left out. ``pcc_hub`` is empty where the model's card tells no hubs.

    Raises
    ------
    InputError
        When no miRNA is shared, or more than half of the landmarks are missing.
    """
    judged = predict_pairs(model, pairs, device=device)
    predicted: dict[InputScale, Float64] = {"own": judged.predicted}
    if "x_mean" in model.scaling:  # an imported model may not know its own
        by_train = load_predictor(model, device=device).predict(_scaled_by_train(model, pairs.mrna))
        predicted["train"] = by_train[:, judged.columns].astype(np.float64)
    hub = mirna_table(model)["is_hub"].fillna(value=False).to_numpy(dtype=bool)[judged.columns]
    labels = judged.groups
    groups = {WHOLE: np.full(len(labels), fill_value=True)}
    if len(np.unique(labels)) > 1:
        members_of = {str(cohort): labels == cohort for cohort in np.unique(labels)}
        groups |= {c: rows for c, rows in members_of.items() if rows.sum() >= MIN_COHORT}

    rows = []
    for scale, values in predicted.items():
        for group, members in groups.items():
            pcc = pcc_per_mirna(judged.truth[members], values[members])
            mean, undefined = mean_defined(pcc)
            rows.append(
                {
                    "scale": scale,
                    "cohort": group,
                    "n_samples": int(members.sum()),
                    "pcc": mean,
                    "pcc_hub": mean_defined(pcc[hub])[0] if hub.any() else None,
                    "n_undefined": undefined,
                }
            )
    table = pd.DataFrame(rows)
    about = {
        "model_id": model.model_id,
        "n_samples": len(labels),
        "n_mirnas": len(judged.mirnas),
        "n_hubs": int(hub.sum()),
        "landmarks_missing": [g for g in model.landmarks if g not in pairs.mrna.columns],
    }
    summary = {**about, **{scale: _summary(rows_of) for scale, rows_of in table.groupby("scale")}}
    return StudyResult("transfer", table, summary, _figure(table))


def _scaled_by_train(model: Model, mrna: pd.DataFrame) -> Float64:
    """Z-scores by the training samples; a missing gene is at their mean."""
    mean = pd.Series(model.scaling["x_mean"], index=list(model.landmarks))
    values = mrna.reindex(columns=list(model.landmarks)).fillna(mean).to_numpy()
    scaling = Scaling(model.scaling["x_mean"], model.scaling["x_sd"])
    return scaling.apply(values, dtype=np.float64)


def _summary(rows: pd.DataFrame) -> dict[str, float | None]:
    whole = rows[rows["cohort"] == WHOLE].iloc[0]
    within = rows[rows["cohort"] != WHOLE]

    def figure(value: float | None) -> float | None:
        return None if value is None or pd.isna(value) else round(float(value), 4)

    return {
        "pcc": figure(whole["pcc"]),
        "pcc_hub": figure(whole["pcc_hub"]),
        "pcc_within": figure(within["pcc"].mean()),
        "pcc_hub_within": figure(within["pcc_hub"].mean()),
        "n_cohorts": len(within),
    }


def _figure(table: pd.DataFrame) -> Any:
    own = table[table["scale"] == "own"]
    within = own[own["cohort"] != WHOLE].sort_values("pcc")
    order = [*within["cohort"], WHOLE]
    figure, ax = new_figure(height=1.2 + 0.22 * max(len(order), 4))
    looks = {"own": ("o", "#0072B2"), "train": ("D", "#E69F00")}
    places = range(len(order))
    for scale, rows in table.groupby("scale"):
        marker, colour = looks[str(scale)]
        values, said = rows.set_index("cohort").loc[order], f"{scale} z-scores"
        ax.plot(values["pcc"], places, marker, color=colour, label=said, ms=5)
        if values["pcc_hub"].notna().any():
            open_dots = {"color": colour, "mfc": "none", "ms": 5}
            ax.plot(values["pcc_hub"], places, marker, label=f"{said}, hubs", **open_dots)
    counts = own.set_index("cohort")["n_samples"]
    ax.set_yticks(places, [f"{name} ({counts[name]})" for name in order])
    ax.set_xlabel("mean PCC over miRNAs")
    ax.axvline(0, color="0.8", lw=0.8, zorder=0)
    ax.margins(y=0.08)
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize="small")
    return figure
