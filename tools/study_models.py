"""What the page says of models and learners: cards, folds, cohorts, what more data would give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from study_results import markdown

if TYPE_CHECKING:
    from study_results import Study

__all__ = ["calibration", "cohorts", "curve", "models", "paper", "shipped"]


def shipped(study: Study) -> str:
    rows = []
    for name, card in study.cards().items():
        figures = by_folds(card)
        rows.append(
            {
                "model": f"`{name}`",
                "members": " + ".join(m["kind"] for m in card["architecture"]["members"]),
                "parameters": f"{card['architecture']['n_parameters']:,}",
                "within cohorts": f"{figures['pcc_within_cohort']:.3f}",
                "cohort left out": f"{figures['pcc_left_out_cohort']:.3f}",
                "pooled": f"{figures['pcc_pooled']:.3f}",
            }
        )
    return markdown(rows)


def by_folds(card: dict[str, Any]) -> dict[str, Any]:
    """Figures by folds: all that a card has of a model that was trained on every sample."""
    return dict(card["metrics"].get("cross_validation", card["metrics"]))


def cohorts(study: Study) -> str:
    """A row per cohort, and the means over cohorts whose truth is measured, or estimated."""
    compared = study.summary("ridges/models")
    baseline = compared["baseline"]
    each = compared["within_cohort_each"][baseline]
    columns = {
        f"`{baseline}`": pd.Series(each["folds"]),
        f"`{baseline}`, left out": pd.Series(each["cohorts_left_out"]),
    }
    for name, card in study.cards().items():
        figures = by_folds(card)
        columns[f"`{name}`"] = pd.Series(figures["pcc_within_cohort_each"])
        columns[f"`{name}`, left out"] = pd.Series(figures["pcc_left_out_cohort_each"])
    table = pd.DataFrame(columns)
    samples = pd.read_csv(study.samples)
    known = pd.read_csv(study.measured, index_col=0, usecols=[0]).index
    share = samples["sample"].isin(known).groupby(samples["cohort"]).mean().reindex(table.index)
    kinds = share.map({1.0: "measured", 0.0: "from stem-loops"}).fillna("both")
    sizes = samples.groupby(["cohort", "type"]).size().unstack(fill_value=0).astype(int)
    n_normal = sizes["normal"].map(lambda n: f" + {n} normal" if n else "")
    counts = sizes["tumor"].astype(str) + n_normal
    rows = [
        {"cohort": name, "samples": counts[name], "truth": kinds[name]} | _correlations(figures)
        for name, figures in table.iterrows()
    ]
    rows += [
        {"cohort": f"**mean of {len(part)}**", "samples": "", "truth": kind} | _correlations(means)
        for kind, part in table.groupby(kinds)
        for means in [part.mean()]
    ]
    return markdown(rows)


def _correlations(figures: pd.Series) -> dict[str, str]:
    return {str(name): f"{value:.3f}" for name, value in figures.items()}


def paper(study: Study) -> str:
    """What the card says of the paper's network."""
    name = study.judged()[-1]
    card = study.cards()[name]
    training = card["training"]
    recipe = training["recipe"]
    widths = [len(card["landmarks"]), recipe["hidden"], recipe["hidden"], len(card["mirnas"])]
    return (
        f"{' → '.join(map(str, widths))}, batch norm, ReLU, dropout {recipe['dropout']}; "
        f"{card['architecture']['n_parameters']:,} parameters; {training['n_train']} training, "
        f"{training['n_validation']} validation, {training['n_test']} test samples (`split.tsv`); "
        f"{recipe['optimiser'].upper()}, learning rate {recipe['learning_rate']}, batch "
        f"{recipe['batch_size']}, early stop after {recipe['patience']} epochs without gain "
        f"(the best of {training['n_epochs']} was number {training['best']['number']}), seed "
        f"{training['seed']}."
    )


def models(study: Study) -> str:
    parts = []
    for place in study.places("models"):
        extra = "released outputs" if place.startswith("soft_targets") else "arrays"
        table = study.table(place)
        parts.append(table.assign(learner=table["learner"].str.replace("+ extra", f"+ {extra}")))
    table = pd.concat(parts).drop_duplicates("learner").sort_values("folds", ascending=False)
    rows = [
        {
            "learner": row["learner"],
            "within cohorts": _interval(row, "folds"),
            "gain": _gain(row, "folds"),
            "cohort left out": _interval(row, "cohorts_left_out"),
            "gain ": _gain(row, "cohorts_left_out"),
            "pooled": f"{row['pooled']:.3f}",
            "s": f"{row['seconds']:.0f}",
        }
        for row in table.to_dict("records")
    ]
    return markdown(rows)


def _interval(row: dict[str, Any], name: str) -> str:
    return f"{row[name]:.3f} ({row[f'{name}_low']:.3f}–{row[f'{name}_high']:.3f})"


def _gain(row: dict[str, Any], name: str) -> str:
    low, mean, high = (100 * row[f"{name}_gain{end}"] for end in ("_low", "", "_high"))
    return "" if mean == 0 else f"{mean:+.1f} % ({low:+.1f} to {high:+.1f})"


def curve(study: Study) -> str:
    found = study.summary("learning_curve/learning_curve")
    ceiling = found["noise_ceiling"]
    gains = ", ".join(f"{v:+.3f} (`{k}`)" for k, v in found["gain_of_the_last_doubling"].items())
    return (
        f"Twice as many samples gave {gains}. A perfect model would reach about "
        f"{ceiling['pcc_within_cohort']:.2f}, estimated from {ceiling['n_pairs']} pairs of arms."
    )


def calibration(study: Study) -> str:
    found = study.summary("calibration/calibration")
    least, most = found["rmse_of_least_and_most_spread"]
    return (
        f"Spearman's correlation with the absolute error is {found['spearman_sd_error']:.2f} over "
        f"all predictions of unseen samples, and {found['spearman_sd_error_within_mirna']:.2f} "
        f"among the samples of one miRNA. The error of the tenth with the least spread is "
        f"{least:.2f} z units, of that with the most {most:.2f}; the mean spread is "
        f"{found['sd_over_rmse']:.2f} of the error."
    )
