"""Open the files of one dataset, whatever their format."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Literal

from sicmir_atlas import formats
from sicmir_atlas.errors import GoneError, InputError
from sicmir_atlas.readers.joint import JointMatrix, by_barcode_suffix
from sicmir_atlas.readers.metadata import join_metadata, read_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sicmir_atlas.readers.base import CountMatrix

__all__ = ["Format", "open_counts"]

Format = Literal["auto"] | formats.Format

_OTHER_FILES = 128  # those of imports and of logging


def open_counts(
    files: Sequence[Path],
    *,
    format: Format = "auto",  # noqa: A002  the samplesheet's own word
    layer: str | None = None,
    gene_symbols: str | None = None,
    samples: Mapping[str, Mapping[str, str]] | None = None,
) -> CountMatrix:
    """Open the files of one dataset as a stream of row blocks.

    Files take their roles by name; a folder stands for the files in it. Several libraries, such as
    one triplet for each sample, become one matrix whose cells say their ``sample_id``.

    Parameters
    ----------
    files
        All files of the dataset.
    format
        ``auto`` decides by the names; another value must fit them.
    layer
        h5ad: ``X``, ``raw.X`` or the name of a layer; without it ``raw.X`` if there, else ``X``.
        loom: the name of a layer.
    gene_symbols
        h5ad only: column of var that holds gene symbols.
    samples
        By sample: columns that all of its cells share. Cells find theirs by the GSM in the
        library's name, or, in one pooled library, by the barcodes' suffix.

    Raises
    ------
    GoneError
        If a file is not there.
    InputError
        If the files fit no format or several, or the content does not fit the request.
    CorruptError
        If a file is cut short or contradicts itself.
    """
    paths = _inside(files)
    libraries, metadata = formats.layout(list(paths), format)
    found = {library.format for library in libraries}
    for name, given, fitting in (
        ("counts_layer", layer, {"h5ad", "loom"}),
        ("gene_symbols", gene_symbols, {"h5ad"}),
    ):
        if given and not found <= fitting:
            others = " and ".join(sorted(found - fitting))
            msg = f"{', '.join(paths)}: {name} is for {' and '.join(sorted(fitting))}; "
            msg += f"leave it empty for {others}"
            raise InputError(msg)
    _let_open(2 * len(libraries))  # each holds its file and what it spills
    opened: list[CountMatrix] = []
    try:
        for library in libraries:
            of_library = [paths[name] for name in library.files]
            opened.append(_open_one(library.format, of_library, layer, gene_symbols))
        matrix = _joined(libraries, opened, samples or {})
        for name in metadata:
            matrix.cells = join_metadata(matrix.cells, read_metadata(paths[name]), paths[name])
    except BaseException:
        for one in opened:
            one.close()
        raise
    return matrix


def _inside(files: Sequence[Path]) -> dict[str, Path]:
    """Files by name; those of a folder by their path in it."""
    paths: dict[str, Path] = {}
    for path in files:
        if not path.exists():
            msg = f"{path}: no such file"
            raise GoneError(msg)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            paths |= {p.relative_to(path.parent).as_posix(): p for p in inside}
        else:
            paths[path.name if path.name not in paths else path.as_posix()] = path
    hidden = {name for name, path in paths.items() if path.name.startswith(".")}
    return {n: p for n, p in paths.items() if n not in hidden and p.name != "source.json"}


def _let_open(n_files: int) -> None:
    """Raise the number of files that this process may open, where that is asked and allowed.

    Raises
    ------
    InputError
        If the system allows fewer.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = n_files + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and needed > soft:
        if hard != resource.RLIM_INFINITY and needed > hard:
            msg = f"{n_files // 2} libraries need {needed} open files, and {hard} are allowed: "
            msg += "split the dataset, or raise the hard limit (ulimit -Hn)"
            raise InputError(msg)
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _open_one(
    format: formats.Format,  # noqa: A002  the samplesheet's own word
    files: Sequence[Path],
    layer: str | None,
    gene_symbols: str | None,
) -> CountMatrix:
    match format:
        case "h5ad":
            from sicmir_atlas.readers.h5ad import H5adMatrix

            return H5adMatrix(files[0], layer=layer, gene_symbols=gene_symbols)
        case "10x_h5":
            from sicmir_atlas.readers.tenx_h5 import TenxH5Matrix

            return TenxH5Matrix(files[0])
        case "loom":
            from sicmir_atlas.readers.loom import LoomMatrix

            return LoomMatrix(files[0], layer=layer)
        case "mtx":
            from sicmir_atlas.readers.mtx import MtxMatrix

            return MtxMatrix(*files)
        case "csv":
            from sicmir_atlas.readers.delimited import DelimitedMatrix

            return DelimitedMatrix(files[0])


def _joined(
    libraries: Sequence[formats.Library],
    opened: Sequence[CountMatrix],
    samples: Mapping[str, Mapping[str, str]],
) -> CountMatrix:
    """Join libraries, and tell each cell what is known of its sample."""
    names = [formats.sample_of(library.name) for library in libraries]
    if len(opened) == 1:
        matrix = opened[0]
        known = samples.get(names[0]) or (next(iter(samples.values())) if len(samples) == 1 else {})
        if len(samples) > 1 and not known:
            matrix.cells = by_barcode_suffix(matrix.cells, samples)
        else:
            new = {key: value for key, value in known.items() if key not in matrix.cells}
            matrix.cells = matrix.cells.assign(**new)
        return matrix
    if len(set(names)) < len(names):  # several libraries of one sample
        names = [library.name for library in libraries]
    if len(set(names)) < len(names):
        names = [f"{name}_{number}" for number, name in enumerate(names, 1)]
    columns = [
        {"sample_id": name, **samples.get(formats.sample_of(library.name), {})}
        for name, library in zip(names, libraries, strict=True)
    ]
    return JointMatrix(opened, names=names, columns=columns)
