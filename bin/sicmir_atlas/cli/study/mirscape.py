"""`sicmir-atlas study mirscape`: train and judge the baseline on a model's own split."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

from sicmir_atlas.cli._numbers import AtLeast2, Seed, Threads  # noqa: TC001  the command line reads them

__all__ = ["mirscape"]


def mirscape(
    mrna: Path,
    mirna: Path,
    /,
    *,
    model: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path | None = None,
    mrna_wide: Path | None = None,
    cohort: str | None = None,
    base_score: Literal["half", "mean"] = "half",
    tree_method: Literal["exact", "hist"] = "exact",
    max_bin: AtLeast2 = 256,
    cells: Path | None = None,
    by: str = "cell_type",
    pooling: Literal["sum_once", "bootstrap80_mean"] = "sum_once",
    seed: Seed = 0,
    jobs: Threads = 1,
) -> None:
    """Train miRSCAPE on a model's training samples and judge it on the samples held out.

    Writes mirscape.csv, mirscape.svg, mirscape.json, the model mirscape.zip, importance.csv (share
    of a gene in a miRNA's gain) and pred.csv (samples × miRNAs, ln(1 + expression)); with --cells
    also clusters.csv (miRNAs × clusters).

    Parameters
    ----------
    mrna
        Samples × landmark genes, log2(x + 1).
    mirna
        Samples × miRNAs, log2(x + 1). Empty cells are not trained on.
    model
        Model folder or the name of a shipped model, for its split.
    output
        Folder to write into.
    strata
        Table with columns sample and cohort.
    mrna_wide
        Parquet of the same samples × more genes to use instead; whole numbers are hundredths.
    cohort
        Train on this cohort alone, as the tool's authors did.
    base_score
        Prediction before the first tree: half is 0.5, as in the original.
    tree_method, max_bin
        exact tries every threshold; hist bins genes first.
    cells
        Raw UMI counts with clusters, h5ad, to predict as well; all is then trained on the landmark
        genes that they have.
    by
        Column of obs with the clusters of --cells.
    pooling
        sum_once adds up the cells of a cluster; bootstrap80_mean averages draws of 80 % of them.
    seed
        Seed of the trees and of the draws.
    jobs
        Regressors trained side by side.
    """
    from dataclasses import replace

    import pandas as pd

    from sicmir_atlas.disk import written_whole
    from sicmir_atlas.model.mirscape import Settings
    from sicmir_atlas.model.mirscape_input import common_genes
    from sicmir_atlas.model.mirscape_output import importance, predict_clusters, save_mirscape
    from sicmir_atlas.model.pairs import read_pairs
    from sicmir_atlas.names import landmarks
    from sicmir_atlas.study.cells import read_cells
    from sicmir_atlas.study.cohorts import of_cohort
    from sicmir_atlas.study.feature_sets import read_wide
    from sicmir_atlas.study.heldout import seen_and_held_out
    from sicmir_atlas.study.mirscape import judge_mirscape
    from sicmir_atlas.study.result import write_result
    from sicmir_atlas.study.timing import train_mirscape

    pairs = read_pairs(mrna, mirna, strata)
    if mrna_wide is not None:
        pairs = replace(pairs, mrna=read_wide(mrna_wide, pairs.mrna.index))
    clustered = None if cells is None else read_cells(cells, by)
    expressed = pd.DataFrame()
    if clustered is not None:
        expressed = pd.DataFrame(clustered.x, columns=list(landmarks()))
        genes, expressed = common_genes(pairs.mrna, expressed.loc[:, expressed.any()])
        pairs = replace(pairs, mrna=genes)
    seen, test = seen_and_held_out(model, pairs)
    train = of_cohort(seen, cohort)
    settings = Settings(
        base_score=0.5 if base_score == "half" else "mean", tree_method=tree_method, max_bin=max_bin
    )
    trained = train_mirscape(train, settings=settings, seed=seed, jobs=jobs)
    result, predicted = judge_mirscape(trained, test)
    about = {"n_train": len(train.mrna), "cohort": cohort, "tree_method": tree_method}
    about |= {"base_score": base_score, "max_bin": max_bin, "seed": seed}
    write_result(replace(result, summary={**about, **result.summary}), output)
    save_mirscape(trained, output / "mirscape.zip")
    with written_whole(output / "importance.csv") as part:
        importance(trained).to_csv(part, index=False, float_format="%.6g")
    with written_whole(output / "pred.csv") as part:
        predicted.to_csv(part, float_format="%.6g")
    if clustered is not None:
        labels = clustered.types.tolist()
        of_clusters = predict_clusters(trained, expressed, labels, method=pooling, seed=seed)
        with written_whole(output / "clusters.csv") as part:
            of_clusters.to_csv(part, float_format="%.6g")
