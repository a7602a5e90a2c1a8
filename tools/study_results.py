"""Results of `make study` by their paths, and Markdown tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Study", "markdown"]


@dataclass(frozen=True)
class Study:
    """Experiments that were run, and no other that may lie beside them.

    Parameters
    ----------
    folder
        Where the experiments were written.
    summaries
        Their JSON files.
    samples, measured
        Cohort and type of the samples; matrix of those with measured mature miRNAs.
    models
        Folder of the shipped models.
    """

    folder: Path
    summaries: tuple[Path, ...]
    samples: Path
    measured: Path
    models: Path

    def summary(self, place: str) -> dict[str, Any]:
        """Read the summary at ``FOLDER/NAME``."""
        return dict(json.loads(self.file(place, "json").read_text()))

    def table(self, place: str) -> pd.DataFrame:
        """Read the table at ``FOLDER/NAME``."""
        return pd.read_csv(self.file(place, "csv"))

    def file(self, place: str, ending: str) -> Path:
        """Find a file of an experiment.

        Raises
        ------
        FileNotFoundError
            When the experiment was not run.
        """
        summary = self.folder / f"{place}.json"
        if summary not in self.summaries:
            raise FileNotFoundError(2, "not run", str(summary))
        return summary.with_suffix(f".{ending}")

    def places(self, name: str) -> list[str]:
        """Places of all results of one name, in order.

        Raises
        ------
        FileNotFoundError
            When there is none.
        """
        found = [path for path in self.summaries if path.stem == name]
        if not found:
            raise FileNotFoundError(2, "not run", str(self.folder / f"*/{name}.json"))
        return [str(path.relative_to(self.folder).with_suffix("")) for path in found]

    def judged(self) -> list[str]:
        """Names of the models that are judged on samples they have not seen, the default first."""
        return [place.split("/")[0] for place in self.places("hubs")]

    def cards(self) -> dict[str, dict[str, Any]]:
        """Cards of the shipped models by name."""
        files = sorted(self.models.glob("*/model.json"))
        return {path.parent.name: json.loads(path.read_text()) for path in files}


def markdown(rows: list[dict[str, str]]) -> str:
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(row[name] for name in names) + " |" for row in rows]
    return "\n".join(lines)
