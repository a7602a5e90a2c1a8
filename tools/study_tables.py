#!/usr/bin/env python3
"""Write figures and tables of the study into docs/models.md and docs/figures.

    tools/study_tables.py build/study

A table lies between ``<!-- study NAME -->`` and ``<!-- end -->``. What was not run is left as it
is, and said.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "bin/sicmir_atlas/data/models"

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    study = Path(sys.argv[1])
    page = ROOT / "docs/models.md"
    text = page.read_text(encoding="utf-8")
    for name, make in TABLES.items():
        try:
            table = make(study)
        except FileNotFoundError as missing:
            print(f"{name}: left as it is, for {missing.filename} is not there")
            continue
        start, end = f"<!-- study {name} -->\n", "<!-- end -->"
        pattern = re.compile(f"{start}.*?{end}", re.DOTALL)
        text, n_places = pattern.subn(lambda _, made=f"{start}{table}\n{end}": made, text)
        if n_places != 1:
            sys.exit(f"docs/models.md has {n_places} places for {name}")
    page.write_text(text, encoding="utf-8")
    figures = ROOT / "docs/figures"
    figures.mkdir(exist_ok=True)
    for target, source in FIGURES.items():
        if (study / source).exists():
            shutil.copyfile(study / source, figures / f"{target}.svg")
        else:
            print(f"{target}.svg: left as it is, for {study / source} is not there")


def shipped(_: Path) -> str:
    rows = []
    for folder in sorted(MODELS.iterdir()):
        card = json.loads((folder / "model.json").read_text())
        figures = card["metrics"].get("cross_validation", card["metrics"])
        kinds = [member["kind"] for member in card["architecture"]["members"]]
        rows.append(
            {
                "model": f"`{folder.name}`",
                "members": " + ".join(kinds),
                "parameters": f"{card['architecture']['n_parameters']:,}",
                "within cohorts": f"{figures['pcc_within_cohort']:.3f}",
                "cohort left out": f"{figures['pcc_left_out_cohort']:.3f}",
                "pooled": f"{figures['pcc_pooled']:.3f}",
            }
        )
    return markdown(rows)


def models(study: Path) -> str:
    groups = [study / "ridges", *sorted((study / "networks").glob("*")), study / "soft_targets"]
    parts = []
    for group in groups:
        table = pd.read_csv(group / "models.csv")
        table["learner"] = table["learner"].str.replace(
            "+ extra", f"+ {'released outputs' if group.name == 'soft_targets' else 'arrays'}"
        )
        parts.append(table)
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


def curve(study: Path) -> str:
    found = json.loads((study / "learning_curve/learning_curve.json").read_text())
    ceiling = found["noise_ceiling"]
    gains = ", ".join(f"{v:+.3f} (`{k}`)" for k, v in found["gain_of_the_last_doubling"].items())
    return (
        f"Twice as many samples gave {gains}. A perfect model would reach about "
        f"{ceiling['pcc_within_cohort']:.2f}, estimated from {ceiling['n_pairs']} pairs of arms."
    )


def calibration(study: Path) -> str:
    found = json.loads((study / "calibration/calibration.json").read_text())
    least, most = found["rmse_of_least_and_most_spread"]
    return (
        f"Spearman's correlation with the absolute error is {found['spearman_sd_error']:.2f} over "
        f"all predictions of unseen samples, and {found['spearman_sd_error_within_mirna']:.2f} "
        f"among the samples of one miRNA. The error of the tenth with the least spread is "
        f"{least:.2f} z units, of that with the most {most:.2f}; the mean spread is "
        f"{found['sd_over_rmse']:.2f} of the error."
    )


STRESSES = {
    ("nothing", ""): ("masking", "level", (0,)),
    ("genes masked at random", " %"): ("masking", "level", (50, 80, 90)),
    ("genes removed, least important first", " %"): ("removal_low_to_high", "level", (50, 80, 95)),
    ("genes removed, most important first", " %"): ("removal_high_to_low", "level", (50, 80, 95)),
    ("values lost at random", " %"): ("uniform", "level", (10, 20, 40, 80)),
    ("values lost by expression", " %"): ("poisson", "level", (50, 80, 90, 95)),
    ("molecules left", ""): ("depth", "depth", (20000, 2000, 200)),
}


def stress(study: Path) -> str:
    rows = []
    tables = {folder.name: pd.read_csv(folder / "stress/stress.csv") for folder in _judged(study)}
    for (said, unit), (test, column, levels) in STRESSES.items():
        for level in levels:
            row = {"input": f"{said}: {level}{unit}" if level else said}
            for name, table in tables.items():
                runs = table[(table["test"] == test) & (table[column] == level)]
                if test == "poisson":
                    runs = runs[runs["gamma"] == 0.5]
                pcc, within = runs[["pcc", "pcc_within"]].mean()
                row[f"`{name}`"] = f"{pcc:.2f} ({within:.2f}), {runs['state'].mode()[0]}"
            rows.append(row)
    return markdown(rows)


def mirscape(study: Path) -> str:
    rows = []
    for folder in _judged(study):
        found = json.loads((folder / "stress/stress.json").read_text())["intact"]
        rows.append(
            {
                "model": f"`{folder.name}`",
                "within cohorts": f"{found['pcc_within']:.3f}",
                "pooled": f"{found['pcc']:.3f}",
            }
        )
    for folder in sorted((study / "mirscape").iterdir(), key=lambda folder: int(folder.name)):
        found = json.loads((folder / "mirscape.json").read_text())
        rows.append(
            {
                "model": f"miRSCAPE, {folder.name} genes",
                "within cohorts": f"{found['pearson_within_cohort']:.3f}",
                "pooled": f"{found['pearson']:.3f}",
            }
        )
    return markdown(rows)


def agreement(study: Path) -> str:
    rows = []
    for folder in sorted((study / "agreement").iterdir()):
        found = json.loads((folder / "agreement.json").read_text())
        rows.append(
            {
                "model": f"`{folder.name}`",
                "per miRNA": f"{found['pcc_per_mirna']:.3f}",
                "most reliable quarter": f"{found['pcc_per_mirna_most_reliable_quarter']:.3f}",
                "per row": f"{found['pcc_per_row']:.3f}",
                "all entries": f"{found['pcc_flat']:.3f}",
            }
        )
    return markdown(rows)


def markers(study: Path) -> str:
    found = json.loads((study / "markers/markers.json").read_text())
    n_all, n_hubs = found["n_directions"], found["n_hub_directions"]
    rows = []
    for name, whose in found["sensitivity"].items():
        for kind, n in (("all", n_all), ("hubs", n_hubs)):
            shares = {f"≥ {cut}": f"{share:.2f}" for cut, share in whose[kind].items()}
            rows.append({"input": name, "miRNAs": f"{kind} ({n})", **shares})
    return markdown(rows)


def _judged(study: Path) -> list[Path]:
    return [study / name for name in ("atlas-tcga661-held-out", "sicmir-tcga414-v2")]


def _interval(row: dict[str, Any], name: str) -> str:
    return f"{row[name]:.3f} ({row[f'{name}_low']:.3f}–{row[f'{name}_high']:.3f})"


def _gain(row: dict[str, Any], name: str) -> str:
    low, mean, high = (100 * row[f"{name}_gain{end}"] for end in ("_low", "", "_high"))
    return "" if mean == 0 else f"{mean:+.1f} % ({low:+.1f} to {high:+.1f})"


def markdown(rows: list[dict[str, str]]) -> str:
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(row[name] for name in names) + " |" for row in rows]
    return "\n".join(lines)


TABLES: dict[str, Callable[[Path], str]] = {
    "shipped": shipped,
    "models": models,
    "curve": curve,
    "calibration": calibration,
    "stress": stress,
    "mirscape": mirscape,
    "markers": markers,
    "agreement": agreement,
}
FIGURES = {
    "learning_curve": "learning_curve/learning_curve.svg",
    "calibration": "calibration/calibration.svg",
    "models": "ridges/models.svg",
    "features": "features/features.svg",
    "cancers": "cancers/cancers.svg",
    "percell": "percell/percell.svg",
    "markers": "markers/markers.svg",
    "stress": "atlas-tcga661-held-out/stress/stress.svg",
    "hubs": "atlas-tcga661-held-out/hubs/hubs.svg",
    "modules": "atlas-tcga661-held-out/modules/modules.svg",
    "attributions": "atlas-tcga661-held-out/attributions/attributions.svg",
}

if __name__ == "__main__":
    main()
