"""The tables are a contract: a change of one asks for a new version of the schema.

After a change on purpose: `python tests/atlas/test_schema.py` writes the golden files anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from sicmir_atlas.atlas.data_dictionary import as_markdown
from sicmir_atlas.atlas.schema import SCHEMA_VERSION, TABLES, as_json
from sicmir_atlas.names import mirnas

GOLDEN = Path(__file__).parent / "golden"


def contract(name):
    """What a table promises to its readers; words may be mended without a new version."""
    (table,) = [t for t in as_json()["tables"] if t["name"] == name]
    columns = [{k: v for k, v in c.items() if k != "description"} for c in table["columns"]]
    promised = ("name", "primary_key", "references", "file", "mirna_columns")
    return {
        "schema_version": SCHEMA_VERSION,
        **{key: table[key] for key in promised},
        "columns": columns,
    }


@pytest.mark.parametrize("name", list(TABLES))
def test_tables_change_only_with_the_schema_version(name):
    golden = json.loads((GOLDEN / f"{name}.json").read_text())
    current = json.loads(json.dumps(contract(name)))
    if golden["schema_version"] == SCHEMA_VERSION:
        assert current == golden, "the table changed: raise SCHEMA_VERSION, write golden files anew"
    else:
        pytest.fail("SCHEMA_VERSION changed: write the golden files anew")


def test_no_table_is_forgotten():
    assert {p.stem for p in GOLDEN.glob("*.json")} == set(TABLES)


def test_the_page_is_made_from_the_schema(root):
    assert (root / "docs/output.md").read_text() == as_markdown()


@pytest.mark.parametrize("spec", TABLES.values(), ids=list(TABLES))
def test_parquet_and_duckdb_agree(spec, tmp_path):
    """A table made by the DDL has the columns that DuckDB reads from a file, in order."""
    with duckdb.connect() as connection:
        connection.execute(spec.ddl())
        made = connection.execute(f'DESCRIBE "{spec.name}"').fetchall()
        path = tmp_path / "empty.parquet"
        pq.write_table(spec.arrow_schema().empty_table(), path)
        read = connection.execute(f"DESCRIBE FROM '{path}'").fetchall()
    assert [(name, kind) for name, kind, *_ in made] == [(name, kind) for name, kind, *_ in read]
    nullable = {name: null == "YES" for name, _, null, *_ in made}
    assert nullable == {c.name: c.nullable for c in spec.all_columns()}


@pytest.mark.parametrize("spec", TABLES.values(), ids=list(TABLES))
def test_every_table_is_described(spec):
    names = [column.name for column in spec.all_columns()]
    assert len(set(names)) == len(names)
    assert set(spec.primary_key) <= set(names)
    assert spec.description.endswith(".")
    assert all(column.description for column in spec.columns)
    for columns, target in spec.references.items():
        assert columns.replace(" ", "").split(",") == list(TABLES[target].primary_key)
    assert all(not c.nullable for c in spec.columns if c.name in spec.primary_key)


@pytest.mark.parametrize("name", ["cell_mirna", "pool_mirna"])
def test_wide_tables_hold_the_panel(name):
    spec = TABLES[name]
    assert [c.name for c in spec.all_columns()][len(spec.columns) :] == list(mirnas())


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for each in TABLES:
        text = json.dumps(contract(each), indent=1, ensure_ascii=False) + "\n"
        (GOLDEN / f"{each}.json").write_text(text)
