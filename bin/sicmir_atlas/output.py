"""Write predictions as they are made: h5ad, Parquet or csv, in flat memory."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Literal, get_args

import h5py
import numpy as np
import pandas as pd

from sicmir_atlas.disk import written_whole
from sicmir_atlas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sicmir_atlas.api import Prediction

__all__ = ["FORMATS", "output_format", "write_prediction"]

Format = Literal["h5ad", "parquet", "csv"]
FORMATS: tuple[str, ...] = get_args(Format)
_ROWS_AT_ONCE = 8_192


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


def write_prediction(
    prediction: Prediction,
    path: Path,
    *,
    source: Path | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write a prediction; the file appears when it is complete.

    Parameters
    ----------
    path
        ``.h5ad``: obs and ``obsm["mirna"]``; ``.parquet``, ``.csv``, ``.csv.gz``: rows × 1298.
    source
        An h5ad that was predicted per cell: all of it is kept and ``obsm["mirna"]`` added.
    progress
        Called with the number of rows written so far.
    """
    write = {"h5ad": _h5ad, "parquet": _parquet, "csv": _csv}[output_format(path)]
    with written_whole(path) as part:
        if write is _h5ad and source is not None and not prediction.pooled:
            shutil.copyfile(source, part)
        write(prediction, part, progress)


def _batches(
    prediction: Prediction, progress: Callable[[int], None]
) -> Iterator[tuple[int, np.ndarray]]:
    held: list[np.ndarray] = []
    done = waiting = 0
    for block in prediction.blocks:
        held.append(block)
        waiting += len(block)
        if waiting >= _ROWS_AT_ONCE:
            yield done, np.vstack(held)
            done, waiting, held = done + waiting, 0, []
            progress(done)
    if held:
        yield done, np.vstack(held)
        progress(done + waiting)


def _names(prediction: Prediction) -> pd.Series[str]:
    if prediction.pooled:
        return prediction.rows["pool_id"].rename("pool_id")
    index = prediction.rows.index
    return index.to_series().rename(str(index.name or "cell_id"))


def _h5ad(prediction: Prediction, path: Path, progress: Callable[[int], None]) -> None:
    import anndata as ad

    names = _names(prediction).to_numpy(object)
    if not path.exists():
        obs = prediction.rows.set_index("pool_id") if prediction.pooled else prediction.rows
        obs = obs.astype(dict.fromkeys(obs.select_dtypes(object), "category"))
        ad.AnnData(obs=obs).write_h5ad(path)
    with h5py.File(path, "r+") as file:
        obsm = file.require_group("obsm")
        if "mirna" in obsm:
            del obsm["mirna"]
        group = obsm.create_group("mirna")
        group.attrs.update(
            {
                "encoding-type": "dataframe",
                "encoding-version": "0.2.0",
                "_index": "_index",
                "column-order": np.array(prediction.mirnas, dtype=object),
            }
        )
        ad.io.write_elem(group, "_index", names)
        columns = []
        for mirna in prediction.mirnas:
            column = group.create_dataset(mirna, (len(names),), np.float32)
            column.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
            columns.append(column)
        for start, rows in _batches(prediction, progress):
            turned = np.ascontiguousarray(rows.T)
            for column, values in zip(columns, turned, strict=True):
                column[start : start + len(rows)] = values
        about = {"model_id": prediction.model_id, "missing_landmarks": list(prediction.missing)}
        ad.io.write_elem(file.require_group("uns"), "sicmir", about)


def _parquet(prediction: Prediction, path: Path, progress: Callable[[int], None]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = _names(prediction)
    fields = [pa.field(str(names.name), pa.string())]
    fields += [pa.field(mirna, pa.float32()) for mirna in prediction.mirnas]
    schema = pa.schema(fields, metadata={"sicmir_atlas.model_id": prediction.model_id})
    with pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=1, use_dictionary=False
    ) as writer:
        for start, rows in _batches(prediction, progress):
            turned = np.asfortranarray(rows)
            arrays = [pa.array(names.iloc[start : start + len(rows)], pa.string())]
            arrays += [pa.array(turned[:, j]) for j in range(turned.shape[1])]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _csv(prediction: Prediction, path: Path, progress: Callable[[int], None]) -> None:
    names = _names(prediction)
    compression = "gzip" if path.suffix == ".gz" else None
    for start, rows in _batches(prediction, progress):
        index = pd.Index(names.iloc[start : start + len(rows)], name=names.name)
        pd.DataFrame(rows, index=index, columns=list(prediction.mirnas)).to_csv(
            path,
            mode="w" if start == 0 else "a",
            header=start == 0,
            float_format="%.6g",
            compression=compression,
        )
