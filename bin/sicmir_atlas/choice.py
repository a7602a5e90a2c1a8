"""Which of several files of counts to take, and why, from their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from sicmir_atlas.errors import InputError
from sicmir_atlas.formats import GSM, by_role, libraries_of, refuse, role_of, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sicmir_atlas.formats import Format

__all__ = ["Choice", "choose", "choose_each"]

_UNFILTERED = re.compile(
    r"raw_(feature|gene)_bc|unfiltered"
    r"|(^|[._/-])raw(?![._-]?(counts?|umi|data|tar|matrix[.](csv|tsv|txt)))([._/-]|$)"
)
_NO_COUNTS = re.compile(
    r"tpm|fpkm|rpkm|cpm|norm(?!al(?!i[sz])|o)|scaled|log2|logcounts|integrated|batch_?correct"
)
_PREFERENCE: tuple[Format, ...] = ("10x_h5", "mtx", "h5ad", "loom", "csv")


@dataclass(frozen=True)
class Choice:
    """Files to take, and why these, for people."""

    files: tuple[str, ...]
    notes: tuple[str, ...] = ()


def choose(names: Sequence[str], wanted: str | None = None) -> Choice:
    """Choose the count files among all that a source offers.

    Without a wish: matrices of called cells before unfiltered ones, raw counts before normalised
    tables, and of one sample's formats the first of 10x_h5, mtx, h5ad, loom and csv.

    Parameters
    ----------
    names
        File names, of one sample or of a whole series.
    wanted
        Names or globs, separated by ``|``: exactly these are taken.

    Raises
    ------
    InputError
        If a wish fits no file, or every file of counts is in a format that cannot be read.
    """
    if wanted:
        return Choice(_wanted(names, wanted))
    notes = []
    for what, pattern in (("unfiltered", _UNFILTERED), ("normalised by its name", _NO_COUNTS)):
        left = [n for n in names if _countlike(n) and pattern.search(n.lower())]
        rest = [n for n in names if n not in left]
        if left and any(map(_countlike, rest)):
            names = rest
            notes.append(f"left out as {what}: {shown(left)}")
    roles = by_role(names)
    found = libraries_of(roles)
    formats = [name for name in _PREFERENCE if any(lib.format == name for lib in found)]
    if not found and not roles["archive"]:
        refuse(roles["refused"])
        return Choice((), tuple(notes))
    taken = [lib for lib in found if lib.format == formats[0]] if formats else []
    files = [name for library in taken for name in library.files]
    if not files:
        files = roles["archive"]
    others = [n for n in names if n not in files and _countlike(n)]
    if others:
        notes.append(f"{formats[0] if formats else 'archive'} taken; left out: {shown(others)}")
    if roles["metadata"]:
        tables = shown(roles["metadata"])
        notes.append(f"tables of cells, not taken unless named in column files: {tables}")
    return Choice(tuple(dict.fromkeys(files)), tuple(notes))


def choose_each(names: Sequence[str]) -> Choice:
    """Choose the count files of each sample by itself, where names tell several samples by GSM.

    Raises
    ------
    InputError
        As for :func:`choose`.
    """
    samples = list(dict.fromkeys(found[0] for name in names if (found := GSM.search(name))))
    if len(samples) < 2:
        return choose(names)
    lists = [n for n in names if not GSM.search(n) and role_of(n) in {"features", "barcodes"}]
    files: list[str] = []
    notes: list[str] = []
    for sample in samples:
        of_sample = [n for n in names if (found := GSM.search(n)) and found[0] == sample]
        choice = choose([*of_sample, *lists])
        files += choice.files
        notes += choice.notes
    others = [n for n in names if not GSM.search(n) and n not in files and _countlike(n)]
    if others:
        notes.append(f"left out, since they tell no sample: {shown(others)}")
    return Choice(tuple(dict.fromkeys(files)), tuple(notes))


def _wanted(names: Sequence[str], wanted: str) -> tuple[str, ...]:
    globs = [glob.strip() for glob in wanted.split("|") if glob.strip()]
    for glob in globs:
        if not any(_fits(name, glob) for name in names):
            msg = f"column files: {glob!r} is none of {shown(names)}"
            raise InputError(msg)
    taken = tuple(name for name in names if any(_fits(name, glob) for glob in globs))
    refuse(name for name in taken if role_of(name) == "refused")
    return taken


def _fits(name: str, glob: str) -> bool:
    return name == glob or fnmatchcase(name, glob)


def _countlike(name: str) -> bool:
    return role_of(name) not in {"other", "spatial", "metadata", "refused"}
