"""An atlas over http answers as its folder does, reads little, and says what went wrong."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import duckdb
import pandas as pd
import pytest

import sicmir_atlas as sa
import simulated
from atlas_server import AtlasServer
from sicmir_atlas.atlas.schema import TABLES
from sicmir_atlas.errors import GoneError, InputError, UnavailableError

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"^```sql\n(.*?)^```", re.MULTILINE | re.DOTALL)
QUERIES = BLOCK.findall((ROOT / "docs/sql.md").read_text())
ONE_COLUMN = (
    'SELECT cell_type, count(*) AS n, median("hsa-miR-21-5p") AS m FROM cell_mirna '
    "WHERE dataset_id = 'large' GROUP BY ALL ORDER BY ALL"
)


@pytest.fixture
def server(atlas):
    with AtlasServer(atlas) as server:
        yield server


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def large(build, shards, tmp_path_factory, model, predictor):
    """Atlas with one simulated dataset of 5,000 cells beside the two small ones."""
    folder = tmp_path_factory.mktemp("large")
    prepared = simulated.prepare(
        simulated.cells({"T cell": 3000, "B cell": 2000}), folder / "prepared", dataset_id="large"
    )
    shard = simulated.predict(prepared, folder / "shard", model, predictor)
    rows = [{**simulated.ROW, "dataset_id": n} for n in ("labelled", "large", "unlabelled")]
    return build(folder / "atlas", datasets=rows, shards=[*shards, shard], verdicts={})


def same(one, other):
    """Compare answers whatever the order of their rows."""
    ways = [
        frame.sort_values(list(frame.columns), key=lambda c: c.astype(str))
        for frame in (one, other)
    ]
    pd.testing.assert_frame_equal(*(frame.reset_index(drop=True) for frame in ways))


# what is answered


@pytest.fixture(scope="module", params=["ranges", "no ranges", "python -m http.server", "httpfs"])
def pair(demo_atlas, request, tmp_path_factory):
    """The demo atlas in its folder and on a server."""
    options = {"cache": tmp_path_factory.mktemp("cache")}
    if request.param == "httpfs" and not has_httpfs():
        pytest.skip("DuckDB's httpfs is not installed")
    with sa.open_atlas(demo_atlas) as here:
        if request.param == "python -m http.server":
            handler = partial(Silent, directory=str(demo_atlas.parent))
            with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
                Thread(target=server.serve_forever, args=(0.01,)).start()
                address = f"http://127.0.0.1:{server.server_address[1]}/{demo_atlas.name}/"
                with sa.open_atlas(address, **options) as there:
                    yield here, there
                server.shutdown()
        else:
            with (
                AtlasServer(demo_atlas, ranges=request.param != "no ranges") as server,
                sa.open_atlas(server.address, **options) as there,
            ):
                yield here, there


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def has_httpfs():
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        try:
            connection.execute("LOAD httpfs")
        except duckdb.Error:
            return False
    return True


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_answers_are_those_of_the_folder(pair, query):
    here, there = pair
    same(here.sql(query), there.sql(query))


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_those_of_the_folder(pair, table):
    here, there = pair
    same(here.sql(f"DESCRIBE {table}"), there.sql(f"DESCRIBE {table}"))
    expected = here.arrow(f"FROM {table} ORDER BY ALL")
    assert there.arrow(f"FROM {table} ORDER BY ALL").equals(expected)
    same(here.tables(), there.tables())


def test_an_atlas_without_cells(build, cache, tmp_path):
    with (
        AtlasServer(build(tmp_path / "atlas", shards=[])) as server,
        sa.open_atlas(server.address, cache=cache) as atlas,
    ):
        assert len(atlas.sql("FROM cell_mirna")) == 0
        assert len(atlas.sql("FROM datasets")) == 5


# what is read


def test_opening_reads_no_large_file_and_a_second_time_nothing(server, cache):
    for expected in (2, 1):
        with sa.open_atlas(server.address, cache=cache) as atlas:
            assert len(atlas.sql("FROM datasets")) == 5
            assert atlas.tables()["rows"].sum() > 0
        assert {r.path for r in server.requests} <= {"manifest.json", "atlas.duckdb"}
        assert server.counted() == expected
    assert server.sent() == 0


def test_one_column_is_a_small_share_of_a_file(large, cache):
    size = next((large / "cell_mirna").glob("large-*")).stat().st_size
    with sa.open_atlas(large) as here, AtlasServer(large) as server:
        with sa.open_atlas(server.address, cache=cache) as atlas:
            before = server.sent()
            same(atlas.sql(ONE_COLUMN), here.sql(ONE_COLUMN))
            assert 5000 < server.sent("cell_mirna") < 0.05 * size
            assert {r.path for r in server.requests if r.range} == {
                next((large / "cell_mirna").glob("large-*")).relative_to(large).as_posix()
            }
            assert before < server.sent()
            server.counted()
            atlas.sql(ONE_COLUMN)
            assert server.counted() == 0  # what was read stays
        with sa.open_atlas(server.address, cache=cache) as atlas:
            server.counted()
            same(atlas.sql(ONE_COLUMN), here.sql(ONE_COLUMN))
            assert server.sent() < 0.01 * size  # the footer was kept


def test_a_server_without_ranges_sends_a_file_once(large, cache, caplog):
    caplog.set_level("INFO", "sicmir_atlas.atlas.remote.ranges")
    path = next((large / "cell_mirna").glob("large-*"))
    with sa.open_atlas(large) as here, AtlasServer(large, ranges=False) as server:
        for _ in range(2):
            with sa.open_atlas(server.address, cache=cache) as atlas:
                same(atlas.sql(ONE_COLUMN), here.sql(ONE_COLUMN))
        whole = [r for r in server.requests if r.sent == path.stat().st_size]
        assert [r.range for r in whole] == [None]
        assert {r.path for r in server.requests if r.path.startswith("cell_mirna/")} == {
            path.relative_to(large).as_posix()
        }
    assert [m for m in caplog.messages if "sends no ranges: downloading" in m]


def test_datasets_that_a_join_leaves_out_are_not_read(large, cache):
    query = (
        'SELECT dataset_id, avg("hsa-miR-141-3p") FROM cell_mirna '
        "JOIN cells USING (dataset_id, cell_id) WHERE dataset_id = 'labelled' GROUP BY ALL"
    )
    with AtlasServer(large) as server, sa.open_atlas(server.address, cache=cache) as atlas:
        assert len(atlas.sql(query)) == 1
        assert not [r.path for r in server.requests if "/large-" in r.path]


def test_footers_are_kept_by_checksum(server, cache, atlas):
    with sa.open_atlas(server.address, cache=cache) as opened:
        opened.sql('SELECT avg("hsa-miR-21-5p") FROM cell_mirna')
    path = next((atlas / "cell_mirna").glob("labelled-*"))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (footer,) = cache.glob(f"atlases/*/{digest[:24]}.footer")
    assert path.read_bytes().endswith(footer.read_bytes())
    footer.write_bytes(footer.read_bytes()[:-100])  # spoilt: it is read anew
    with sa.open_atlas(server.address, cache=cache) as opened:
        assert opened.sql('SELECT count("hsa-miR-21-5p") FROM cell_mirna').iat[0, 0] == 42
    assert path.read_bytes().endswith(footer.read_bytes())


# builds


def test_a_new_build_is_noticed(server, build, shards, cache, tmp_path):
    with sa.open_atlas(server.address, cache=cache) as before:
        server.folder = build(tmp_path / "other", shards=shards[:1])
        with sa.open_atlas(server.address, cache=cache) as after:
            assert after.sql("SELECT count(*) FROM cell_mirna").iat[0, 0] == 21
        with pytest.raises(GoneError, match=r"is not on the server; .* open it again"):
            before.sql("SELECT count(*) FROM cell_mirna")
        assert len(before.sql("FROM datasets")) == 5


def test_without_etags_the_manifest_alone_is_asked_for_again(server, cache):
    server.etags = False
    for _ in range(2):
        with sa.open_atlas(server.address, cache=cache) as atlas:
            assert len(atlas.sql("FROM cells")) == 42
    assert [r.path for r in server.requests].count("atlas.duckdb") == 1
    assert [r.path for r in server.requests].count("manifest.json") == 2


def test_a_build_published_between_two_requests(server, build, shards, cache, tmp_path):
    other = build(tmp_path / "other", shards=shards[:1])
    server.meanwhile = lambda _: setattr(server, "folder", other)
    with sa.open_atlas(server.address, cache=cache) as atlas:
        assert atlas.sql("SELECT count(*) FROM cell_mirna").iat[0, 0] == 21
        assert len(atlas.manifest["files"]) == atlas.sql("SELECT count(*) FROM files").iat[0, 0]
    assert len(list(cache.glob("atlases/*/*/manifest.json"))) == 1


def test_files_that_stay_of_two_builds(server, build, shards, cache, tmp_path):
    other = build(tmp_path / "other", shards=shards[:1])
    server.replies["atlas.duckdb"] = (other / "atlas.duckdb").read_bytes()
    with pytest.raises(UnavailableError, match=r"of two builds: one is being published.*later"):
        sa.open_atlas(server.address, cache=cache, tries=2)
    assert not list(cache.glob("atlases/*/*"))


@pytest.mark.skipif("not has_httpfs()")
def test_a_file_that_goes_where_httpfs_reads(server, cache, atlas):
    name = next((atlas / "cells").glob("labelled-*")).relative_to(atlas).as_posix()
    with sa.open_atlas(server.address, cache=cache) as opened:
        assert opened._home._filesystem is None
        server.replies[name] = 404
        with pytest.raises(GoneError, match=r"127.*; if it was published anew, open it again"):
            opened.sql("FROM cells")


def test_links_are_followed_by_the_server(atlas, cache, tmp_path):
    folder = tmp_path / "atlas"
    shutil.copytree(atlas, folder)
    (folder / "builds/b").mkdir(parents=True)
    for path in [p for p in folder.iterdir() if p.is_file()]:
        path.rename(folder / "builds/b" / path.name)
        path.symlink_to(f"current/{path.name}")
    (folder / "current").symlink_to("builds/b")
    with AtlasServer(folder) as server, sa.open_atlas(server.address, cache=cache) as opened:
        assert opened.sql("SELECT count(*) FROM cell_mirna").iat[0, 0] == 42


# the cache


def test_many_at_once(server, cache):
    def ask(_):
        with sa.open_atlas(server.address, cache=cache) as atlas:
            return atlas.sql('SELECT avg("hsa-miR-21-5p") FROM cell_mirna').iat[0, 0]

    server.ranges = False
    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(6)))) == 1
    (folder,) = cache.glob("atlases/*")
    assert len(list(folder.glob("*/manifest.json"))) == 1
    assert not list(folder.glob(".part-*"))


def test_no_half_file_is_left_or_used(server, cache):
    server.cut["atlas.duckdb"] = 1
    with pytest.raises(UnavailableError, match=r"atlas\.duckdb: unavailable after 1 tries"):
        sa.open_atlas(server.address, cache=cache, tries=1)
    assert not [p for p in cache.rglob("*") if p.is_file()]
    with sa.open_atlas(server.address, cache=cache) as atlas:
        assert len(atlas.sql("FROM datasets")) == 5


def test_what_nobody_used_for_a_month_goes(server, build, shards, cache, tmp_path):
    sa.open_atlas(server.address, cache=cache).close()
    (old,) = cache.glob("atlases/*/*")
    os.utime(old, (0, 0))
    server.folder = build(tmp_path / "other", shards=shards[:1])
    sa.open_atlas(server.address, cache=cache).close()
    assert not old.exists()
    assert len(list(cache.glob("atlases/*/*"))) == 1


def test_the_cache_is_where_it_was_asked_for(server, monkeypatch, tmp_path):
    for name, place in (
        ("SICMIR_CACHE", tmp_path / "a"),
        ("XDG_CACHE_HOME", tmp_path / "b/sicmir-atlas"),
        ("HOME", tmp_path / "c/.cache/sicmir-atlas"),
    ):
        with monkeypatch.context() as here:
            for other in ("SICMIR_CACHE", "XDG_CACHE_HOME"):
                here.delenv(other, raising=False)
            here.setenv(name, str(tmp_path / place.relative_to(tmp_path).parts[0]))
            sa.open_atlas(server.address).close()
        assert list(place.glob("atlases/127.0.0.1_*/*/atlas.duckdb"))


def test_a_cache_of_any_name(server, tmp_path):
    cache = tmp_path / "it's, a [new] home" / "year=2024"
    server.ranges = False
    with sa.open_atlas(server.address, cache=cache) as atlas:
        got = atlas.sql("FROM cells")
    assert list(got.columns) == [column.name for column in TABLES["cells"].columns]
    assert set(got["dataset_id"]) == {"labelled", "unlabelled"}


def test_a_cache_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        InputError, match=r"cache cannot be written .*; name another .*SICMIR_CACHE"
    ):
        sa.open_atlas(server.address, cache=tmp_path / "file/cache")
