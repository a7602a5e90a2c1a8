from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

import sicmir_atlas as sa
import simulated
from atlas_server import AtlasServer
from sicmir_atlas.atlas.consolidate import consolidate

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

ROWS = [
    {**simulated.ROW, "dataset_id": name}
    for name in ("labelled", "unlabelled", "refused", "broken", "silent")
]
VERDICTS = {
    "refused": {
        "dataset_id": "refused",
        "status": "excluded",
        "reason": "min_cells: 3 called cells",
        "facts": {"n_barcodes": 3, "sha256": "2" * 64, "tissues": ["blood"]},
    }
}
FAILURES = {"broken": "CorruptError: cut short", "labelled": "an earlier try was killed"}


@pytest.fixture(scope="session")
def shards(tmp_path_factory, model, predictor):
    """Shares of two datasets: one with labels, one landmark missing, and one without labels."""
    folder = tmp_path_factory.mktemp("shards")
    data = simulated.cells({"T cell": 8, "B cell": 7, "own": 6})
    made = []
    for name, cell_type in (("labelled", "obs:label"), ("unlabelled", None)):
        prepared = simulated.prepare(
            data[:, 1:].copy(),
            folder / "prepared" / name,
            dataset_id=name,
            cell_type=cell_type,
            donor="obs:label",
            profile=simulated.EVERYTHING.with_thresholds(min_genes=1),
        )
        made.append(simulated.predict(prepared, folder / "shards" / name, model, predictor))
    return made


@pytest.fixture(scope="session")
def build(shards, model):
    """Consolidate into a folder; arguments in place of the usual ones."""

    def build(output: Path, **changes: Any) -> Path:
        arguments = {
            "shards": shards,
            "verdicts": VERDICTS,
            "failures": FAILURES,
            "model": model,
            "parameters": {"qc_profile": "atlas", "seed": 0},
            **changes,
        }
        consolidate(arguments.pop("datasets", ROWS), output, **arguments)
        return output

    return build


@pytest.fixture(scope="session")
def atlas(build, tmp_path_factory):
    """Small atlas with every status; never changed by a test."""
    return build(tmp_path_factory.mktemp("small") / "atlas")


@dataclass(frozen=True)
class Tampered:
    """Copy of an atlas whose files can be changed behind the manifest's back, or with it."""

    folder: Path

    def path(self, table: str) -> Path:
        """First file of a table."""
        return self.folder / next(f["path"] for f in self.files() if f["table"] == table)

    def files(self) -> list[dict[str, Any]]:
        return json.loads((self.folder / "manifest.json").read_text())["files"]

    def table(self, table: str) -> pa.Table:
        return pq.read_table(self.path(table))

    def edit_manifest(self, change: Any) -> None:
        path = self.folder / "manifest.json"
        manifest = json.loads(path.read_text())
        change(manifest)
        path.write_text(json.dumps(manifest))

    def rewrite(self, table: str, content: pa.Table | bytes) -> None:
        """Replace a table's first file, and what the manifest says of it."""
        path = self.path(table)
        path.unlink()  # a hard link must not change its other name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            pq.write_table(content, path)

        def change(manifest: dict[str, Any]) -> None:
            name = path.relative_to(self.folder).as_posix()
            entry = next(f for f in manifest["files"] if f["path"] == name)
            data = path.read_bytes()
            entry.update(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
            if not isinstance(content, bytes):
                entry["rows"] = content.num_rows

        self.edit_manifest(change)


@pytest.fixture
def tampered(atlas, tmp_path):
    """Copy of the small atlas, to be changed."""
    shutil.copytree(atlas, tmp_path / "atlas")
    return Tampered(tmp_path / "atlas")


@pytest.fixture(scope="session")
def state():
    """Give a function that tells whether a folder is as it was."""
    return lambda folder: {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*")}


@pytest.fixture(scope="module", params=["folder", "web", "web without ranges"])
def opened(atlas, state, request, tmp_path_factory):
    """The small atlas, in its folder and over http."""
    before = state(atlas)
    if request.param == "folder":
        with sa.open_atlas(atlas) as opened:
            yield opened
    else:
        cache = tmp_path_factory.mktemp("cache")
        with (
            AtlasServer(atlas, ranges=request.param == "web") as server,
            sa.open_atlas(server.address, cache=cache) as opened,
        ):
            yield opened
    assert state(atlas) == before
