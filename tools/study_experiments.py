"""What the page says of experiments with trained models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from study_results import markdown

if TYPE_CHECKING:
    from study_results import Study

__all__ = [
    "agreement",
    "attributions",
    "cancers",
    "features",
    "hubs",
    "markers",
    "mirscape",
    "percell",
    "stress",
    "time",
]

STRESSES = {
    ("nothing", ""): ("masking", "level", (0,)),
    ("genes masked at random", " %"): ("masking", "level", (50, 80, 90)),
    ("genes removed, least important first", " %"): ("removal_low_to_high", "level", (50, 80, 95)),
    ("genes removed, most important first", " %"): ("removal_high_to_low", "level", (50, 80, 95)),
    ("values lost at random", " %"): ("uniform", "level", (10, 20, 40, 80)),
    ("values lost by expression", " %"): ("poisson", "level", (50, 80, 90, 95)),
    ("molecules left", ""): ("depth", "depth", (20000, 2000, 200)),
}


def stress(study: Study) -> str:
    rows = []
    tables = {name: study.table(f"{name}/stress/stress") for name in study.judged()}
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


def mirscape(study: Study) -> str:
    found = {}
    for name in study.judged():
        intact = study.summary(f"{name}/stress/stress")["intact"]
        found[f"`{name}`"] = (intact["pcc_within"], intact["pcc"])
    for place in study.places("mirscape"):
        judged = study.summary(place)
        how = "exact" if judged["tree_method"] == "exact" else f"{judged['max_bin']} bins"
        name = f"miRSCAPE, {judged['n_genes']:,} genes, {how}"
        found[name] = (judged["pearson_within_cohort"], judged["pearson"])
    rows = [
        {"model": name, "within cohorts": f"{within:.3f}", "pooled": f"{pooled:.3f}"}
        for name, (within, pooled) in found.items()
    ]
    return markdown(rows)


def time(study: Study) -> str:
    place = "inference_time/inference_time"
    about = study.summary(place)
    names = {
        "model": f"`{study.judged()[0]}`",
        "mirscape_saved": "miRSCAPE, saved",
        "mirscape_retrained": "miRSCAPE, trained anew",
    }
    rows = [
        {
            "seconds": names[row["method"]],
            **{step: f"{row[step]:.3g}" for step in ("load", "train", "predict", "total")},
            "times the model": f"{row['ratio']:,.1f}",
        }
        for row in study.table(place).to_dict("records")
    ]
    return (
        f"{markdown(rows)}\n\nFor {about['n_samples']} samples and {about['n_mirnas']:,} miRNAs, "
        f"on one thread; medians of {about['repeats']} runs, but one training."
    )


def features(study: Study) -> str:
    table = study.table("features/features")
    learner = study.summary("features/features")["learner"]
    known = table.set_index(["n_genes", "genes"])
    rows = []
    for n_genes in sorted(set(table["n_genes"])):
        row = {f"genes (`{learner}`)": f"{n_genes:,}"}
        for kind, said in (("landmarks", "landmarks"), ("variable", "of the 5,000 most variable")):
            row[said] = ""
            if (n_genes, kind) in known.index:
                found = known.loc[(n_genes, kind)]
                row[said] = f"{found['pcc_within_cohort']:.3f} ({found['pcc_pooled']:.3f})"
        rows.append(row)
    return markdown(rows)


def cancers(study: Study) -> str:
    table = study.table("cancers/cancers")
    about = study.summary("cancers/cancers")
    said = {
        "own": "own model",
        "pan_same_size": "as many samples of all cancers",
        "pan": "all samples",
        "pan_together": "all, z-scored together",
    }
    rows = []
    for cohort, part in table.groupby("cohort"):
        pcc = part.set_index("model")["pcc"]
        row = {f"cancer (`{about['learner']}`)": cohort, "samples": str(part["n_samples"].iloc[0])}
        rows.append(row | {name: f"{pcc[model]:.3f}" for model, name in said.items()})
    left_out = ", ".join(about["left_out"])
    return (
        f"{markdown(rows)}\n\nA cancer needs {about['min_train']} training samples here; "
        f"without them: {left_out}."
    )


def percell(study: Study) -> str:
    found = study.summary("percell/percell")
    chosen = found["chosen"]
    scores = sorted(found["scores"], key=lambda score: -score["score"])
    own = next(s["score"] for s in scores if {**s, **chosen} == s)
    next_best = next(s for s in scores if {**s, **chosen} != s)
    return (
        f"Chosen of {found['n_settings']} settings: {_setting(chosen)}. Cells and pools agree to "
        f"{own:.3f} (mean of the three measures below, over {len(found['datasets'])} datasets); "
        f"next, to {next_best['score']:.3f}: {_setting(next_best)}."
    )


def _setting(setting: dict[str, Any]) -> str:
    clip, least = setting["clip"], setting["min_landmarks"]
    cut = "not clipped" if clip is None else f"clipped at {clip:g}"
    left_out = f"cells with fewer than {least} landmarks are" if least else "no cell is"
    return f"z-scores are {cut} and {left_out} left out"


def markers(study: Study) -> str:
    found = study.summary("markers/markers")
    n_all, n_hubs = found["n_directions"], found["n_hub_directions"]
    rows = []
    for name, whose in found["sensitivity"].items():
        for kind, n in (("all", n_all), ("hubs", n_hubs)):
            shares = {f"≥ {cut}": f"{share:.2f}" for cut, share in whose[kind].items()}
            said = {"pooled": "pools", "percell": "cells"}.get(name, name)
            rows.append({"input": said, "miRNAs": f"{kind} ({n})", **shares})
    return markdown(rows)


def agreement(study: Study) -> str:
    rows = []
    for place in study.places("agreement"):
        found = study.summary(place)
        rows.append(
            {
                "model": f"`{place.split('/')[1]}`",
                "pools": str(found["n_rows"]),
                "per miRNA": f"{found['pcc_per_mirna']:.3f}",
                "most reliable quarter": f"{found['pcc_per_mirna_most_reliable_quarter']:.3f}",
                "per row": f"{found['pcc_per_row']:.3f}",
                "all entries": f"{found['pcc_flat']:.3f}",
            }
        )
    return markdown(rows)


def hubs(study: Study) -> str:
    rows = []
    for name in study.judged():
        found = study.summary(f"{name}/hubs/hubs")
        arms = found["arms"]
        elbow = "none" if found["elbow"] is None else f"{found['n_at_elbow']} (≥ {found['elbow']})"
        rows.append(
            {
                "model": f"`{name}`",
                f"hubs (≥ {found['threshold']:g})": str(found["n_hubs"]),
                "at the elbow": elbow,
                "pairs of arms": str(arms["n_pairs"]),
                "both hubs": str(arms["n_pairs_both_hubs"]),
                "one hub": str(arms["n_pairs_one_hub"]),
                "median difference of two arms": f"{arms['median_difference']:.3f}",
                "of any two miRNAs": f"{arms['median_difference_any_two']:.3f}",
            }
        )
    return markdown(rows)


def attributions(study: Study) -> str:
    rows = []
    for name in study.judged():
        found = study.summary(f"{name}/attributions/attributions")
        modules = study.summary(f"{name}/modules/modules")
        others = modules["n_modules_of_other_seeds"]
        rows.append(
            {
                "model": f"`{name}`",
                "first genes": ", ".join(found["top_genes"][:5]),
                "genes that hold half": str(found["n_genes_of_half_the_importance"]),
                "error of the sum": f"{100 * found['completeness']['relative_error']:.1f} %",
                "modules": f"{modules['n_modules']} ({others['min']}–{others['max']})",
                "modularity": f"{modules['modularity']:.2f}",
            }
        )
    return markdown(rows)
