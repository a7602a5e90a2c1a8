"""Open the files of one dataset, whatever their format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, get_args

from sicmir_atlas.errors import GoneError, InputError
from sicmir_atlas.readers.metadata import join_metadata, read_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sicmir_atlas.readers.base import CountMatrix

__all__ = ["Format", "open_counts"]

Format = Literal["auto", "h5ad", "mtx", "csv"]

_KNOWN = (
    "h5ad (one .h5ad), mtx (matrix.mtx, features.tsv or genes.tsv, barcodes.tsv), "
    "csv (one gene × cell .csv, .tsv or .txt); text may be .gz, and a cell-metadata table may "
    "stand beside mtx and csv"
)
_ROLES = {
    "h5ad": re.compile(r"\.h5ad$"),
    "matrix": re.compile(r"\.mtx(\.gz)?$"),
    "features": re.compile(r"(features|genes)\.tsv(\.gz)?$"),
    "barcodes": re.compile(r"barcodes\.tsv(\.gz)?$"),
    "table": re.compile(r"\.(csv|tsv|txt)(\.gz)?$"),
}
_METADATA = re.compile(r"metadata|meta|annotation|obs|cells")
_COUNTS = re.compile(r"counts|matrix|expression|umi|dge")


def open_counts(
    files: Sequence[Path],
    *,
    format: Format = "auto",  # noqa: A002  the samplesheet's own word
    layer: str | None = None,
    gene_symbols: str | None = None,
) -> CountMatrix:
    """Open the files of one dataset as a stream of row blocks.

    Files take their roles by name; a folder stands for the files in it.

    Parameters
    ----------
    files
        All files of the dataset.
    format
        ``auto`` decides by the names; another value must fit them.
    layer
        h5ad only: ``X``, ``raw.X`` or the name of a layer; without it ``raw.X`` if there, else
        ``X``.
    gene_symbols
        h5ad only: column of var that holds gene symbols.

    Raises
    ------
    GoneError
        If a file is not there.
    InputError
        If the files fit no format or several, or the content does not fit the request.
    CorruptError
        If a file is cut short or contradicts itself.
    """
    roles = _roles(files)
    found = _format(roles, format)
    if found != "h5ad" and (layer or gene_symbols):
        name = "counts_layer" if layer else "gene_symbols"
        msg = f"{_names(roles)}: {name} is for h5ad; leave it empty for {found}"
        raise InputError(msg)
    matrix: CountMatrix
    if found == "h5ad":
        from sicmir_atlas.readers.h5ad import H5adMatrix

        return H5adMatrix(roles["h5ad"][0], layer=layer, gene_symbols=gene_symbols)
    if found == "mtx":
        from sicmir_atlas.readers.mtx import MtxMatrix

        matrix = MtxMatrix(roles["matrix"][0], roles["features"][0], roles["barcodes"][0])
    else:
        from sicmir_atlas.readers.delimited import DelimitedMatrix

        matrix = DelimitedMatrix(roles["table"][0])
    try:
        for path in roles["metadata"]:
            matrix.cells = join_metadata(matrix.cells, read_metadata(path), path)
    except BaseException:
        matrix.close()
        raise
    return matrix


def _roles(files: Sequence[Path]) -> dict[str, list[Path]]:
    """Sort files by role; ``metadata`` is taken out of the tables."""
    paths: list[Path] = []
    for path in files:
        if not path.exists():
            msg = f"{path}: no such file"
            raise GoneError(msg)
        inside = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
        paths += [p for p in inside if not p.name.startswith(".") and p.name != "source.json"]
    roles: dict[str, list[Path]] = {role: [] for role in (*_ROLES, "metadata", "other")}
    for path in paths:
        name = path.name.lower()
        role = next((role for role, pattern in _ROLES.items() if pattern.search(name)), "other")
        roles[role].append(path)
    if not roles["matrix"]:  # then a table "counts_by_genes.tsv" is a table like others
        roles["table"] += roles.pop("features") + roles.pop("barcodes")
        roles |= {"features": [], "barcodes": []}
    tables = roles["table"]
    meta = [path for path in tables if _METADATA.search(path.name.lower())]
    if not roles["matrix"] and len(meta) == len(tables):  # a matrix of "T_cells_counts.csv"
        meta = [path for path in meta if not _COUNTS.search(path.name.lower())]
        if len(tables) == 1:
            meta = []
    roles["metadata"] = meta
    roles["table"] = [path for path in tables if path not in meta]
    return roles


def _format(roles: dict[str, list[Path]], wanted: Format) -> Literal["h5ad", "mtx", "csv"]:
    """Decide the one format that all files belong to."""
    if wanted not in get_args(Format):
        msg = f"format {wanted!r} is not known; known are {', '.join(get_args(Format))}"
        raise InputError(msg)
    count = {role: len(paths) for role, paths in roles.items()}
    triplet = {"matrix": 1, "features": 1, "barcodes": 1}
    table = {"table": 1}
    shapes: dict[Literal["h5ad", "mtx", "csv"], list[dict[str, int]]] = {
        "h5ad": [{"h5ad": 1}],
        "mtx": [triplet, triplet | {"metadata": 1}],
        "csv": [table, table | {"metadata": 1}],
    }
    present = {role: number for role, number in count.items() if number}
    for name, accepted in shapes.items():
        if present in accepted and wanted in {"auto", name}:
            return name
    asked = "one format" if wanted == "auto" else f"format {wanted}"
    msg = f"files do not make up {asked}: {_names(roles)}. Known: {_KNOWN}"
    raise InputError(msg)


def _names(roles: dict[str, list[Path]]) -> str:
    return ", ".join(sorted(path.name for paths in roles.values() for path in paths)) or "no file"
