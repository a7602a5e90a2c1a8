"""`sicmir-atlas study hubs`: which miRNAs a model predicts best."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from sicmir_atlas.cli._numbers import UpTo1  # noqa: TC001  the command line reads them

__all__ = ["hubs"]


def hubs(
    mrna: Path | None = None,
    mirna: Path | None = None,
    /,
    *,
    model: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    strata: Path | None = None,
    split: Literal["test", "all"] = "test",
    threshold: UpTo1 = 0.8,
    gff: Path | None = None,
    cluster_distance: Annotated[int, Parameter(validator=Number(gte=0))] = 10_000,
) -> None:
    """Find the hub miRNAs, the elbow of their number, and how arms, families and clusters agree.

    Without tables they are those of the model card: for a model that was trained on every sample
    and judged by cross-validation. Writes hubs.csv, hubs.svg and hubs.json. Families are likeness
    of names. Genomic clusters, for which --gff is needed, are stem-loops of one chromosome and
    strand, each close to the next, called after the first and the last (mir-17~92a-1). hubs.csv
    then has the columns cluster and n_in_cluster; one row is still one miRNA, so clusters are
    joined by ; where loci of several make it. clusters.csv lists each cluster with its place,
    hubs, mean PCC and how alike its miRNAs are; hubs.json compares pairs of one cluster with other
    pairs: difference of PCC and, of samples, correlation within groups, predicted and measured.

    Parameters
    ----------
    mrna
        Samples × landmark genes, log scale.
    mirna
        Samples × miRNAs, log scale. Empty cells are not compared.
    model
        Model folder or the name of a shipped model.
    output
        Folder to write into.
    strata
        Table with columns sample and cohort, for correlation within cohorts.
    split
        test: samples held out in training; all: every sample, for data the model has not met.
    threshold
        Least PCC of a hub, inclusive.
    gff
        miRBase's hsa.gff3, gzip or not: hubs.csv tells each miRNA's genomic cluster, clusters.csv
        each cluster's hubs and how alike its miRNAs are, beside other pairs in hubs.json.
    cluster_distance
        Most bases from one stem-loop to the next of its cluster, on one strand; 10,000 is
        miRBase's own.
    """
    from dataclasses import replace

    from sicmir_atlas.disk import written_whole
    from sicmir_atlas.errors import InputError
    from sicmir_atlas.model.metrics import pcc_per_mirna
    from sicmir_atlas.model.pairs import MIN_SAMPLES, read_pairs
    from sicmir_atlas.model.weights import load_model
    from sicmir_atlas.sources.bulk.hairpins import read_hairpins
    from sicmir_atlas.study.cluster_table import clustered
    from sicmir_atlas.study.heldout import seen_and_held_out
    from sicmir_atlas.study.hub_table import hub_table, hub_table_of_card
    from sicmir_atlas.study.hubs import hubs as find_hubs
    from sicmir_atlas.study.predicted import predict_pairs
    from sicmir_atlas.study.result import write_result

    hairpins = None if gff is None else read_hairpins(gff)
    loaded = load_model(model)
    judged = None
    about: dict[str, object] = {"model_id": loaded.model_id}
    if mrna is None:
        table = hub_table_of_card(loaded, threshold=threshold)
        about |= {"from": "model card", "judged_by": loaded.card.get("reliability_is")}
    elif mirna is None:
        msg = f"{mrna} is given without a table of miRNAs; give both, or none for the model card"
        raise InputError(msg)
    else:
        pairs = read_pairs(mrna, mirna, strata)
        seen, test = seen_and_held_out(model, pairs, split)
        judged = predict_pairs(loaded, test)
        pcc_train = None
        if len(seen.mrna) >= MIN_SAMPLES:
            trained_on = predict_pairs(loaded, seen)
            pcc_train = pcc_per_mirna(trained_on.truth, trained_on.predicted)
        table = hub_table(
            judged.mirnas,
            judged.truth,
            judged.predicted,
            judged.groups,
            pcc_train=pcc_train,
            threshold=threshold,
        )
        about |= {"from": f"samples, split {split}", "n_samples": len(judged.truth)}
    result = find_hubs(table, threshold=threshold)
    if hairpins is None:
        write_result(replace(result, summary={**about, **result.summary}), output)
        return
    found = clustered(table, hairpins, distance=cluster_distance, samples=judged)
    summary = {**about, **result.summary, "clusters": found.summary}
    write_result(replace(result, table=found.hubs, summary=summary), output)
    with written_whole(output / "clusters.csv") as part:
        found.clusters.to_csv(part, index=False, float_format="%.6g")
