"""Where in the human genome stem-loops lie, and the mature miRNAs that they are cut to."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from sicmir_atlas.errors import InputError
from sicmir_atlas.sources.bulk.wide import open_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Hairpin", "read_hairpins"]

_HAIRPIN, _MATURE = "miRNA_primary_transcript", "miRNA"
_HUMAN = "hsa-"
_REMEDY = "give miRBase's hsa.gff3"


class Hairpin(NamedTuple):
    """One locus of a stem-loop; positions count from 1, both ends included."""

    name: str
    chromosome: str
    start: int
    end: int
    strand: str
    mirnas: tuple[str, ...] = ()


class _Row(NamedTuple):
    where: str
    kind: str
    locus: Hairpin
    accessions: frozenset[str]
    derives_from: str


def read_hairpins(path: Path) -> list[Hairpin]:
    """Read the loci of human stem-loops and their mature miRNAs, in the order of the file.

    Parameters
    ----------
    path
        miRBase's ``hsa.gff3``, gzip or not: lines ``miRNA_primary_transcript`` (the stem-loop, not
        the whole transcript) and ``miRNA``, which names its stem-loop in ``Derives_from``.

    Raises
    ------
    InputError
        If the file is missing, is no such table or of another organism, or a line cannot be read.
    """
    if not path.is_file():
        msg = f"no file {path}; {_REMEDY}"
        raise InputError(msg)
    rows = _rows(path)
    for kind in (_HAIRPIN, _MATURE):
        if all(row.kind != kind for row in rows):
            msg = f"{path} has no line of type {kind}; {_REMEDY}"
            raise InputError(msg)
    human = [row for row in rows if row.locus.name.startswith(_HUMAN)]
    if not human:
        msg = f"{path} is of another organism: it names {rows[0].locus.name}, nothing that begins "
        msg += f"with {_HUMAN}; {_REMEDY}"
        raise InputError(msg)
    return _with_mirnas(human)


def _rows(path: Path) -> list[_Row]:
    found = []
    with open_text(path) as text:
        for number, line in enumerate(text, start=1):
            cells = line.rstrip("\r\n").split("\t")
            if len(cells) < 3 or line.startswith("#") or cells[2] not in (_HAIRPIN, _MATURE):
                continue
            found.append(_row(cells, f"{path}, line {number}"))
    return found


def _row(cells: list[str], where: str) -> _Row:
    if len(cells) != 9:
        msg = f"{where} has {len(cells)} columns between tabs, GFF3 has 9; {_REMEDY}"
        raise InputError(msg)
    chromosome, _, kind, start, end, _, strand, _, attributes = cells
    pairs = (item.partition("=") for item in attributes.split(";"))
    about = {key.strip(): value.strip() for key, _, value in pairs}
    is_place = start.isdecimal() and end.isdecimal() and int(start) <= int(end)
    if not is_place or strand not in ("+", "-"):
        msg = f"{where}: {start}–{end} on strand {strand} is no place; {_REMEDY}"
        raise InputError(msg)
    if not about.get("Name"):
        msg = f"{where} has no Name among its attributes; {_REMEDY}"
        raise InputError(msg)
    locus = Hairpin(about["Name"], chromosome, int(start), int(end), strand)
    accessions = frozenset(about[key] for key in ("ID", "Alias") if key in about)
    return _Row(where, kind, locus, accessions, about.get("Derives_from", ""))


def _with_mirnas(rows: list[_Row]) -> list[Hairpin]:
    loops = [row for row in rows if row.kind == _HAIRPIN]
    by_accession = defaultdict(list)
    for place, loop in enumerate(loops):
        for accession in loop.accessions:
            by_accession[accession].append(place)
    mirnas: list[list[str]] = [[] for _ in loops]
    for row in rows:
        if row.kind != _MATURE:
            continue
        mature = row.locus
        # a stem-loop that occurs twice has one accession: the locus around the miRNA counts
        places = [i for i in by_accession[row.derives_from] if _overlap(loops[i].locus, mature)]
        if not places:
            msg = f"{row.where}: {mature.name} derives from {row.derives_from or 'nothing'}, and "
            msg += f"no such stem-loop lies there; {_REMEDY}"
            raise InputError(msg)
        mirnas[places[0]].append(mature.name)
    return [
        loop.locus._replace(mirnas=tuple(names)) for loop, names in zip(loops, mirnas, strict=True)
    ]


def _overlap(one: Hairpin, other: Hairpin) -> bool:
    return (
        (one.chromosome, one.strand) == (other.chromosome, other.strand)
        and one.start <= other.end
        and other.start <= one.end
    )
