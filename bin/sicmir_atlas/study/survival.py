"""Survival against one miRNA at a time: Cox regression, Efron's ties (spec, section 11)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError, MissingExtraError
from sicmir_atlas.model.matrices import read_csv
from sicmir_atlas.model.sample_names import sample_name
from sicmir_atlas.study.result import StudyResult, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["cox", "read_clinical", "read_profiles", "survival"]

# lifelines stops at 1e-7 of the step, which leaves four digits of the coefficient
_PRECISE = {"precision": 1e-12, "r_precision": 1e-14}
_FIGURES = ["beta", "se", "hr", "hr_low", "hr_high", "p"]


def read_profiles(path: Path, mirnas: Sequence[str] = ()) -> pd.DataFrame:
    """Read samples × miRNAs, measured or predicted; only ``mirnas`` where some are named.

    Raises
    ------
    InputError
        When the table cannot be read, a sample occurs twice, a value is text or infinite, or a
        named miRNA is missing.
    """
    frame = read_csv(path, index_col=0)
    frame.index = pd.Index([sample_name(str(name)) for name in frame.index])
    frame.columns = pd.Index([str(name).strip() for name in frame.columns])
    missing = [name for name in mirnas if name not in frame.columns]
    if missing:
        msg = f"{path} has no column {missing[0]}; rows must be samples, columns miRNAs"
        raise InputError(msg)
    frame = frame[list(mirnas)] if mirnas else frame
    _refuse_twice(path, frame.index)
    for name in frame.columns:
        values = pd.to_numeric(frame[name], errors="coerce")
        wrong = np.isinf(values) | (values.isna() & frame[name].notna())
        if wrong.any():
            sample = wrong.index[wrong][0]
            msg = f"{path}: sample {sample}, column {name} is {frame[name][sample]}, not a number"
            raise InputError(msg)
    return frame.astype(np.float64)


def read_clinical(path: Path, *, time: str = "time", event: str = "event") -> pd.DataFrame:
    """Read column ``sample``, time at risk and event (1 happened, 0 censored), by sample.

    Samples without time or event are left out.

    Raises
    ------
    InputError
        When a column is missing, a sample occurs twice, a time is negative or no number, or an
        event is neither 0 nor 1.
    """
    table = read_csv(path, dtype=str).rename(columns=str.strip)
    absent = [name for name in ("sample", time, event) if name not in table.columns]
    if absent:
        msg = f"{path} has no column {absent[0]}; name the columns with --time and --event"
        raise InputError(msg)
    index = pd.Index([sample_name(str(name)) for name in table["sample"]])
    _refuse_twice(path, index)
    found = pd.DataFrame({"time": table[time], "event": table[event]}).set_axis(index).dropna()
    numbers = found.apply(pd.to_numeric, errors="coerce")
    for name, wrong, remedy in (
        (time, ~(numbers["time"].between(0, np.inf, inclusive="left")), "a time from 0 on"),
        (event, ~numbers["event"].isin([0, 1]), "1 (happened) or 0 (censored)"),
    ):
        if wrong.any():
            sample = wrong.index[wrong][0]
            value = found.loc[sample, "time" if name == time else "event"]
            msg = f"{path}: sample {sample}, column {name} is {value!r}; it must be {remedy}"
            raise InputError(msg)
    return numbers


def cox(profiles: pd.DataFrame, clinical: pd.DataFrame) -> pd.DataFrame:
    """Fit one Cox model for each miRNA, per unit of it.

    A miRNA that cannot be fitted has a reason and no figures, and stops no other.

    Parameters
    ----------
    profiles
        Samples × miRNAs; a missing value leaves the sample out for that miRNA.
    clinical
        By sample: ``time``, ``event``.

    Returns
    -------
    ``mirna``, ``n``, ``n_events``, ``beta``, ``se``, ``hr`` with its 95 % interval ``hr_low`` and
    ``hr_high``, Wald's ``p``, ``q`` (Benjamini–Hochberg over those fitted), ``reason``; most
    significant first.

    Raises
    ------
    InputError
        When the tables share fewer than three samples, or no event happened in those shared.
    MissingExtraError
        When lifelines is not installed.
    """
    from scipy.stats import false_discovery_control

    shared = profiles.index[profiles.index.isin(clinical.index)]
    at_risk = clinical.loc[shared]
    if len(shared) < 3 or not at_risk["event"].any():
        msg = f"{len(shared)} samples have both a profile and a follow-up, with "
        msg += f"{int(at_risk['event'].sum())} events; Cox regression needs three samples and an "
        msg += "event: are samples named alike in both tables?"
        raise InputError(msg)
    rows = [_fit(str(name), profiles.loc[shared, name], at_risk) for name in profiles.columns]
    table = pd.DataFrame(rows, columns=["mirna", "n", "n_events", *_FIGURES, "q", "reason"])
    table = table.astype(dict.fromkeys([*_FIGURES, "q"], np.float64))
    fitted = table["p"].notna()
    table.loc[fitted, "q"] = false_discovery_control(table.loc[fitted, "p"])
    return table.sort_values("p", kind="stable", ignore_index=True)


def survival(table: pd.DataFrame, *, top: int = 20) -> StudyResult:
    """Summarise the table of :func:`cox`, with a forest plot of the ``top`` most significant."""
    fitted = table[table["reason"].isna()]
    significant = fitted[fitted["q"] < 0.05]
    summary = {
        "n_samples": int(table["n"].max()),
        "n_events": int(table["n_events"].max()),
        "n_mirnas": len(table),
        "n_fitted": len(fitted),
        "not_fitted": table.loc[table["reason"].notna(), "reason"].value_counts().to_dict(),
        "n_p_below_0.05": int((fitted["p"] < 0.05).sum()),
        "n_q_below_0.05": len(significant),
        "n_q_below_0.05_hr_above_1": int((significant["hr"] > 1).sum()),
    }
    return StudyResult("survival", table, summary, _forest(fitted.head(top)))


def _fit(name: str, values: pd.Series[float], clinical: pd.DataFrame) -> dict[str, Any]:
    known = values.notna()
    data = clinical[known].assign(x=values[known])
    row = {"mirna": name, "n": len(data), "n_events": int(data["event"].sum())}
    if data.empty:
        return {**row, "reason": "no value"}
    if row["n_events"] == 0:
        return {**row, "reason": "no event"}
    if data["x"].nunique() < 2:
        return {**row, "reason": "constant"}
    try:
        from lifelines import CoxPHFitter
        from lifelines.exceptions import ConvergenceError, ConvergenceWarning
    except ImportError as error:
        msg = "survival needs lifelines: pip install 'sicmir-atlas[study]'"
        raise MissingExtraError(msg) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            found = CoxPHFitter().fit(data, "time", "event", fit_options=_PRECISE).summary.loc["x"]
        except (ConvergenceError, ConvergenceWarning):
            return {**row, "reason": "no convergence"}
    return {
        **row,
        "beta": found["coef"],
        "se": found["se(coef)"],
        "hr": found["exp(coef)"],
        "hr_low": found["exp(coef) lower 95%"],
        "hr_high": found["exp(coef) upper 95%"],
        "p": found["p"],
        "reason": None,
    }


def _forest(table: pd.DataFrame) -> Any:
    from matplotlib.ticker import LogLocator, NullFormatter

    figure, ax = new_figure(height=0.6 + 0.22 * max(len(table), 3))
    places = np.arange(len(table))[::-1]
    hr = table["hr"].to_numpy()
    reach = np.abs(table[["hr_low", "hr_high"]].to_numpy() - hr[:, None]).T
    ax.errorbar(hr, places, xerr=reach, fmt="s", markersize=4, linewidth=1, color="#0072B2")
    ax.axvline(1, color="#999999", linewidth=0.8, zorder=0)
    ax.set_xscale("log")
    narrow = table["hr_high"].max() < 10 * table["hr_low"].min()
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7) if narrow else (1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_yticks(places, table["mirna"], fontsize=8)
    ax.set_xlabel("hazard ratio per unit, with 95 % interval")
    return figure


def _refuse_twice(path: Path, samples: pd.Index[str]) -> None:
    if not samples.is_unique:
        msg = f"{path}: sample {samples[samples.duplicated()][0]} occurs twice"
        raise InputError(msg)
