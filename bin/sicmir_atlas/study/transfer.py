"""A model on a cohort that it has not met, over all samples and within each part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.crossval import MIN_COHORT
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.metrics import mean_defined, pcc_per_mirna
from sicmir_atlas.model.scaling import Scaling
from sicmir_atlas.study.hub_table import is_hub
from sicmir_atlas.study.predicted import model_input
from sicmir_atlas.study.result import StudyResult, new_figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sicmir_atlas.model.inference import Device
    from sicmir_atlas.model.pairs import Pairs
    from sicmir_atlas.model.weights import Model

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["WHOLE", "InputScale", "of_cohort", "transfer"]

InputScale: TypeAlias = Literal["own", "train"]
"""Z-scores by mean and SD of the samples at hand, or by those of the model's training samples."""

WHOLE = "all samples"


def of_cohort(pairs: Pairs, cohort: str | None) -> Pairs:
    """Keep the samples of one cohort; all of them when None.

    Raises
    ------
    InputError
        When there is no such cohort.
    """
    if cohort is None:
        return pairs
    kept = (pairs.cohorts == cohort).to_numpy()
    if not kept.any():
        known = sorted(pairs.cohorts.unique())
        msg = f"no sample is of cohort {cohort!r}; there are {', '.join(known[:8])}"
        raise InputError(msg + (" and others" if len(known) > 8 else ""))
    return pairs.among(kept)


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
    names = [name for name in model.mirnas if name in pairs.mirna.columns]
    if not names:
        msg = f"the table has none of the miRNAs of {model.model_id}, such as {model.mirnas[0]}; "
        msg += "its columns must be names of mature miRNAs"
        raise InputError(msg)
    place = [model.mirnas.index(name) for name in names]
    hub = _hubs(model)[place]
    truth = pairs.mirna[names].to_numpy(dtype=np.float64)
    labels = pairs.groups
    groups = {WHOLE: np.full(len(labels), fill_value=True)}
    if len(np.unique(labels)) > 1:
        members_of = {str(cohort): labels == cohort for cohort in np.unique(labels)}
        groups |= {c: rows for c, rows in members_of.items() if rows.sum() >= MIN_COHORT}

    predictor, rows = load_predictor(model, device=device), []
    for scale in _scales(model):
        predicted = predictor.predict(_input(model, pairs.mrna, scale))[:, place]
        for group, members in groups.items():
            pcc = pcc_per_mirna(truth[members], predicted[members])
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
        "n_mirnas": len(names),
        "n_hubs": int(hub.sum()),
        "landmarks_missing": [g for g in model.landmarks if g not in pairs.mrna.columns],
    }
    summary = {**about, **{scale: _summary(rows_of) for scale, rows_of in table.groupby("scale")}}
    return StudyResult("transfer", table, summary, _figure(table))


def _scales(model: Model) -> tuple[InputScale, ...]:
    """Give the scales that a model can be judged by; an imported one may not know its own."""
    scales: tuple[InputScale, ...] = get_args(InputScale)
    return scales if "x_mean" in model.scaling else scales[:1]


def _input(model: Model, mrna: pd.DataFrame, scale: InputScale) -> NDArray[Any]:
    if scale == "own":
        return model_input(model, mrna)
    mean = pd.Series(model.scaling["x_mean"], index=list(model.landmarks))
    values = mrna.reindex(columns=list(model.landmarks)).fillna(mean)  # a missing gene: z-score 0
    return Scaling(model.scaling["x_mean"], model.scaling["x_sd"]).apply(values.to_numpy())


def _hubs(model: Model) -> NDArray[np.bool_]:
    reliability = model.card.get("reliability", {})
    known = [reliability.get(name) for name in model.mirnas]
    return is_hub(np.array([np.nan if pcc is None else pcc for pcc in known], dtype=np.float64))


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
