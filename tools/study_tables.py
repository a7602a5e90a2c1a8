#!/usr/bin/env python3
"""Write figures and tables of the study into docs/models.md and docs/figures.

    tools/study_tables.py build/study build/study/ridges/models.json … --samples … --measured …

A table lies between ``<!-- study NAME -->`` and ``<!-- end -->``. What was not run is left as it
is, said, and makes the exit status 1.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

import study_experiments
import study_models
from study_results import Study

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]

BLOCKS: dict[str, Callable[[Study], str]] = {
    name: getattr(module, name)
    for module in (study_models, study_experiments)
    for name in module.__all__
}
FIGURES = {
    "learning_curve": "learning_curve/learning_curve",
    "calibration": "calibration/calibration",
    "models": "ridges/models",
    "features": "features/features",
    "cancers": "cancers/cancers",
    "percell": "percell/percell",
    "markers": "markers/markers",
    "stress": "{}/stress/stress",
    "hubs": "{}/hubs/hubs",
    "modules": "{}/modules/modules",
    "attributions": "{}/attributions/attributions",
}
"""Name on the page, and place; {} is the first of the models that are judged."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of the study")
    parser.add_argument("summaries", type=Path, nargs="+", help="JSON files of its experiments")
    parser.add_argument("--samples", type=Path, required=True, help="cohort and type of samples")
    parser.add_argument("--measured", type=Path, required=True, help="measured mature miRNAs")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    chosen = parser.parse_args()
    study = Study(
        chosen.folder,
        tuple(path for path in chosen.summaries if path.exists()),
        chosen.samples,
        chosen.measured,
        ROOT / "bin/sicmir_atlas/data/models",
    )
    page = chosen.docs / "models.md"
    text, missing = with_blocks(page.read_text(encoding="utf-8"), study)
    page.write_text(text, encoding="utf-8")
    missing += copy_figures(study, chosen.docs / "figures")
    sys.exit("\n".join(missing) or 0)


def with_blocks(text: str, study: Study) -> tuple[str, list[str]]:
    """Put every block in its place on the page; say which are left as they are."""
    missing = []
    for name, make in BLOCKS.items():
        try:
            made = make(study)
        except FileNotFoundError as absent:
            missing.append(f"{name}: left as it is, for {absent.filename} is not there")
            continue
        start, end = f"<!-- study {name} -->\n", "<!-- end -->"
        pattern = re.compile(f"{start}.*?{end}", re.DOTALL)
        text, n_places = pattern.subn(lambda _, new=f"{start}{made}\n{end}": new, text)
        if n_places != 1:
            sys.exit(f"docs/models.md has {n_places} places for {name}")
    return text, missing


def copy_figures(study: Study, folder: Path) -> list[str]:
    missing = []
    folder.mkdir(exist_ok=True)
    for name, place in FIGURES.items():
        try:
            file = study.file(place.format(study.judged()[0]) if "{" in place else place, "svg")
            shutil.copyfile(file, folder / f"{name}.svg")
        except FileNotFoundError as absent:
            missing.append(f"{name}.svg: left as it is, for {absent.filename} is not there")
    return missing


if __name__ == "__main__":
    main()
