"""What a model's card says, arranged for a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sicmir_atlas.model.metrics import HUB_PCC, is_hub
from sicmir_atlas.model.weights import DEFAULT_MODEL, list_models, load_model
from sicmir_atlas.names import landmarks, mirnas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sicmir_atlas.model.weights import Model

__all__ = ["card_facts", "card_metrics", "card_reliability", "full_card", "shipped_table"]

_QUANTILES = {"lowest": 0, "10 %": 0.1, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "90 %": 0.9}
_POOLED, _WITHIN = "pcc_pooled", "pcc_within_cohort"


def shipped_table() -> pd.DataFrame:
    """List the shipped models: what each is, and its figures pooled and within cohorts."""
    rows = []
    for name in list_models():
        model = load_model(name)
        metrics = model.card.get("metrics", {})
        rows.append(
            {
                "model": name,
                "default": "yes" if name == DEFAULT_MODEL else "",
                "pcc_pooled": metrics.get(_POOLED),
                "pcc_within_cohort": metrics.get(_WITHIN),
                "licence": model.card.get("licence"),
                "title": model.card.get("title"),
            }
        )
    return pd.DataFrame(rows)


def full_card(model: Model) -> dict[str, Any]:
    """Give the card as ``model.json`` has it, members and panels included."""
    members = [{"kind": member.kind, **member.settings} for member in model.members]
    return {
        "model_id": model.model_id,
        **model.card,
        "architecture": {"members": members, "n_parameters": model.n_parameters},
        "landmarks": list(model.landmarks),
        "mirnas": list(model.mirnas),
    }


def card_facts(model: Model) -> list[tuple[str, str]]:
    """Give what is no figure, by name: what the model is, its data, how it came to be, limits."""
    card = model.card
    kinds = [_line({"": member.kind, **member.settings}) for member in model.members]
    facts = [
        ("model", model.model_id),
        ("title", _line(card.get("title"))),
        ("licence", _line(card.get("licence"))),
        *(("members", f"{kinds.count(kind)} × {kind}") for kind in dict.fromkeys(kinds)),
        ("parameters", f"{model.n_parameters:,}"),
        ("input", _panel("landmark genes", model.landmarks, landmarks())),
        ("output", _panel("mature miRNAs", model.mirnas, mirnas())),
    ]
    for key in ("training_data", "training", "imported"):
        said = card.get(key, {})
        name = key.replace("_", " ")
        parts = said if isinstance(said, dict) else {"": said}
        facts += [(f"{name}: {k.replace('_', ' ')}", _line(v)) for k, v in parts.items()]
    limits = card.get("limits", "unknown")
    listed = limits if isinstance(limits, list) else [limits]
    facts += [("limits", _line(one)) for one in listed]
    return facts


def card_metrics(model: Model) -> pd.DataFrame:
    """Give the metrics of the card: PCC pooled beside PCC within cohorts, then the others.

    Returns
    -------
    Columns metric, pooled, within_cohort; empty when the card has none.
    """
    metrics = dict(model.card.get("metrics", {}))
    each = metrics.pop(f"{_WITHIN}_each", {})
    rows: list[tuple[str, Any, Any]] = []
    if {_POOLED, _WITHIN} & metrics.keys():
        rows.append(("mean PCC per miRNA", metrics.pop(_POOLED, None), metrics.pop(_WITHIN, None)))
    rows += [(f"… in {cohort}", None, value) for cohort, value in each.items()]
    rows += [(k, v, None) for k, v in metrics.items() if isinstance(v, (int, float))]
    return pd.DataFrame(rows, columns=["metric", "pooled", "within_cohort"])


def card_reliability(model: Model) -> pd.DataFrame:
    """Give the distribution of reliability over miRNAs, pooled beside within cohorts.

    Returns
    -------
    Columns reliability, pooled, within_cohort; empty when the card has none.
    """
    sides = {
        "pooled": model.card.get("reliability"),
        "within_cohort": model.card.get("reliability_within_cohort"),
    }
    columns = {name: _distribution(values) for name, values in sides.items() if values}
    return (
        pd.DataFrame(columns).rename_axis("reliability").reset_index()
        if columns
        else pd.DataFrame()
    )


def _distribution(reliability: Mapping[str, float | None]) -> dict[str, float]:
    values = np.array([v for v in reliability.values() if v is not None], dtype=np.float64)
    if values.size == 0:
        return {"miRNAs judged": 0}
    return {
        **{name: float(np.quantile(values, q)) for name, q in _QUANTILES.items()},
        "highest": float(values.max()),
        "miRNAs judged": values.size,
        f"hubs (≥ {HUB_PCC:g})": int(is_hub(values).sum()),
    }


def _panel(what: str, names: tuple[str, ...], panel: tuple[str, ...]) -> str:
    return f"{len(names)} {what}, {'' if names == panel else 'not '}the published panel"


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_line(v)}".strip() for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return "; ".join(_line(v) for v in value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return "unknown" if value is None else str(value)
