"""How a table is described: its columns, its key, and the types that these become."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sicmir_atlas.names import mirnas

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

__all__ = ["PROCESSING_VERSION", "SCHEMA_VERSION", "ColumnSpec", "TableSpec"]

SCHEMA_VERSION = "1.3.0"
PROCESSING_VERSION = 4
"""Bumped by hand whenever the same input would give other numbers."""

Type = Literal["string", "bool", "int32", "int64", "float16", "float32", "float64", "list<string>"]

_SQL_TYPES: Mapping[str, str] = {
    "string": "VARCHAR",
    "bool": "BOOLEAN",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float16": "FLOAT",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "list<string>": "VARCHAR[]",
}


@dataclass(frozen=True)
class ColumnSpec:
    """One column: its name, type, meaning, unit, and the ontology its values come from."""

    name: str
    type: Type
    description: str
    unit: str | None = None
    nullable: bool = False
    ontology: str | None = None
    values: tuple[str, ...] = ()

    @property
    def sql_type(self) -> str:
        """Type of the column in DuckDB."""
        return _SQL_TYPES[self.type]

    def arrow_type(self) -> pa.DataType:
        """Type of the column in Arrow and Parquet."""
        import pyarrow as pa

        if self.type == "list<string>":
            return pa.list_(pa.string())
        if self.type == "bool":
            return pa.bool_()
        return getattr(pa, self.type)()


@dataclass(frozen=True)
class TableSpec:
    """One table: its key, its columns, and whether it is one file or one file a dataset."""

    name: str
    description: str
    primary_key: tuple[str, ...]
    columns: tuple[ColumnSpec, ...]
    per_dataset: bool = False
    mirna_type: Literal["float16", "float32"] | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    comparable: str | None = None

    def all_columns(self) -> tuple[ColumnSpec, ...]:
        """Columns in file order, those of the miRNA panel included."""
        if self.mirna_type is None:
            return self.columns
        unit = "model units"
        return self.columns + tuple(
            ColumnSpec(name, self.mirna_type, f"prediction for {name}", unit) for name in mirnas()
        )

    def arrow_schema(self, metadata: Mapping[str, str] | None = None) -> pa.Schema:
        """Arrow schema of the table; ``metadata`` is added to the schema's own."""
        import pyarrow as pa

        about = {"sicmir_atlas.table": self.name, "sicmir_atlas.schema_version": SCHEMA_VERSION}
        fields = [pa.field(c.name, c.arrow_type(), c.nullable) for c in self.all_columns()]
        return pa.schema(fields, metadata={**about, **(metadata or {})})

    def ddl(self) -> str:
        """``CREATE TABLE`` statement of the table for DuckDB."""
        lines = [
            f'    "{c.name}" {c.sql_type}{"" if c.nullable else " NOT NULL"}'
            for c in self.all_columns()
        ]
        return f'CREATE TABLE "{self.name}" (\n{", ".join(lines)}\n)'
