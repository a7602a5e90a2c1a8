from __future__ import annotations

import hashlib
import shutil

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from sicmir_atlas.atlas.schema import TABLES
from sicmir_atlas.atlas.validate import leftovers, validate


def said(tampered):
    """Violations of an atlas; there must be some, and each must name its place."""
    violations = validate(tampered.folder)
    assert violations
    assert all(v.where and v.problem for v in violations)
    return [str(violation) for violation in violations]


def with_column(table, name, values, nullable=None):
    field = table.schema.field(name)
    field = field if nullable is None else field.with_nullable(nullable)
    array = pa.array(values, field.type)
    return table.set_column(table.schema.get_field_index(name), field, array)


def test_a_sound_atlas(atlas, tampered):
    assert validate(atlas) == []
    assert validate(tampered.folder) == []


def test_the_demo_atlas_is_sound(demo_atlas):
    assert validate(demo_atlas) == []


def test_a_byte_flipped_in_any_file(tampered):
    names = [entry["path"] for entry in tampered.files()]
    for name in names:
        path = tampered.folder / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    got = [v.where for v in validate(tampered.folder) if v.problem.startswith("sha256 is")]
    assert got == names
    assert len(names) == 11


def test_a_file_removed(tampered):
    path = tampered.path("cell_mirna")
    path.unlink()
    name = path.relative_to(tampered.folder).as_posix()
    assert f"{name}: is in the manifest but not in the folder" in said(tampered)


def test_a_small_table_removed(tampered):
    tampered.path("mirnas").unlink()
    got = said(tampered)
    assert "mirnas.parquet: is in the manifest but not in the folder" in got
    assert "mirnas: the manifest lists no sound file of it" in got


def test_a_file_of_a_former_build_is_named_and_no_violation(tampered):
    assert leftovers(tampered.folder) == []
    shutil.copyfile(tampered.path("cells"), tampered.folder / "cells/old-0123.parquet")
    assert leftovers(tampered.folder) == ["cells/old-0123.parquet"]
    assert validate(tampered.folder) == []


def test_a_null_where_none_is_allowed(tampered):
    table = tampered.table("qc_losses")
    values = [None, *table["n_fail"].to_pylist()[1:]]
    tampered.rewrite("qc_losses", with_column(table, "n_fail", values, nullable=True))
    got = said(tampered)
    assert "qc_losses.parquet: n_fail has 1 nulls, none are allowed" in got
    assert any(v.startswith("qc_losses.parquet: column is `n_fail: int64`") for v in got)


def test_a_prediction_that_is_not_finite(tampered):
    table = tampered.table("pool_mirna")
    values = [float("nan"), float("inf"), *table["hsa-miR-21-5p"].to_pylist()[2:]]
    tampered.rewrite("pool_mirna", with_column(table, "hsa-miR-21-5p", values))
    assert said(tampered) == ["pool_mirna: column hsa-miR-21-5p has 2 values not finite"]


def test_columns_in_another_order(tampered):
    table = tampered.table("missing_landmarks")
    tampered.rewrite("missing_landmarks", table.select(table.column_names[::-1]))
    expected = "missing_landmarks.parquet: columns are in another order than in the schema"
    assert expected in said(tampered)


def test_a_null_prediction(tampered):
    table = tampered.table("pool_mirna")
    values = [None, *table["hsa-miR-21-5p"].to_pylist()[1:]]
    tampered.rewrite("pool_mirna", with_column(table, "hsa-miR-21-5p", values, nullable=True))
    assert any("hsa-miR-21-5p" in violation for violation in said(tampered))


@pytest.mark.parametrize("table", ["mirnas", "cells", "cell_type_mirna"])
def test_a_key_twice(tampered, table):
    content = tampered.table(table)
    tampered.rewrite(table, pa.concat_tables([content, content.slice(0, 1)]))
    key = ", ".join(f'"{name}"' for name in TABLES[table].primary_key)
    assert f"{table}: 1 keys ({key}) occur more than once" in said(tampered)


def test_a_dataset_that_is_not_in_datasets(tampered):
    content = tampered.table("datasets")
    keep = pc.not_equal(content["dataset_id"], "unlabelled")
    tampered.rewrite("datasets", content.filter(keep))
    got = said(tampered)
    for table in ("cells", "cell_mirna"):
        assert f"{table}: 21 rows have a dataset_id that datasets lacks" in got
    assert "missing_landmarks: 1 rows have a dataset_id that datasets lacks" in got


def test_a_mirna_that_is_not_in_the_panel(tampered):
    content = tampered.table("cell_type_mirna")
    names = ["hsa-miR-0", *content["mirna"].to_pylist()[1:]]
    tampered.rewrite("cell_type_mirna", with_column(content, "mirna", names))
    assert "cell_type_mirna: 1 rows have a mirna that mirnas lacks" in said(tampered)


