"""Write predictions as they are made: h5ad, Parquet or csv, in flat memory."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import h5py
import numpy as np
import pandas as pd

from sicmir_atlas.disk import written_whole
from sicmir_atlas.errors import InputError
from sicmir_atlas.prediction import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sicmir_atlas.prediction import Prediction

    Write: TypeAlias = Callable[[int, np.ndarray], None]

__all__ = ["FORMATS", "output_format", "table_format", "write_prediction"]

Format = Literal["h5ad", "parquet", "csv"]
FORMATS: tuple[str, ...] = get_args(Format)
_ROWS_AT_ONCE = 8_192
_MIRNA, _SD = "mirna", "mirna_sd"


def output_format(path: Path) -> Format:
    """Format that a file name asks for.

    Raises
    ------
    InputError
        If the ending is none of ``.h5ad``, ``.parquet``, ``.csv``, ``.csv.gz``.
    """
    name = path.name.removesuffix(".gz")
    for known in FORMATS:
        if name.endswith(f".{known}") and (name == path.name or known == "csv"):
            return known  # type: ignore[return-value]
    msg = f"{path}: the ending says the format: .h5ad, .parquet, .csv or .csv.gz"
    raise InputError(msg)


def table_format(path: Path) -> Format:
    """Format of a file that can hold nothing but a table.

    Raises
    ------
    InputError
        If the ending is none of ``.parquet``, ``.csv``, ``.csv.gz``.
    """
    if path.suffix == ".h5ad":
        msg = f"{path}: a table goes to .parquet, .csv or .csv.gz"
        raise InputError(msg)
    return output_format(path)


def write_prediction(
    prediction: Prediction,
    path: Path,
    *,
    source: Path | None = None,
    sd: Path | None = None,
    mirnas: Path | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write a prediction; files appear when they are complete.

    Parameters
    ----------
    path
        ``.h5ad``: obs, ``obsm["mirna"]``, ``obsm["mirna_sd"]`` where the prediction has it, and
        ``uns["sicmir"]``; ``.parquet``, ``.csv``, ``.csv.gz``: rows × 1298.
    source
        An h5ad that was predicted per cell: all of it is kept and the rest added.
    sd
        Table of the SD over the model's members; only for a prediction that has it.
    mirnas
        Table of how far each miRNA can be trusted.
    progress
        Called with the number of rows written so far.

    Raises
    ------
    InputError
        If the ending of a file says no format that it can have.
    """
    is_h5ad = output_format(path) == "h5ad"
    with ExitStack() as stack:
        part = stack.enter_context(written_whole(path))
        if is_h5ad and source is not None and not prediction.pooled:
            shutil.copyfile(source, part)
        if is_h5ad:
            write, write_sd = stack.enter_context(_h5ad(prediction, part))
        else:
            write, write_sd = stack.enter_context(_table(prediction, path, part)), None
        writes_of_sd = [write_sd] if write_sd is not None else []
        if sd is not None:
            sd_part = stack.enter_context(written_whole(sd))
            writes_of_sd.append(stack.enter_context(_table(prediction, sd, sd_part)))
        if mirnas is not None:
            _write_mirnas(prediction, mirnas, stack.enter_context(written_whole(mirnas)))
        for start, block in _batches(prediction, progress):
            write(start, block.mean)
            for write_sd in writes_of_sd:
                assert block.sd is not None
                write_sd(start, block.sd)


def _batches(
    prediction: Prediction, progress: Callable[[int], None]
) -> Iterator[tuple[int, Block]]:
    held: list[Block] = []
    done = waiting = 0
    for block in prediction.blocks_with_sd:
        held.append(block)
        waiting += len(block.mean)
        if waiting >= _ROWS_AT_ONCE:
            joined, held = _joined(held), []
            yield done, joined
            done, waiting = done + waiting, 0
            progress(done)
    if held:
        yield done, _joined(held)
        progress(done + waiting)


def _joined(blocks: list[Block]) -> Block:
    spread = [block.sd for block in blocks if block.sd is not None]
    return Block(np.vstack([block.mean for block in blocks]), np.vstack(spread) if spread else None)


