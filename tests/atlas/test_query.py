from __future__ import annotations

import os
import shutil
import subprocess
import sys

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

import sicmir_atlas as sa
from sicmir_atlas.atlas.query import QueryError
from sicmir_atlas.atlas.schema import TABLES
from sicmir_atlas.atlas.validate import validate
from sicmir_atlas.errors import CorruptError, GoneError, InputError


def test_answers_are_data_frames(opened):
    got = opened.sql("SELECT dataset_id, status FROM datasets ORDER BY ALL")
    assert isinstance(got, pd.DataFrame)
    assert got.to_dict("list") == {
        "dataset_id": ["broken", "labelled", "refused", "silent", "unlabelled"],
        "status": ["failed", "included", "excluded", "failed", "included"],
    }


def test_values_equal_the_files(opened, atlas):
    path = next((atlas / "cell_mirna").glob("labelled-*"))
    stored = pq.read_table(path).to_pandas().set_index("cell_id")
    name = "hsa-miR-21-5p"
    got = opened.sql(
        f'SELECT cell_id, "{name}" FROM cell_mirna WHERE dataset_id = ?', ["labelled"]
    ).set_index("cell_id")
    assert (got[name].astype("float16") == stored.loc[got.index, name]).all()
    assert len(got) == 21


def test_arrow(opened):
    got = opened.arrow("SELECT mirna, reliability FROM mirnas ORDER BY position")
    assert got.num_rows == 1298
    assert str(got.schema.field("reliability").type) == "float"


def test_tables(opened):
    got = opened.tables().set_index("table")
    assert list(got.index) == list(TABLES)
    assert got.loc["cells", "rows"] == 42
    assert got.loc["datasets", "rows"] == 5
    assert got.loc["cells", "description"] == TABLES["cells"].description


def test_variables_of_the_caller_are_no_tables(opened):
    mine = pd.DataFrame({"x": [1]})
    with pytest.raises(QueryError, match="mine"):
        opened.sql("SELECT * FROM mine")
    assert len(mine) == 1


def test_an_error_of_sql_is_a_value_error(opened):
    with pytest.raises(ValueError, match="nowhere") as error:
        opened.sql("SELECT * FROM nowhere")
    assert error.value.exit_code == 64


@pytest.mark.parametrize("name", ["moved", "it's, a [new] home"])
def test_the_folder_can_be_moved_anywhere(tampered, tmp_path, name):
    moved = tmp_path / "far" / name
    moved.parent.mkdir()
    tampered.folder.rename(moved)
    assert validate(moved) == []
    with sa.open_atlas(moved) as atlas:
        assert atlas.sql("SELECT count(*) FROM cell_mirna").iat[0, 0] == 42


def test_a_folder_named_like_a_partition(tampered, tmp_path):
    moved = tmp_path / "dataset_id=none" / "year=2024"
    moved.parent.mkdir()
    tampered.folder.rename(moved)
    with sa.open_atlas(moved) as atlas:
        got = atlas.sql("FROM cells")
        assert set(got["dataset_id"]) == {"labelled", "unlabelled"}
        assert list(got.columns) == [column.name for column in TABLES["cells"].columns]


def published(folder):
    """Lay a folder out as a published one: small files in a build, reached by links."""
    build = folder / "builds/0123456789ab"
    build.mkdir(parents=True)
    for path in [p for p in folder.iterdir() if p.is_file()]:
        path.rename(build / path.name)
        path.symlink_to(f"current/{path.name}")
    (folder / "current").symlink_to("builds/0123456789ab")


def test_an_atlas_of_links(tampered):
    published(tampered.folder)
    for place in (".", "current", "builds/0123456789ab"):
        with sa.open_atlas(tampered.folder / place) as atlas:
            assert len(atlas.sql("FROM datasets")) == 5
            assert atlas.sql("SELECT count(*) FROM cell_mirna").iat[0, 0] == 42


def test_a_copy_that_followed_links(tampered, tmp_path):
    published(tampered.folder)
    shutil.copytree(tampered.folder, tmp_path / "copy")
    assert not (tmp_path / "copy/current").is_symlink()
    with sa.open_atlas(tmp_path / "copy") as atlas:
        assert atlas.sql("SELECT count(*) FROM cell_mirna").iat[0, 0] == 42


def test_an_atlas_in_a_folder_of_builds(tampered, tmp_path):
    (tmp_path / "builds").mkdir()
    tampered.folder.rename(tmp_path / "builds/mine")
    with sa.open_atlas(tmp_path / "builds/mine") as atlas:
        assert atlas.sql("SELECT count(*) FROM cell_mirna").iat[0, 0] == 42


def test_a_build_published_while_an_atlas_is_open(tampered, build, shards, tmp_path):
    """The link turns to another build: who opened the former one goes on reading that."""
    published(tampered.folder)
    other = build(tmp_path / "other", shards=shards[:1])
    published(other)
    (other / "builds/0123456789ab").rename(tampered.folder / "builds/ba9876543210")
    turned = tampered.folder / "next"
    with sa.open_atlas(tampered.folder) as before:
        turned.symlink_to("builds/ba9876543210")
        turned.replace(tampered.folder / "current")
        with sa.open_atlas(tampered.folder) as after:
            assert after.sql("SELECT count(*) FROM cell_mirna").iat[0, 0] == 21
        assert before.sql("SELECT count(*) FROM cell_mirna").iat[0, 0] == 42
        assert before.sql("SELECT count(*) FROM qc_losses").iat[0, 0] > 0


