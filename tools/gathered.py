"""What CONSOLIDATE, VALIDATE and REPORT cost for many datasets: copies of one, under new names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sicmir_atlas.atlas.files import TableWriter
from sicmir_atlas.atlas.schema import TABLES
from sicmir_atlas.atlas.shard import Shard

__all__ = ["gathered"]

STEP = Path(__file__).resolve().parents[1] / "bin/sicmir-step"


def gathered(folder: Path, shard: Path, n: int) -> dict[str, dict[str, float]]:
    """By step: seconds, CPU seconds and the most memory in MB; no predictions per cell."""
    folder.mkdir(parents=True)
    names = [f"copy_{number:05d}" for number in range(n)]
    for name in names:
        copy(Shard(shard), folder / "shards" / name, name)
        facts = folder / "facts" / name / "facts.json"
        facts.parent.mkdir(parents=True)
        facts.write_text(json.dumps({"row": name, "dataset_id": name, "columns": {}}))
    rows = [{"dataset_id": name, "source": "file", "organism": "Homo sapiens"} for name in names]
    (folder / "checked.json").write_text(json.dumps(rows))
    about = ("--datasets", folder / "checked.json", "--facts", folder / "facts")
    atlas = folder / "atlas"
    figures = {
        "CONSOLIDATE": cost("consolidate", *about, "--shards", folder / "shards", "-o", atlas),
        "VALIDATE": cost("validate", atlas),
        "REPORT": cost("report", atlas, "-o", folder / "report.html"),
        "a question": cost("sql", atlas, "SELECT count(*) FROM cells"),
    }
    assert json.loads((atlas / "manifest.json").read_text())["datasets"].keys() == set(names)
    return figures


def copy(shard: Shard, target: Path, name: str) -> None:
    files = []
    target.mkdir(parents=True)
    for file in shard.files:
        if file.table != "cell_mirna":
            table = pq.read_table(shard.folder / file.path)
            field = table.schema.field("dataset_id")
            named = pa.array([name] * len(table), field.type)
            table = table.set_column(table.schema.get_field_index(field.name), field, named)
            about = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
            spec = TABLES[file.table]
            with TableWriter(target, spec, metadata=about, dataset_id=name) as writer:
                writer.write(table)
            assert writer.file is not None
            files.append(writer.file)
    dataset = {**shard.dataset, "dataset_id": name}
    Shard(target).write(dataset=dataset, versions=shard.versions, files=files)


def cost(*command: str | Path) -> dict[str, float]:
    start = time.monotonic()
    step = subprocess.Popen([sys.executable, STEP, *command], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(step.pid, 0)
    step.returncode = os.waitstatus_to_exitcode(status)
    if step.returncode:
        raise subprocess.CalledProcessError(step.returncode, str(command[0]))
    spent = {"s": time.monotonic() - start, "cpu_s": used.ru_utime + used.ru_stime}
    return spent | {"mb": used.ru_maxrss / 1024}