def _names(prediction: Prediction) -> pd.Series[str]:
    if prediction.pooled:
        return prediction.rows["pool_id"].rename("pool_id")
    index = prediction.rows.index
    return index.to_series().rename(str(index.name or "cell_id"))


@contextmanager
def _h5ad(prediction: Prediction, path: Path) -> Iterator[tuple[Write, Write | None]]:
    import anndata as ad

    names = _names(prediction).to_numpy(object)
    if not path.exists():
        obs = prediction.rows.set_index("pool_id") if prediction.pooled else prediction.rows
        obs = obs.astype(dict.fromkeys(obs.select_dtypes(object), "category"))
        ad.AnnData(obs=obs).write_h5ad(path)
    with h5py.File(path, "r+") as file:
        obsm = file.require_group("obsm")
        for name in (_MIRNA, _SD):
            if name in obsm:
                del obsm[name]
        write_sd = _columns(obsm, _SD, names, prediction.mirnas) if prediction.has_sd else None
        yield _columns(obsm, _MIRNA, names, prediction.mirnas), write_sd
        about = {
            "model_id": prediction.model_id,
            "missing_landmarks": list(prediction.missing),
            "domain_distance": prediction.domain_distance,
            "is_far": prediction.is_far,
            "mirnas": prediction.mirna_table.set_index("mirna"),
        }
        known = {name: value for name, value in about.items() if value is not None}
        ad.io.write_elem(file.require_group("uns"), "sicmir", known)


def _columns(obsm: h5py.Group, name: str, rows: np.ndarray, mirnas: tuple[str, ...]) -> Write:
    """Add a data frame to obsm whose rows can be written part by part."""
    import anndata as ad

    group = obsm.create_group(name)
    group.attrs.update(
        {
            "encoding-type": "dataframe",
            "encoding-version": "0.2.0",
            "_index": "_index",
            "column-order": np.array(mirnas, dtype=object),
        }
    )
    ad.io.write_elem(group, "_index", rows)
    columns = []
    for mirna in mirnas:
        column = group.create_dataset(mirna, (len(rows),), np.float32)
        column.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        columns.append(column)

    def write(start: int, values: np.ndarray) -> None:
        turned = np.ascontiguousarray(values.T)
        for column, part in zip(columns, turned, strict=True):
            column[start : start + len(values)] = part

    return write


@contextmanager
def _table(prediction: Prediction, path: Path, part: Path) -> Iterator[Write]:
    """Write rows to ``part`` in the format that ``path`` asks for."""
    with {"parquet": _parquet, "csv": _csv}[table_format(path)](prediction, part) as write:
        yield write


@contextmanager
def _parquet(prediction: Prediction, path: Path) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = _names(prediction)
    fields = [pa.field(str(names.name), pa.string())]
    fields += [pa.field(mirna, pa.float32()) for mirna in prediction.mirnas]
    schema = pa.schema(fields, metadata={"sicmir_atlas.model_id": prediction.model_id})
    with pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=1, use_dictionary=False
    ) as writer:

        def write(start: int, values: np.ndarray) -> None:
            turned = np.asfortranarray(values)
            arrays = [pa.array(names.iloc[start : start + len(values)], pa.string())]
            arrays += [pa.array(turned[:, j]) for j in range(turned.shape[1])]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

        yield write


@contextmanager
def _csv(prediction: Prediction, path: Path) -> Iterator[Write]:
    names = _names(prediction)
    compression = "gzip" if path.suffix == ".gz" else None

    def write(start: int, values: np.ndarray) -> None:
        index = pd.Index(names.iloc[start : start + len(values)], name=names.name)
        pd.DataFrame(values, index=index, columns=list(prediction.mirnas)).to_csv(
            path,
            mode="w" if start == 0 else "a",
            header=start == 0,
            float_format="%.6g",
            compression=compression,
        )

    yield write


def _write_mirnas(prediction: Prediction, path: Path, part: Path) -> None:
    if table_format(path) == "parquet":
        prediction.mirna_table.to_parquet(part, index=False)
    else:
        compression = "gzip" if path.suffix == ".gz" else None
        prediction.mirna_table.to_csv(
            part, index=False, float_format="%.6g", compression=compression
        )
