"""What was left out of a dataset, or could not be read, said in few lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sicmir_atlas import formats
from sicmir_atlas.errors import ExcludedDataset, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sicmir_atlas.sources.geo.soft import Entity

__all__ = ["ARRAYS", "SPOTS", "Findings", "shown"]

ARRAYS = "array"
SPOTS = "spots on slides (spatial)"
_FEW = 3


@dataclass
class Findings:
    """Gathered while files are chosen.

    Parameters
    ----------
    mixed
        Some samples are called RNA libraries, so that others may be of another kind.
    left
        Samples left out, by reason.
    choices
        What was left of each sample's own files.
    errors
        Why a sample's files cannot be read.
    ignored
        Files beside a series whose samples have their own.
    """

    mixed: bool
    left: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    errors: dict[str, InputError] = field(default_factory=dict)
    ignored: Sequence[str] = ()

    def leave(self, accession: str, *, why: str) -> None:
        """Note once that a sample is left out."""
        names = self.left.setdefault(why, [])
        if accession not in names:
            names.append(accession)

    def notes(self, taken: Sequence[Entity], samples: Sequence[Entity]) -> tuple[str, ...]:
        """Explain the choice: reasons first, then samples without counts, then each choice."""
        notes = [f"left out as {why}: {shown(names)}" for why, names in self.left.items()]
        said = {name for names in self.left.values() for name in names}
        said |= {sample.accession for sample in taken} | set(self.errors)
        without = [s.accession for s in samples if s.accession not in said]
        if without:
            notes.append(f"left out, as no file of theirs holds counts: {shown(without)}")
        notes += [f"left out: {whose}: {error}" for whose, error in self.errors.items()]
        beside = [n for n in self.ignored if formats.role_of(n) not in {"other", "spatial"}]
        if beside:
            notes.append(f"samples' own files are taken; left beside the series: {shown(beside)}")
        told = [f"{whose}: {text}" for whose, texts in self.choices.items() for text in texts]
        notes += told[:_FEW]
        if len(told) > _FEW:
            notes.append(f"and {len(told) - _FEW} more choices of the same kinds")
        if told or beside:
            notes.append("to take others, name them in column files")
        return tuple(notes)

    def nothing(
        self, names: Iterable[str], *, series: Iterable[str] = ()
    ) -> ExcludedDataset | InputError:
        """Say why none of these files was taken, and which series may have others."""
        if self.errors:
            return next(iter(self.errors.values()))
        if set(self.left) == {SPOTS}:
            figure = (
                f"{shown(self.left[SPOTS])}: {SPOTS}; dissociated cells and nuclei are included"
            )
            return ExcludedDataset("spatial", figure)
        if set(self.left) == {ARRAYS}:
            figure = f"{shown(self.left[ARRAYS])}: measured by array; UMI counts are included"
            return ExcludedDataset("umi", figure)
        others = sorted(names)
        there = f"no count file among {shown(others)}" if others else "GEO holds no file of it"
        left = [f"{len(of)} left out as {why}" for why, of in self.left.items()]
        figure = "; ".join([there, *left])
        whole = list(dict.fromkeys(series))
        if whole:
            figure += f"; files of all samples together may lie with {shown(whole)}: give that"
        figure += "; reads only in SRA have to be counted first: use source file then"
        return ExcludedDataset("raw_counts", figure)


def shown(names: Sequence[str], most: int = 12) -> str:
    """Names in one line, not too many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
