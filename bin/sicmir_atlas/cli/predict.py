"""`sicmir-atlas predict`: one file in, its miRNAs out."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

__all__ = ["predict"]


def predict(
    input: Path,  # noqa: A002  the argument's name
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    sd: Path | None = None,
    mirnas: Path | None = None,
    by: str | None = None,
    mode: Literal["auto", "percell", "average", "bootstrap"] = "auto",
    bulk: bool = False,
    scaled: bool = False,
    layer: str | None = None,
    gene_symbols: str | None = None,
    balance: Literal["published", "balanced"] = "published",
    model: str | None = None,
    device: Literal["cpu", "cuda", "auto"] = "cpu",
    seed: int = 0,
) -> None:
    """Predict 1298 mature miRNAs for one file of any size.

    Single-cell input is raw UMI counts: an h5ad, a 10x folder (matrix.mtx, features, barcodes), or
    a gene × cell csv. Cells are taken as they are: filter poor ones before.

    Parameters
    ----------
    input
        File or folder.
    output
        .h5ad keeps an h5ad's content, or the pools' table, and adds obsm['mirna'], of an ensemble
        also obsm['mirna_sd'], and uns['sicmir']; .parquet, .csv and .csv.gz hold rows × 1298.
    sd
        Table to write the standard deviation over an ensemble's members to: .parquet, .csv or
        .csv.gz.
    mirnas
        Table to write how far each miRNA can be trusted to: .parquet, .csv or .csv.gz.
    by
        Column of obs to pool cells by.
    mode
        auto: with --by, bootstrap groups above 400 cells and average the others; else per cell.
    bulk
        Input is a log-scale bulk matrix, genes × samples or samples × genes.
    scaled
        Input is z-scored already.
    layer
        X, raw.X or the layer that holds the raw counts; raw.X where there is one, else X.
    gene_symbols
        Column of var that holds gene symbols.
    balance
        published: every row counts once in the z-scores. balanced: every group does.
    model
        Model folder or name of a shipped model.
    device
        Where the network runs; cuda and auto need the gpu extra.
    seed
        Seed of the bootstrap draws.
    """
    from sicmir_atlas.api import predicting
    from sicmir_atlas.cli._progress import rows_written
    from sicmir_atlas.errors import GoneError, InputError
    from sicmir_atlas.model.weights import load_model
    from sicmir_atlas.output import output_format, table_format, write_prediction

    is_h5ad = output_format(output) == "h5ad"
    tables = [path for path in (sd, mirnas) if path is not None]
    for path in tables:
        table_format(path)
    for path in (output, *tables):
        if not path.parent.is_dir():
            msg = f"{path.parent}: no such folder: make it, or write elsewhere"
            raise GoneError(msg)
    if len({output, *tables}) <= len(tables):
        msg = "-o, --sd and --mirnas name one file twice: each needs its own"
        raise InputError(msg)
    if bulk and scaled:
        msg = "--bulk and --scaled exclude each other: z-scores are taken as they are"
        raise InputError(msg)
    loaded = load_model(model)
    if sd is not None and len(loaded.members) == 1:
        msg = f"--sd: model {loaded.model_id} has one member, so there is no spread: leave it out"
        raise InputError(msg)
    with predicting(
        input,
        by=by,
        mode=mode,
        kind="scaled" if scaled else "bulk" if bulk else "counts",
        layer=layer,
        gene_symbols=gene_symbols,
        balance=balance,
        model=loaded,
        device=device,
        seed=seed,
        with_sd=is_h5ad or sd is not None,
    ) as prediction:
        with rows_written(len(prediction.rows)) as progress:
            write_prediction(
                prediction,
                output,
                source=input if input.suffix == ".h5ad" else None,
                sd=sd,
                mirnas=mirnas,
                progress=progress,
            )
        sys.stderr.write(f"{output}: {len(prediction.rows):,} rows × {len(prediction.mirnas)}\n")
