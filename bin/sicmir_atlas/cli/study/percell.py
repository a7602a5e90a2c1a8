"""`sicmir-atlas study percell`: how sparse cells are best predicted one by one."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

from sicmir_atlas.cli._numbers import Seed  # noqa: TC001  the command line reads them

__all__ = ["percell"]


def percell(
    *inputs: Path,
    by: list[str],
    output: Annotated[Path, Parameter(alias="-o")],
    model: Path | None = None,
    layer: str | None = None,
    gene_symbols: str | None = None,
    device: Literal["cpu", "cuda", "auto"] = "cpu",
    seed: Seed = 0,
) -> None:
    """Choose whether to clip cells' z-scores and how many landmarks to ask of a cell.

    What agrees best with the pools of the cells' types is chosen. Writes percell.csv, percell.svg
    and percell.json.

    Parameters
    ----------
    inputs
        Raw UMI counts with cell types: h5ad.
    by
        Column of obs with the types; one for all inputs, or one for each, in their order.
    output
        Folder to write into.
    model
        Model folder or the name of a shipped model; the default model where none is given.
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

    from sicmir_atlas.cli._progress import rows_written
    from sicmir_atlas.errors import InputError
    from sicmir_atlas.model.inference import load_predictor
    from sicmir_atlas.model.weights import load_model
    from sicmir_atlas.study.cells import read_cells
    from sicmir_atlas.study.percell import CLIPS, MINIMA
    from sicmir_atlas.study.percell import percell as compare
    from sicmir_atlas.study.result import write_result

    columns = by * len(inputs) if len(by) == 1 else by
    if not inputs or len(columns) != len(inputs):
        msg = f"{len(inputs)} inputs, {len(by)} columns: give --by once, or once for each input"
        raise InputError(msg)
    loaded = load_model(model)
    datasets = [
        read_cells(path, column, layer=layer, gene_symbols=gene_symbols)
        for path, column in zip(inputs, columns, strict=True)
    ]
    with rows_written(len(inputs) * len(CLIPS) * len(MINIMA)) as progress:
        predict = load_predictor(loaded, device=device).predict
        result = compare(datasets, predict, seed=seed, progress=progress)
    about = {"model_id": loaded.model_id}
    write_result(replace(result, summary={**about, **result.summary}), output)