def test_predictions_of_a_cell_that_is_not_in_cells(tampered):
    content = tampered.table("cell_mirna")
    names = ["ghost", *content["cell_id"].to_pylist()[1:]]
    tampered.rewrite("cell_mirna", with_column(content, "cell_id", names))
    expected = "cell_mirna: 1 rows have a dataset_id, cell_id that cells lacks"
    assert expected in said(tampered)


def test_a_file_that_holds_rows_of_another_dataset(tampered):
    content = tampered.table("cells")
    names = ["unlabelled", *content["dataset_id"].to_pylist()[1:]]
    tampered.rewrite("cells", with_column(content, "dataset_id", names))
    got = said(tampered)
    assert "cells: 1 rows in the file of labelled are of another dataset" in got
    assert "cell_mirna: 1 rows have a dataset_id, cell_id that cells lacks" in got


def test_a_database_without_ids(tampered):
    """As many rows as the files have, of which nobody knows whose they are."""
    with duckdb.connect(str(tampered.folder / "atlas.duckdb")) as connection:
        connection.execute("CREATE TABLE other AS SELECT * FROM qc_losses")
        connection.execute("UPDATE other SET dataset_id = NULL")
        connection.execute("DROP TABLE qc_losses")
        connection.execute("ALTER TABLE other RENAME TO qc_losses")
        (n_rows,) = connection.execute("SELECT count(*) FROM qc_losses").fetchone()
    assert f"atlas.duckdb: qc_losses has {n_rows} rows that differ from the files'" in said(
        tampered
    )


def test_another_type(tampered):
    content = tampered.table("cells")
    index = content.schema.get_field_index("n_counts")
    wrong = content.set_column(
        index,
        pa.field("n_counts", pa.int32(), nullable=False),
        content["n_counts"].cast(pa.int32()),
    )
    tampered.rewrite("cells", wrong)
    (violation,) = [v for v in said(tampered) if "column is" in v]
    assert "`n_counts: int32 not null`, not `n_counts: int64 not null`" in violation
    assert violation.startswith("cells/labelled-")


def test_a_column_missing_and_a_column_too_many(tampered):
    content = tampered.table("cells").rename_columns(
        ["extra" if name == "lineage" else name for name in TABLES["cells"].arrow_schema().names]
    )
    tampered.rewrite("cells", content)
    got = said(tampered)
    assert any("column lineage is missing" in violation for violation in got)
    assert any("column extra is not in the schema" in violation for violation in got)


def test_a_value_that_is_not_allowed(tampered):
    content = tampered.table("datasets")
    status = ["maybe", *content["status"].to_pylist()[1:]]
    tampered.rewrite("datasets", with_column(content, "status", status))
    assert "datasets: column status holds 'maybe'" in said(tampered)


def test_a_file_of_another_schema_version(tampered):
    content = tampered.table("qc_losses")
    old = {**content.schema.metadata, b"sicmir_atlas.schema_version": b"0.1.0"}
    tampered.rewrite("qc_losses", content.replace_schema_metadata(old))
    assert "qc_losses.parquet: its metadata says schema 0.1.0" in said(tampered)


def test_bytes_that_are_no_parquet(tampered):
    tampered.rewrite("qc_losses", b"no parquet at all")
    assert any(v.startswith("qc_losses.parquet: cannot be read: ") for v in said(tampered))


def test_rows_that_the_manifest_counts_otherwise(tampered):
    tampered.edit_manifest(lambda m: m["files"][0].update(rows=99))
    got = said(tampered)
    assert got == [f"{tampered.files()[0]['path']}: 21 rows, the manifest says 99"]


def test_a_size_that_the_manifest_states_otherwise(tampered):
    size = tampered.files()[0]["bytes"]
    tampered.edit_manifest(lambda m: m["files"][0].update(bytes=1))
    assert f"{tampered.files()[0]['path']}: {size} bytes, the manifest says 1" in said(tampered)


def test_a_table_that_is_not_in_the_schema(tampered):
    tampered.edit_manifest(lambda m: m["files"][0].update(table="gossip"))
    assert f"{tampered.files()[0]['path']}: table gossip is not in the schema" in said(tampered)


def test_a_manifest_of_another_schema(tampered):
    tampered.edit_manifest(lambda m: m.update(schema_version="9.0.0"))
    (violation,) = said(tampered)
    assert violation.startswith("manifest.json: schema 9.0.0, this version checks")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"files": 3}', "\xff"])
