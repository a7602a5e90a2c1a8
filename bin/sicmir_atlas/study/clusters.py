"""Clusters: stem-loops of miRNAs that lie close together in the genome."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sicmir_atlas.sources.bulk.hairpins import Hairpin

__all__ = ["DISTANCE", "Cluster", "find_clusters"]

DISTANCE = 10_000
"""Most bases between neighbours of a cluster: miRBase calls miRNAs within 10 kb clustered."""


class Cluster(NamedTuple):
    """Two or more stem-loops of one chromosome and strand, from 5' to 3' of that strand."""

    name: str
    hairpins: tuple[Hairpin, ...]

    @property
    def start(self) -> int:
        """First base on the chromosome, from 1."""
        return min(hairpin.start for hairpin in self.hairpins)

    @property
    def end(self) -> int:
        """Last base on the chromosome, included."""
        return max(hairpin.end for hairpin in self.hairpins)

    @property
    def mirnas(self) -> list[str]:
        """Mature miRNAs of the stem-loops in order, each once."""
        return list(dict.fromkeys(name for hairpin in self.hairpins for name in hairpin.mirnas))


def find_clusters(hairpins: Iterable[Hairpin], *, distance: int = DISTANCE) -> list[Cluster]:
    """Chain stem-loops of one chromosome and strand whose neighbours lie close together.

    A cluster is called after its first and last stem-loop in the direction of transcription, as
    the literature does (mir-17~92a-1, mir-106a~363); its start is added where two have one name.

    Parameters
    ----------
    distance
        Most bases from the end of one stem-loop to the start of the next, inclusive.

    Returns
    -------
    Clusters by chromosome, strand and start. A stem-loop alone is none.
    """
    chains: list[list[Hairpin]] = []
    for hairpin in sorted(hairpins, key=_place):
        if chains and _is_near(chains[-1], hairpin, distance):
            chains[-1].append(hairpin)
        else:
            chains.append([hairpin])
    found = []
    for chain in chains:
        if len(chain) > 1:
            ordered = chain if chain[0].strand == "+" else chain[::-1]
            found.append(Cluster(_name(ordered), tuple(ordered)))
    n_called = Counter(cluster.name for cluster in found)
    return [
        cluster
        if n_called[cluster.name] == 1
        else cluster._replace(name=f"{cluster.name} at {cluster.start}")
        for cluster in found
    ]


def _place(hairpin: Hairpin) -> tuple[int, str, str, int]:
    chromosome = hairpin.chromosome.removeprefix("chr")
    number = int(chromosome) if chromosome.isdecimal() else 99  # X and Y after the numbers
    return number, chromosome, hairpin.strand, hairpin.start


def _is_near(chain: list[Hairpin], hairpin: Hairpin, distance: int) -> bool:
    last = chain[-1]
    is_along = (last.chromosome, last.strand) == (hairpin.chromosome, hairpin.strand)
    return is_along and hairpin.start - max(one.end for one in chain) <= distance


def _name(hairpins: list[Hairpin]) -> str:
    first, last = (hairpins[i].name.removeprefix("hsa-") for i in (0, -1))
    kind = "mir-" if first.startswith("mir-") else ""
    return f"{first}~{last.removeprefix(kind)}"
