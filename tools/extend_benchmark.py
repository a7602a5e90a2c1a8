"""Time how an atlas of many simulated datasets is extended by one: FOLDER [N].

Three runs in one go: N datasets from nothing; one more dataset alone, which is its own work; and
the atlas of N extended by it, without a work folder of former runs. The extended atlas is checked
against both before a time is printed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from simulated_datasets import write, write_sheet

from sicmir_atlas.atlas.validate import validate

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    folder, n = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 60
    rows = [write(folder / "data", number) for number in range(n + 1)]
    seconds = {
        "from nothing": run(folder, "atlas", rows[:n]),
        "the new one alone": run(folder, "alone", rows[n:]),
    }
    before = files(folder / "atlas/atlas")
    seconds["extended by it"] = run(
        folder, "atlas", rows, "--atlas", str(folder / "atlas/atlas"), work="extension"
    )
    check(folder, before, n)
    for what, taken in seconds.items():
        print(f"{n} datasets, {what}: {taken:.0f} s")
    more = seconds["extended by it"] - seconds["the new one alone"]
    print(f"extending costs {more:+.0f} s on top of the new dataset's own run")


def run(folder: Path, outdir: str, rows: list[dict[str, str]], *more: str, work: str = "") -> float:
    sheet = write_sheet(folder / f"{outdir}{work}.csv", rows)
    place = folder / "work" / (work or outdir)
    place.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    subprocess.run(
        [
            *(ROOT / "tools/nextflow", "-q", "run", ROOT / "main.nf", "-profile", "test"),
            *("--input", sheet, "--outdir", folder / outdir, "-w", place, *more),
        ],
        cwd=place,
        check=True,
    )
    return time.monotonic() - start


def files(atlas: Path) -> dict[str, str]:
    manifest = json.loads((atlas / "manifest.json").read_text())
    return {f["path"]: f["sha256"] for f in manifest["files"] if "dataset_id" in f}


def check(folder: Path, before: dict[str, str], n: int) -> None:
    """Refuse to time what is not the same: all files of the datasets as they were made."""
    assert validate(folder / "atlas/atlas") == []
    after = files(folder / "atlas/atlas")
    assert after == {**before, **files(folder / "alone/atlas")}
    assert len(after) - len(before) == 3
    assert len(before) >= 2 * n


if __name__ == "__main__":
    main()
