"""Write the files of an atlas: typed by the schema, whole or not at all, the same bytes again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sicmir_atlas.disk import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

    from sicmir_atlas.atlas.schema import TableSpec

__all__ = ["AtlasFile", "TableWriter", "to_arrow", "write_table"]

ROWS_PER_GROUP = 50_000


@dataclass(frozen=True)
class AtlasFile:
    """A file of an atlas, as the manifest lists it; ``path`` is relative to the atlas folder."""

    path: str
    table: str
    rows: int
    bytes: int
    sha256: str
    dataset_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The entry of the manifest."""
        return {k: v for k, v in asdict(self).items() if v is not None}


class TableWriter:
    """Stream rows of one table into one Parquet file that appears only when it is complete.

    Parameters
    ----------
    folder
        Where the file goes: ``<folder>/<table>.parquet``, or
        ``<folder>/<table>/<dataset_id>-<sha12>.parquet`` for a table of one file a dataset.
    metadata
        Added to the file's schema metadata.
    """

    def __init__(
        self,
        folder: Path,
        spec: TableSpec,
        *,
        metadata: Mapping[str, str],
        dataset_id: str | None = None,
    ) -> None:
        self.spec = spec
        self.schema = spec.arrow_schema(metadata)
        self.file: AtlasFile | None = None
        self._folder, self._dataset_id, self._rows = folder, dataset_id, 0
        self._part = folder / f"{spec.name}.parquet.part"
        folder.mkdir(parents=True, exist_ok=True)
        wide = spec.mirna_type is not None
        names = [c.name for c in spec.columns if c.type in ("string", "list<string>")]
        self._writer = pq.ParquetWriter(
            self._part,
            self.schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=names if wide else True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._writer.close()
        if kind is not None:
            with suppress(FileNotFoundError):
                self._part.unlink()
            return
        digest = digest_of(self._part)
        name = f"{self.spec.name}.parquet"
        if self.spec.per_dataset:
            name = f"{self.spec.name}/{self._dataset_id}-{digest[:12]}.parquet"
        target = self._folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        self._part.replace(target)
        self.file = AtlasFile(
            name, self.spec.name, self._rows, target.stat().st_size, digest, self._dataset_id
        )

    def write(self, rows: pa.Table | pd.DataFrame) -> None:
        """Append rows as row groups of their own."""
        table = rows if isinstance(rows, pa.Table) else to_arrow(rows, self.spec)
        self._writer.write_table(table.cast(self.schema), ROWS_PER_GROUP)
        self._rows += table.num_rows


def write_table(
    folder: Path,
    spec: TableSpec,
    rows: pd.DataFrame,
    *,
    metadata: Mapping[str, str],
    dataset_id: str | None = None,
) -> AtlasFile:
    """Write a table in one go."""
    with TableWriter(folder, spec, metadata=metadata, dataset_id=dataset_id) as writer:
        writer.write(rows)
    assert writer.file is not None
    return writer.file


def to_arrow(
    rows: pd.DataFrame, spec: TableSpec, mirna_values: np.ndarray | None = None
) -> pa.Table:
    """Rows as an Arrow table of the schema's types, columns in the schema's order.

    Columns that the schema allows to be null may be absent. ``mirna_values`` (rows × 1298) fills
    the miRNA columns of a wide table.

    Raises
    ------
    ValueError
        If a column that may not be null is absent or has nulls.
    """
    arrays = []
    for column in spec.columns:
        kind = column.arrow_type()
        if column.name not in rows:
            array = pa.nulls(len(rows), kind)
        elif isinstance(rows[column.name].dtype, pd.CategoricalDtype):
            array = pa.array(rows[column.name]).cast(kind)
        else:
            array = pa.array(rows[column.name], kind, from_pandas=True, safe=False)
        if array.null_count and not column.nullable:
            msg = f"{spec.name}.{column.name}: {array.null_count} null values, none are allowed"
            raise ValueError(msg)
        arrays.append(array)
    if spec.mirna_type is not None:
        assert mirna_values is not None
        columns = np.asfortranarray(mirna_values, dtype=spec.mirna_type)
        arrays += [pa.array(columns[:, j]) for j in range(columns.shape[1])]
    return pa.Table.from_arrays(arrays, schema=spec.arrow_schema())
