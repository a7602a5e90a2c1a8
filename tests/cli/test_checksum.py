from __future__ import annotations

import csv
import hashlib
import json

from sicmir_atlas.cli.checksum import checksum


def test_checksums_are_those_that_fetch_records(demo_data, tmp_path, monkeypatch):
    """Of one file, of several, and of one that is not there, as the pipeline stages them."""
    monkeypatch.chdir(tmp_path)
    with (demo_data / "datasets.csv").open() as file:
        rows = {row["dataset_id"]: row for row in csv.DictReader(file)}
    blood, lung = rows["demo_blood"], rows["demo_lung"]
    gone = {**blood, "dataset_id": "gone", "url": "gone.h5ad"}
    entries = [{"row": row, "local": [str(demo_data)]} for row in (blood, lung, gone)]
    (tmp_path / "datasets.json").write_text(json.dumps(entries))
    checksum(datasets=tmp_path / "datasets.json", output=tmp_path / "sums.json")
    sums = json.loads((tmp_path / "sums.json").read_text())
    assert (
        sums["demo_blood"]
        == hashlib.sha256((demo_data / "demo_blood.h5ad").read_bytes()).hexdigest()
    )
    names = sorted(lung["url"].split("|"))
    listed = "".join(
        f"{hashlib.sha256((demo_data / name).read_bytes()).hexdigest()}  {name}\n" for name in names
    )
    assert sums["demo_lung"] == hashlib.sha256(listed.encode()).hexdigest()
    assert sums["gone"] is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets.json", "sums.json"]
