"""Two runs into one output folder: the second is refused, and a crash keeps no one out."""

from __future__ import annotations

import os
import signal
import time

HANGS = "process { withName: RESOLVE { beforeScript = 'touch \"%s\"; sleep 600' } }\n"


def test_the_second_is_refused_until_the_first_is_killed(nextflow, sheet, tmp_path):
    model, out, reached = tmp_path / "model", tmp_path / "out", tmp_path / "reached"
    model.mkdir()
    (model / "model.json").write_text("{}")
    row = {"dataset_id": "one", "source": "url", "url": "https://example.org/b.h5ad"}
    options = ("--model", model, "--outdir", out, "-stub-run", "--input")
    rows = sheet(row)
    hangs = tmp_path / "hangs.config"
    hangs.write_text(HANGS % reached)

    # a command that cannot be right takes no folder
    run = nextflow.run(*options, rows.with_name("datasest.csv"))
    assert run.code == 1
    assert "datasest.csv" in run.output
    assert not (out / ".lock").exists()

    first = nextflow.start(*options, rows, "-c", hangs)
    try:
        end = time.monotonic() + 400
        while not reached.exists():
            assert first.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        second = nextflow.run(*options, rows)
        assert second.code == 1
        assert second.tasks == []
        assert f"Another run is writing into {out}: wait for it, or give another" in second.output
        assert first.poll() is None
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait(timeout=60)

    assert (out / ".lock").exists(), "the file stays, and locks no one out"
    third = nextflow.run(*options, rows)
    assert third.code == 0, third.output
    assert (out / "stub_atlas/manifest.json").exists()
