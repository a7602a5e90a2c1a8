"""`sicmir-atlas study markers`: whether predicted cell types differ as is known."""

from __future__ import annotations

import logging
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

from sicmir_atlas.cli._numbers import Seed  # noqa: TC001  the command line reads them

__all__ = ["markers"]

_log = logging.getLogger("sicmir_atlas")


def markers(
    input: Path,  # noqa: A002  the argument's name
    /,
    *,
    by: str,
    output: Annotated[Path, Parameter(alias="-o")],
    model: Path | None = None,
    directions: Path | None = None,
    term: list[str] | None = None,
    layer: str | None = None,
    gene_symbols: str | None = None,
    device: Literal["cpu", "cuda", "auto"] = "cpu",
    seed: Seed = 0,
) -> None:
    """Compare predicted miRNAs of cell types with directions that are known.

    Pools and single cells are predicted, and judged side by side. Writes markers.csv, markers.svg
    and markers.json.

    Parameters
    ----------
    input
        Raw UMI counts with cell types: h5ad.
    by
        Column of obs with the types: labels, or ids of the Cell Ontology.
    output
        Folder to write into.
    model
        Model folder or the name of a shipped model; the default model where none is given.
    directions
        Table with columns mirna, group, reference, direction (up or down) and source; groups are
        ids of the Cell Ontology, which include their descendants, or labels. Without it, a list
        for sorted blood cells.
    term
        Term of a label that the rules do not know, as 'CD34+=CL:0008001'.
    layer
        X, raw.X or the layer that holds the raw counts.
    gene_symbols
        Column of var that holds gene symbols.
    device
        Where the model runs; cuda and auto need the gpu extra.
    seed
        Seed of the pools' bootstrap draws.
    """
    from dataclasses import replace

    from sicmir_atlas.errors import InputError
    from sicmir_atlas.model.weights import load_model
    from sicmir_atlas.study.directions import read_directions, terms_of
    from sicmir_atlas.study.markers import markers as compare
    from sicmir_atlas.study.predicted_cells import predict_rows
    from sicmir_atlas.study.result import write_result
    from sicmir_atlas.trust import mirna_table

    given = dict(one.rpartition("=")[::2] for one in term or ())
    if not all(label and of.startswith("CL:") for label, of in given.items()):
        msg = f"--term {' --term '.join(term or ())}: give each as LABEL=CL:0000000"
        raise InputError(msg)
    expected = read_directions(directions)
    loaded = load_model(model)
    inputs = predict_rows(
        input,
        by,
        loaded,
        mirnas=set(expected["mirna"]),
        layer=layer,
        gene_symbols=gene_symbols,
        device=device,
        seed=seed,
    )
    terms = terms_of(sorted(set(inputs["percell"].labels)), given)
    known = mirna_table(loaded)
    hubs = set(known.loc[known["is_hub"].fillna(value=False), "mirna"])
    result = compare(inputs, expected, terms, hubs=hubs)
    for reason in result.summary["left_out"]:
        _log.warning("left out: %s", reason)
    about = {"model_id": loaded.model_id, "input": input.name, "by": by, "seed": seed}
    write_result(replace(result, summary={**about, **result.summary}), output)
