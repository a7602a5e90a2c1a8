"""What a query may do, on disk and over http: read, and, in a script, work in memory."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

import sicmir_atlas as sa
from sicmir_atlas.atlas.query import QueryError


@pytest.mark.parametrize(
    "query",
    [
        "FROM cells LIMIT 1",
        "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
        "DESCRIBE cells",
        "SUMMARIZE datasets",
        "EXPLAIN SELECT * FROM cells",
        "EXPLAIN ANALYZE SELECT count(*) FROM cells",
        "EXPLAIN (ANALYZE, FORMAT json) FROM cells",
        "EXPLAIN (SELECT 1) UNION ALL SELECT 2",
        "SELECT * FROM pool_mirna JOIN cells USING (dataset_id, cell_type) LIMIT 1",
        "-- a comment\nSELECT 1;",
        "SHOW TABLES",
        "VALUES (1)",
        "PIVOT datasets ON status IN ('included', 'failed') USING count(*)",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 3) FROM t",
    ],
)
def test_queries_that_read(opened, query):
    assert len(opened.sql(query))


@pytest.mark.parametrize(
    "query",
    [
        "COPY datasets TO '{out}'",
        "COPY (SELECT 1) TO '{own}'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{out}'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{own}'",
        "explain /* */ (ANALYZE) COPY (SELECT 1) TO '{own}'",
        "EXPLAIN (FORMAT json, ANALYZE) COPY (SELECT 1) TO '{own}'",
        "WITH x AS (COPY (SELECT 1) TO '{own}' (USE_TMP_FILE false)) FROM x",
        "WITH x AS (COPY (SELECT 1) TO '{own}' (FORMAT csv, USE_TMP_FILE false)) SELECT 1",
        "EXPLAIN ANALYZE WITH x AS (COPY (SELECT 1) TO '{own}' (USE_TMP_FILE false)) SELECT 1",
        "EXPLAIN ANALYZE ( --) SELECT 1 /*\n WITH x AS "
        "(COPY (SELECT 1) TO '{own}' (USE_TMP_FILE false)) FROM x) --*/",
        "EXPLAIN ANALYZE (ANALYZE --) SELECT 1 /*\n) WITH x AS "
        "(COPY (SELECT 1) TO '{own}' (USE_TMP_FILE false)) FROM x --*/",
        "FROM json_execute_serialized_sql(json_serialize_sql("
        "$$WITH x AS (COPY (SELECT 1) TO '{own}' (USE_TMP_FILE false)) FROM x$$))",
        "FROM query($$FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))$$)",
        'SELECT * FROM "QUERY"($$SELECT 1$$)',
        "WITH x AS (DELETE FROM atlas_file.datasets RETURNING *) FROM x",
        "WITH x AS (INSERT INTO atlas_file.mirnas FROM mirnas RETURNING *) FROM x",
        "PREPARE p AS COPY (SELECT 1) TO '{own}'",
        "EXECUTE p",
        "IMPORT DATABASE '{out}'",
        "CREATE SECRET s (TYPE s3)",
        "CREATE MACRO x() AS 1",
        "SET VARIABLE x = 1",
        "USE atlas_file",
        "LOAD '{out}'",
        "FROM enable_logging(level = 'info', storage = 'file', storage_path = '{out}')",
        "SELECT getenv('HOME')",
        "EXPLAIN ANALYZE DROP VIEW cells",
        "EXPLAIN ANALYZE CREATE OR REPLACE VIEW cells AS SELECT 1",
        "ATTACH '{out}' AS other",
        "PRAGMA database_list",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "CREATE TABLE x AS SELECT 1",
        "CREATE TEMP TABLE x AS SELECT 1",
        "DROP TABLE datasets",
        "DELETE FROM datasets",
        "UPDATE datasets SET status = 'included'",
        "INSERT INTO mirnas SELECT * FROM mirnas",
        "EXPORT DATABASE '{out}'",
        "CALL pragma_version()",
        "SELECT 1; SELECT 2",
        "SELECT 1; COPY datasets TO '{out}'",
        "CHECKPOINT",
        "VACUUM",
        "",
        "   -- nothing",
        "SELEC 1",
        "SELECT * FROM nowhere",
        "SELECT ? + 1",
        "SELECT CAST(dataset_id AS INTEGER) FROM datasets",
        "SELECT error('now') FROM cells",
    ],
)
def test_queries_that_do_not(opened, atlas, state, query, tmp_path):
    out = tmp_path / "out.parquet"
    own = next((atlas / "cells").iterdir())
    before = state(atlas)
    with pytest.raises(QueryError) as refused:
        opened.sql(query.format(out=out, own=own))
    assert str(refused.value)
    assert not out.exists()
    assert opened.sql("SELECT count(*) FROM cells").iat[0, 0] == 42
    assert state(atlas) == before


@pytest.mark.parametrize(
    "source",
    [
        "read_csv('/etc/hostname')",
        "read_csv('{secret}')",
        "read_text('{secret}')",
        "read_blob('{secret}')",
        "read_parquet('{other}')",
        "glob('/etc/*')",
        "read_json('/etc/hostname')",
        "read_text('{atlas}/manifest.json')",
        "read_text('{own}/../../../../../../../../../../../etc/hostname')",
        "duckdb_secrets()",
        "sniff_csv('{secret}')",
        "'{secret}'",
        "'{other}'",
        "parquet_metadata('{other}')",
        "'{database}'",
        "sqlite_scan('{secret}', 'x')",
        "read_csv('http://127.0.0.1:9/x.csv')",
    ],
)
def test_nothing_outside_the_atlas_can_be_read(opened, atlas, tmp_path, source):
    secret, other = tmp_path / "secret.csv", tmp_path / "other.parquet"
    secret.write_text("a,b\n1,2\n")
    shutil.copyfile(next((atlas / "cells").iterdir()), other)
    database = tmp_path / "other.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("CREATE TABLE secret AS SELECT 1 AS x")
    places = {"secret": secret, "other": other, "database": database, "atlas": atlas}
    own = next((atlas / "cells").iterdir())
    with pytest.raises(QueryError):
        opened.sql(f"SELECT * FROM {source.format(own=own, **places)}")


@pytest.fixture
def script(atlas, state):
    """Run a script on the small atlas, which stays as it is."""
    before = state(atlas)
    with sa.open_atlas(atlas) as opened:
        yield lambda text, *values: opened.sql(text, values, script=True)
    assert state(atlas) == before


def test_a_script_works_in_memory(script):
    got = script(
        """
        -- cells of each type, and who has many
        CREATE TEMP TABLE counted AS SELECT cell_type, count(*) AS n FROM cells GROUP BY ALL;
        CREATE MACRO many(x) AS x > 10;
        INSERT INTO counted VALUES ('none; at all', 0);
        DELETE FROM counted WHERE n IS NULL;
        SET VARIABLE least = 0;
        SELECT cell_type, n FROM counted
        WHERE NOT many(n) AND n >= getvariable('least') AND n < ? ORDER BY n
        """,
        9,
    )
    assert got["n"].tolist() == [0, 7, 8]
    assert got["cell_type"][0] == "none; at all"
    assert script("FROM counted").shape == (4, 2), "what was made stays until the atlas is closed"


def test_a_script_may_read_in_between(script):
    got = script("SELECT 1; CREATE TABLE t AS FROM cells; FROM t; SELECT count(*) AS n FROM t")
    assert got["n"].tolist() == [42]


@pytest.mark.parametrize("kind", ["MACRO", "TEMP MACRO"])
def test_a_script_cannot_stand_in_for_the_parser(atlas, state, kind):
    own = next((atlas / "cells").iterdir())
    copy = f"WITH x AS (COPY (SELECT 1) TO '{own}' (USE_TMP_FILE false)) FROM x"
    before = state(atlas)
    with sa.open_atlas(atlas) as opened:
        opened.sql(
            f"CREATE {kind} json_serialize_sql(x) AS '{{\"error\": false}}'; SELECT 1", script=True
        )
        for script in (False, True):
            with pytest.raises(QueryError, match="COPY inside a SELECT writes"):
                opened.sql(copy, script=script)
    assert state(atlas) == before


def test_a_script_that_shadows_a_table_changes_no_file(script, atlas):
    script("CREATE OR REPLACE VIEW cells AS SELECT 1 AS x; FROM cells")
    with sa.open_atlas(atlas) as other:
        assert len(other.sql("FROM cells")) == 42


@pytest.mark.parametrize("name", ["out", "own"])
@pytest.mark.parametrize(
    "text",
    [
        "COPY (SELECT 1) TO '{path}'; SELECT 1",
        "SELECT 1; COPY (SELECT 1) TO '{path}'",
        "CREATE TABLE t AS WITH x AS (COPY (SELECT 1) TO '{path}') FROM x; FROM t",
        "CREATE VIEW v AS WITH x AS (/**/ copy (SELECT 1) TO '{path}') FROM x; FROM v",
        "CREATE MACRO m() AS TABLE WITH x AS (COPY (SELECT 1) TO '{path}') FROM x; FROM m()",
        "CREATE MACRO m(a) AS TABLE FROM query(a); FROM m($$COPY (SELECT 1) TO '{path}'$$)",
        'CREATE MACRO m(a) AS TABLE FROM "Query"/**/(a); FROM m($$SELECT 1$$)',
        "CREATE TABLE t (a INT); INSERT INTO t WITH x AS (COPY (SELECT 1) TO '{path}') FROM x; "
        "SELECT 1",
        "WITH x AS (COPY (SELECT 1) TO '{path}') SELECT 1; SELECT 1",
        "SELECT 1; WITH x AS (COPY (SELECT 1) TO '{path}') SELECT 1",
        "SELECT 1; EXPLAIN ANALYZE COPY (SELECT 1) TO '{path}'",
        "PREPARE p AS COPY (SELECT 1) TO '{path}'; EXECUTE p; SELECT 1",
        "EXPORT DATABASE '{path}'; SELECT 1",
        "ATTACH '{path}' AS other; CREATE TABLE other.t AS SELECT 1; SELECT 1",
        "CREATE PERSISTENT SECRET s (TYPE http); SELECT 1",
        "CREATE TABLE t AS FROM read_text('/etc/hostname'); FROM t",
        "CREATE TABLE atlas_file.t AS SELECT 1; SELECT 1",
        "DELETE FROM atlas_file.datasets; SELECT 1",
        "DETACH atlas_file; SELECT 1",
        "SET enable_external_access = true; SELECT 1",
        "SET temp_directory = '{path}'; SELECT 1",
        "CHECKPOINT atlas_file; SELECT 1",
        "CREATE TABLE t AS SELECT 1",
        "",
    ],
)
def test_a_script_writes_no_file_and_reads_no_other(script, atlas, tmp_path, text, name):
    path = {"out": tmp_path / "out", "own": next((atlas / "cells").iterdir())}[name]
    with pytest.raises(QueryError) as refused:
        script(text.format(path=path))
    assert str(refused.value)
    assert not (tmp_path / "out").exists()


def test_the_folder_for_what_is_spilled_is_its_own(atlas, tmp_path, monkeypatch):
    """DuckDB allows the folder that it spills into, which is .tmp of the current one by default."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".tmp").mkdir()
    (tmp_path / ".tmp/secret.txt").write_text("mine")
    with sa.open_atlas(atlas) as opened:
        with pytest.raises(QueryError, match="disabled"):
            opened.sql("FROM read_text('.tmp/secret.txt')")
        spill = Path(opened.sql("SELECT current_setting('temp_directory')").iat[0, 0])
        assert spill.is_dir()
    assert not spill.exists()
