"""Forty datasets, three of them broken in different ways: the others make an atlas."""

from __future__ import annotations

import pytest

from servers import FaultyServer
from sicmir_atlas.atlas.query import open_atlas
from sicmir_atlas.atlas.validate import validate

pytestmark = pytest.mark.slow

N = 40
AT_ONCE = """
process { withName: '.*' { cpus = 1; memory = '2 GB' } }
executor.cpus = 4
"""
BROKEN = {
    "d07": "FETCH: column url: d07.h5ad: cut short: 9000 bytes of ",
    "d19": "PREPARE: d19: column cell_type names obs:louvain, which the cells lack; they have: ",
    "d31": "FETCH: http://",
}


def held(atlas, *, broken):
    """All datasets are told of, the broken ones by their reasons, and the others are there."""
    assert validate(atlas) == []
    with open_atlas(atlas) as opened:
        told = opened.sql("SELECT dataset_id, status, reason FROM datasets").itertuples(index=False)
        cells = opened.sql("SELECT DISTINCT dataset_id FROM cells")["dataset_id"]
    by = {name: (status, reason) for name, status, reason in told}
    assert by.keys() == {f"d{seed:02}" for seed in range(N)}
    assert set(cells) == by.keys() - broken.keys()
    for name, (status, reason) in by.items():
        assert status == ("failed" if name in broken else "included")
        assert name not in broken or broken[name] in reason


def test_three_of_forty_are_broken_and_one_is_mended(nextflow, sheet, own, small, tmp_path):
    rows = [own(f"d{seed:02}", seed) for seed in range(N)]
    unnamed, gone = rows[19], rows[31]
    path = tmp_path / "data/d07.h5ad"
    whole = path.read_bytes()
    path.write_bytes(whole[:9000])
    unnamed["cell_type"] = "obs:louvain"
    out, config = tmp_path / "out", tmp_path / "at_once.config"
    config.write_text(AT_ONCE)
    with FaultyServer({"d31.h5ad": b""}) as server:
        gone |= {"source": "url", "url": server.url("status404", "d31.h5ad")}
        options = ("--input", sheet(*rows), "--outdir", out, *small, "-c", config)

        first = nextflow.run(*options, timeout=3600)
        assert first.code == 1, first.output
        assert "Datasets: 37 included, 0 excluded, 3 failed" in first.output
        assert first.output.count("\n  failed d") == 3
        for name, said in BROKEN.items():
            assert f"\n  failed {name}: {said}" in first.output, first.output
        assert "d31.h5ad: HTTP 404 Not Found: the server refuses d31.h5ad; check the address" in (
            first.output
        )
        held(out / "atlas", broken=BROKEN)

        path.write_bytes(whole)
        again = nextflow.run(*options, "-resume", timeout=3600)

    # of what failed nothing is cached: what is still broken is tried again, and nothing else
    assert again.code == 1
    redone = {f"{step} (d07)" for step in ("FETCH", "PREPARE", "PREDICT")}
    tried = {"PREPARE (d19)", "FETCH (d31)"}
    assert set(again.not_cached()) == redone | tried | {"CONSOLIDATE", "VALIDATE", "REPORT"}
    assert {name for name, status in again.statuses().items() if status == "FAILED"} == tried
    assert "Datasets: 38 included, 0 excluded, 2 failed" in again.output
    held(out / "atlas", broken={name: BROKEN[name] for name in ("d19", "d31")})
