"""The schema as a page to read: docs/output.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sicmir_atlas.atlas.schema import SCHEMA_VERSION, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sicmir_atlas.atlas.schema import ColumnSpec, TableSpec

__all__ = ["as_markdown"]

_INTRODUCTION = f"""<!-- made by `make docs` from bin/sicmir_atlas/atlas/schema.py -->
# What a run leaves

```
results/
  atlas/
    atlas.duckdb        every table: small ones inside, large ones as views on the files beside it;
                        and `files`: path, table, dataset_id, rows, bytes, sha256 of each of them
    manifest.json       every file with its checksum and rows; parameters and versions; every
                        dataset's status, checksum and what its results follow from
    <table>.parquet     small tables
    <table>/<dataset_id>-<sha12>.parquet   large tables, one file a dataset, never changed
    current, builds/    on a disk the files above that change with a build are links to `current`,
                        itself a link to one of `builds/`: so a build is exchanged in one step
  report.html           one page on the atlas, self-contained
  *_mqc.json            the same figures, for MultiQC
  pipeline_info/        trace, timeline and report of the run
```

Open it with `sicmir-atlas sql results/atlas "…"`, `sicmir_atlas.open_atlas("results/atlas")`, or
`cd results/atlas && duckdb atlas.duckdb` (DuckDB 1.3 or newer for `cell_mirna`, whose float16
columns older ones show as blobs; 1.0 or newer for the rest). The folder can be moved and copied.
`sicmir-atlas validate results/atlas` proves every file against this page.

Schema version {SCHEMA_VERSION}; it is written into every Parquet file's metadata with the model,
the versions and, in files of one dataset, the checksum of its source.
"""


def as_markdown() -> str:
    """Every table with its key, columns, types, units and meaning, as Markdown."""
    return _INTRODUCTION + "".join("".join(_table(spec)) for spec in TABLES.values())


def _table(spec: TableSpec) -> Iterator[str]:
    where = (
        f"`{spec.name}/<dataset_id>-<sha12>.parquet`"
        if spec.per_dataset
        else (f"`{spec.name}.parquet`")
    )
    yield f"\n## {spec.name}\n\n{spec.description} File: {where}. "
    yield f"Key: {', '.join(f'`{name}`' for name in spec.primary_key)}.\n"
    if spec.comparable:
        yield f"\n> {spec.comparable}\n"
    yield "\n| column | type | unit | meaning |\n|---|---|---|---|\n"
    for column in spec.columns:
        yield _row(column)
    if spec.mirna_type:
        yield f"| `hsa-…` × 1298 | {spec.mirna_type} | model units | prediction for each miRNA |\n"


def _row(column: ColumnSpec) -> str:
    meaning = column.description
    if column.values:
        meaning += f" ({', '.join(column.values)})"
    if column.ontology:
        meaning += f" [{column.ontology}]"
    kind = column.type + (", nullable" if column.nullable else "")
    return f"| `{column.name}` | {kind} | {column.unit or ''} | {meaning} |\n"
