"""An atlas that is there already, and the datasets that a new build takes over from it."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from sicmir_atlas.atlas.build import Build
from sicmir_atlas.atlas.files import AtlasFile
from sicmir_atlas.disk import digest_of
from sicmir_atlas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pyarrow as pa

__all__ = ["ExistingAtlas"]


class ExistingAtlas:
    """A built atlas, read dataset by dataset.

    Parameters
    ----------
    folder
        The atlas folder.
    kept
        Datasets to take over as they are.
    sha256
        Checksum of its manifest when these were chosen.

    Raises
    ------
    GoneError, CorruptError, InputError
        If it is no atlas that can be read, see :class:`.build.Build`.
    InputError
        If the atlas does not know a dataset that is to be kept, or another build was published
        since they were chosen.
    """

    def __init__(self, folder: Path, kept: Iterable[str], *, sha256: str | None = None) -> None:
        self.folder, self.kept = folder, sorted(kept)
        self._opened: dict[str, tuple[pq.ParquetFile, dict[str, list[int]]]] = {}
        build = Build(folder)
        self.manifest = build.manifest
        self._large: dict[str | None, list[AtlasFile]] = defaultdict(list)
        for entry in build.files:
            self._large[entry.get("dataset_id")].append(AtlasFile(**entry))
        if sha256 and digest_of(folder / "manifest.json") != sha256:
            msg = f"{folder}: published anew while this run went on; run it again with -resume"
            raise InputError(msg)
        known = self.manifest.get("datasets", {})
        lost = [dataset_id for dataset_id in self.kept if dataset_id not in known]
        if lost:
            msg = f"{folder}: has no dataset {', '.join(lost)}, which is to be kept"
            raise InputError(msg)

    @property
    def versions(self) -> dict[str, str]:
        """What made it: schema, processing, model."""
        return {
            "schema_version": str(self.manifest["schema_version"]),
            "processing_version": str(self.manifest["processing_version"]),
            "model_id": str(self.manifest["model"]["model_id"]),
        }

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        """By dataset that is kept, its row of table ``datasets``."""
        if not self.kept:
            return {}
        of_kept = [("dataset_id", "in", self.kept)]
        table = pq.read_table(self.folder / "datasets.parquet", filters=of_kept)
        return {row["dataset_id"]: row for row in table.to_pylist()}

    def facts(self, dataset_id: str, row: str) -> dict[str, Any]:
        """What was learnt of a dataset when it was looked up last; ``row`` is the samplesheet's."""
        known = self.rows[dataset_id]
        columns = {name: known[name] for name in ("title", "doi", "licence") if known[name]}
        found = {name: known[name] for name in ("dataset_id", "accession", "version")}
        return {"row": row, "columns": columns, **found}

    def large_files(self, dataset_id: str) -> list[AtlasFile]:
        """Files that hold nothing but this dataset."""
        return self._large.get(dataset_id, [])

    def share(self, table: str, dataset_id: str) -> pa.Table:
        """Rows of a dataset in a table that all datasets share."""
        file, groups = self._tables(table)
        return file.read_row_groups(groups.get(dataset_id, []))

    def _tables(self, table: str) -> tuple[pq.ParquetFile, dict[str, list[int]]]:
        if table not in self._opened:
            file = pq.ParquetFile(self.folder / f"{table}.parquet")
            self._opened[table] = file, _groups_by_dataset(file)
        return self._opened[table]


def _groups_by_dataset(file: pq.ParquetFile) -> dict[str, list[int]]:
    """Row groups of each dataset: CONSOLIDATE puts no two datasets into one."""
    column = file.schema_arrow.get_field_index("dataset_id")
    groups = defaultdict(list)
    for number in range(file.num_row_groups):
        groups[file.metadata.row_group(number).column(column).statistics.min].append(number)
    return dict(groups)