def test_a_manifest_that_is_none(tampered, text):
    (tampered.folder / "manifest.json").write_text(text, encoding="latin-1")
    (violation,) = said(tampered)
    assert violation.startswith("manifest.json: ")


@pytest.mark.parametrize("lacking", ["path", "table", "rows", "sha256"])
def test_a_manifest_entry_that_lacks_something(tampered, lacking):
    tampered.edit_manifest(lambda m: m["files"][0].pop(lacking))
    assert any(v.startswith("manifest.json: ") and lacking in v for v in said(tampered))


@pytest.mark.parametrize("place", ["..", "{absolute}"])
def test_a_file_outside_the_folder(tampered, place):
    place = place.format(absolute=tampered.folder.parent)
    shutil.move(tampered.path("qc_losses"), tampered.folder.parent / "qc_losses.parquet")
    index = next(i for i, f in enumerate(tampered.files()) if f["table"] == "qc_losses")
    tampered.edit_manifest(lambda m: m["files"][index].update(path=f"{place}/qc_losses.parquet"))
    assert f"{place}/qc_losses.parquet: lies outside the atlas" in said(tampered)


def test_a_dropped_table(tampered):
    with duckdb.connect(str(tampered.folder / "atlas.duckdb")) as connection:
        connection.execute("DROP TABLE qc_losses")
        connection.execute("DROP VIEW cells")
    got = said(tampered)
    assert any(v.startswith("atlas.duckdb: qc_losses cannot be read") for v in got)
    assert any(v.startswith("atlas.duckdb: cells cannot be read") for v in got)


def test_parts_are_compared_as_the_whole(tampered, monkeypatch):
    monkeypatch.setattr("sicmir_atlas.atlas.integrity.ROWS_AT_A_TIME", 1)
    assert validate(tampered.folder) == []
    content = tampered.table("harmonisation")
    ends = [content.slice(0, 1), content.slice(len(content) - 1)]
    assert len({end["dataset_id"][0].as_py() for end in ends}) == 2
    tampered.rewrite("harmonisation", pa.concat_tables([content, *ends]))
    with duckdb.connect(str(tampered.folder / "atlas.duckdb")) as connection:
        connection.execute("UPDATE cell_type_mirna SET n_cells = n_cells + 1")
        (n_rows,) = connection.execute("SELECT count(*) FROM cell_type_mirna").fetchone()
    found = "\n".join(said(tampered))
    assert "harmonisation: 2 keys" in found
    assert f"cell_type_mirna has {n_rows} rows that differ from the files'" in found


def test_a_database_with_other_rows(tampered):
    with duckdb.connect(str(tampered.folder / "atlas.duckdb")) as connection:
        connection.execute("DELETE FROM datasets WHERE dataset_id = 'broken'")
    assert said(tampered) == ["atlas.duckdb: datasets has 4 rows, the files 5"]


def test_a_database_with_other_content(tampered):
    with duckdb.connect(str(tampered.folder / "atlas.duckdb")) as connection:
        connection.execute("UPDATE cell_type_mirna SET mean = mean + 1 WHERE rank_in_type = 1")
        connection.execute("UPDATE datasets SET status = 'included' WHERE dataset_id = 'broken'")
    assert said(tampered) == [
        "atlas.duckdb: datasets has 1 rows that differ from the files'",
        "atlas.duckdb: cell_type_mirna has 3 rows that differ from the files'",
    ]


def test_a_view_of_other_files(tampered):
    with duckdb.connect(str(tampered.folder / "atlas.duckdb")) as connection:
        connection.execute(f"SET file_search_path = '{tampered.folder}'")
        name = tampered.path("cells").relative_to(tampered.folder).as_posix()
        connection.execute(
            f"CREATE OR REPLACE VIEW cells AS FROM read_parquet(['{name}', '{name}'])"
        )
    got = said(tampered)
    assert got == ["atlas.duckdb: cells is a view of other files than the manifest lists"]


def test_no_database(tampered):
    (tampered.folder / "atlas.duckdb").unlink()
    assert said(tampered) == ["atlas.duckdb: is missing"]


def test_a_broken_database(tampered):
    (tampered.folder / "atlas.duckdb").write_bytes(b"x" * 5000)
    (violation,) = said(tampered)
    assert violation.startswith("atlas.duckdb: cannot be opened")


def test_no_atlas(tmp_path):
    (violation,) = validate(tmp_path)
    assert violation.where == "manifest.json"


def test_validation_changes_nothing(tampered):
    def state():
        return {
            p: (p.stat().st_mtime_ns, hashlib.sha256(p.read_bytes()).hexdigest())
            for p in tampered.folder.rglob("*")
            if p.is_file()
        }

    before = state()
    validate(tampered.folder)
    assert state() == before
