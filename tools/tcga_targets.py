#!/usr/bin/env python3
"""Build miRNA training targets for TCGA samples, and say which are estimates.

414 samples were measured by RNA-seq, another 247 by array.

Mature miRNAs were measured in 112 samples. Elsewhere the stem-loop (precursor) stands in for its
arms: the linear RPM of all loops of a mature miRNA (hsa-mir-9-1, -9-2, -9-3 for hsa-miR-9-5p) are
summed, then log2(x + 1). The measured values are moved to mean and SD of the stand-ins over the
samples that have both, so that one column has one scale. What has neither stays empty.

    tools/tcga_targets.py ../shared/data/bulk PANEL.txt build/weights

writes ``mirna.csv.gz`` (RNA-seq samples × panel), ``array_mirna.csv.gz`` (the same of the array
samples, all estimates), ``sources.tsv`` (per miRNA: loops, number measured and estimated) and
``about.json`` (what the model card says of the data).
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bulk", type=Path, help="folder of the TCGA tables")
    parser.add_argument("panel", type=Path, help="miRNA panel: names in the first column")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()

    panel = read_panel(arguments.panel)
    loops = read_matrix(arguments.bulk / "tcga_rnaseq_stemloop_log2rpm.csv.gz")
    mature = read_matrix(arguments.bulk / "tcga_mature_log2rpm_TNBC67_CHOL45.csv.gz")
    targets, sources = build_targets(loops, mature, panel)

    array_loops = read_matrix(arguments.bulk / "tcga_array_stemloop_log2rpm.csv.gz")
    array_targets, _ = build_targets(array_loops, mature, panel)

    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, table in (("mirna", targets), ("array_mirna", array_targets)):
        table.to_csv(
            arguments.output / f"{name}.csv.gz",
            float_format="%.5f",
            compression={"method": "gzip", "mtime": 0},
        )
    sources.to_csv(arguments.output / "sources.tsv", sep="\t")
    about = json.dumps(describe(targets, mature, sources), indent=1)
    (arguments.output / "about.json").write_text(about + "\n")
    print(f"{arguments.output}: {targets.shape[0]} samples × {targets.shape[1]} miRNAs")


def read_matrix(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, index_col=0).rename(columns=str.strip, index=str.strip)


def read_panel(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    names = [re.split(r"[\t,]", line)[0].strip() for line in lines]
    return [name for name in names if name.startswith("hsa-")]


def loops_of(mirna: str, loops: pd.Index) -> list[str]:
    """Find the stem-loops of a mature miRNA: same stem, any copy number, old name without 'a'."""
    by_name = {loop.lower(): loop for loop in loops}
    stem = re.sub(r"-[35]p$", "", mirna).lower()
    # miRBase renamed mir-103 to mir-103a when mir-103b was found; the tables have the old names
    for name in (stem, re.sub(r"(?<=\d)a$", "", stem)):
        copies = re.compile(re.escape(name) + r"(-\d+)?")
        if found := [by_name[loop] for loop in by_name if copies.fullmatch(loop)]:
            return sorted(found)
    return []


def build_targets(
    loops: pd.DataFrame, mature: pd.DataFrame, panel: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give targets, samples × panel in log2(RPM + 1), and the source of every column."""
    linear = np.exp2(loops) - 1
    columns, sources = {}, []
    for mirna in panel:
        names = loops_of(mirna, loops.columns)
        estimate = pd.Series(np.nan, index=loops.index)
        if names:
            estimate = np.log2(linear[names].sum(axis=1) + 1)
        measured = mature[mirna].reindex(loops.index) if mirna in mature else estimate * np.nan
        known = measured.notna()
        columns[mirna] = match_moments(measured, estimate).where(known, estimate)
        n_estimated = int((~known & estimate.notna()).sum())
        sources.append((mirna, ",".join(names), int(known.sum()), n_estimated))
    header = ["mirna", "stem_loops", "n_measured", "n_estimated"]
    table = pd.DataFrame(sources, columns=header).set_index("mirna")
    return pd.DataFrame(columns, index=loops.index), table


def match_moments(values: pd.Series, reference: pd.Series) -> pd.Series:
    """Move ``values`` to mean and SD of ``reference`` over the samples that have both."""
    both = values.notna() & reference.notna()
    if not both.any():
        return values
    sd, wanted = values[both].std(ddof=0), reference[both].std(ddof=0)
    # equal values may differ by a rounding step
    scale = wanted / sd if min(sd, wanted) > 1e-9 else 1.0
    return (values - values[both].mean()) * scale + reference[both].mean()


def describe(
    targets: pd.DataFrame, mature: pd.DataFrame, sources: pd.DataFrame
) -> dict[str, object]:
    empty = sources.index[(sources["n_measured"] == 0) & (sources["n_estimated"] == 0)]
    return {
        "licence": "MIT",
        "training_data": {
            "cohorts": "TCGA open tier: UVM, ACC, TNBC (BRCA), UCS, DLBC, CHOL, STAD; RNA-seq",
            "mrna": "log2(RSEM normalised + 1), 977 landmark genes",
            "mirna": "log2(RPM + 1); measured mature miRNAs moment-matched to the stem-loop scale",
            "n_samples": len(targets),
            "n_samples_measured": len(targets.index.intersection(mature.index)),
            "n_samples_estimated": len(targets.index.difference(mature.index)),
            "n_mirnas_measured_only": int((sources["stem_loops"] == "").sum()) - len(empty),
            "n_mirnas_estimated_only": int(
                ((sources["n_measured"] == 0) & (sources["n_estimated"] > 0)).sum()
            ),
            "mirnas_without_data": list(empty),
        },
        "limits": [
            "not the published model, which was trained on 6,462 samples of 33 cancers",
            "in 302 samples stem-loops stand in for mature miRNAs, so both arms of one have the "
            "same target, and arms are hardly told apart",
            "trained on bulk tissue; on single cells unproven but by the checks in docs/models.md",
            "relative within the rows at hand; never compare values of two datasets",
        ],
    }


if __name__ == "__main__":
    main()