def test_a_file_that_goes_while_an_atlas_is_open(tampered):
    with sa.open_atlas(tampered.folder) as atlas:
        gone = tampered.path("cells")
        gone.unlink()
        with pytest.raises(GoneError, match=f"{gone}: is gone; .* open it again"):
            atlas.sql("FROM cells")


@pytest.mark.parametrize("path", ["../../secret.parquet", "/etc/passwd", "http://127.0.0.1/x"])
def test_a_database_that_lists_other_files(tampered, path):
    (tampered.folder / "atlas.duckdb").unlink()
    with duckdb.connect(str(tampered.folder / "atlas.duckdb")) as connection:
        connection.execute(
            'CREATE TABLE files (path VARCHAR, "table" VARCHAR, dataset_id VARCHAR, '
            "rows BIGINT, bytes BIGINT, sha256 VARCHAR)"
        )
        row = (path, "cells", "d1", 1, 1, "0" * 64)
        connection.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)", row)
    with pytest.raises(CorruptError, match="which is not in the atlas"):
        sa.open_atlas(tampered.folder)


def test_an_atlas_can_be_built_in_a_folder_of_any_name(build, tmp_path):
    atlas = build(tmp_path / "it's, a [new] home" / "atlas")
    assert validate(atlas) == []
    with sa.open_atlas(atlas) as opened:
        assert opened.sql("SELECT count(*) FROM pool_mirna").iat[0, 0] == 3


def test_a_relative_path_and_another_directory_later(tampered, tmp_path, monkeypatch):
    monkeypatch.chdir(tampered.folder.parent)
    with sa.open_atlas("atlas") as atlas:
        monkeypatch.chdir("/")
        assert atlas.sql("SELECT count(*) FROM cells").iat[0, 0] == 42


def test_duckdb_alone_inside_the_folder(tampered):
    script = (
        "import duckdb\n"
        "with duckdb.connect('atlas.duckdb', read_only=True) as c:\n"
        "    query = 'SELECT count(*), avg(\"hsa-miR-21-5p\") FROM cell_mirna'\n"
        "    print(c.execute(query).fetchone())\n"
        "    print(c.execute('SELECT count(*) FROM datasets').fetchone())\n"
    )
    said = subprocess.check_output([sys.executable, "-c", script], cwd=tampered.folder, text=True)
    assert said.startswith("(42, ")
    assert said.endswith("(5,)\n")


def test_comments_are_in_the_database(tampered):
    with duckdb.connect(str(tampered.folder / "atlas.duckdb"), read_only=True) as connection:
        query = "SELECT comment FROM duckdb_columns() WHERE table_name = ? AND column_name = ?"
        got = connection.execute(query, ["cells", "n_counts"]).fetchone()
        assert got == ("library size over all genes [UMI]",)


def test_an_atlas_can_be_opened_twice_and_left_as_it_was(tampered):
    before = (tampered.folder / "atlas.duckdb").read_bytes()
    with sa.open_atlas(tampered.folder) as one, sa.open_atlas(tampered.folder) as two:
        assert len(one.sql("FROM datasets")) == len(two.sql("FROM datasets")) == 5
    assert (tampered.folder / "atlas.duckdb").read_bytes() == before


def test_a_folder_nobody_may_write_to(tampered):
    tampered.folder.chmod(0o555)
    try:
        with sa.open_atlas(tampered.folder) as atlas:
            assert len(atlas.sql("FROM datasets")) == 5
    finally:
        tampered.folder.chmod(0o755)
    assert os.access(tampered.folder, os.W_OK)


def test_no_atlas(tmp_path):
    with pytest.raises(GoneError, match="no atlas here"):
        sa.open_atlas(tmp_path)


def test_an_atlas_of_another_major_version(tampered):
    tampered.edit_manifest(lambda m: m.update(schema_version="7.0.0"))
    with pytest.raises(InputError, match=r"schema 7\.0\.0; this version of sicmir-atlas reads 1\."):
        sa.open_atlas(tampered.folder)


def test_an_atlas_of_another_minor_version(tampered):
    tampered.edit_manifest(lambda m: m.update(schema_version="1.99.0"))
    with sa.open_atlas(tampered.folder) as atlas:
        assert len(atlas.sql("FROM datasets")) == 5


def test_an_atlas_of_other_tables(tampered):
    """An earlier minor version lacked a table, a later one will have one more."""
    with duckdb.connect(str(tampered.folder / "atlas.duckdb")) as connection:
        connection.execute("DROP TABLE missing_landmarks")
        row = ["later/a.parquet", "later", "a", 1, 1, "0" * 64]
        connection.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)", row)
    with sa.open_atlas(tampered.folder) as atlas:
        assert len(atlas.sql("FROM cells")) == 42
        with pytest.raises(QueryError, match="missing_landmarks"):
            atlas.sql("FROM missing_landmarks")
        assert "later" not in set(atlas.tables()["table"])


def test_a_broken_atlas_says_so(tampered):
    (tampered.folder / "atlas.duckdb").write_bytes(b"x" * 5000)
    with pytest.raises(CorruptError, match=r"cannot be opened.*sicmir-atlas validate"):
        sa.open_atlas(tampered.folder)


def test_an_atlas_without_one_of_its_files_says_so(tampered):
    tampered.path("cells").unlink()
    with pytest.raises(CorruptError, match=r"cannot be opened.*sicmir-atlas validate"):
        sa.open_atlas(tampered.folder)


def test_a_broken_manifest_says_so(tampered):
    (tampered.folder / "manifest.json").write_text("{")
    with pytest.raises(CorruptError, match=r"manifest\.json cannot be read"):
        sa.open_atlas(tampered.folder)
