"""Tell gene names from other names, so that a table may lie on either side."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from sicmir_atlas.names import read_data_table

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["count_genes", "is_ensembl"]

_ENSEMBL = re.compile(r"ENS[A-Z]{0,6}G\d{11}(\.\d+)?", re.IGNORECASE)


def is_ensembl(name: str) -> bool:
    """Tell whether a name is an Ensembl gene id, of any species and version."""
    return _ENSEMBL.fullmatch(name) is not None


def count_genes(names: Iterable[str]) -> int:
    """Count names that are known for genes: landmarks, mitochondrial genes, Ensembl ids.

    Case does not count, so that most genes of a mouse are known too.
    """
    known = _known()
    return sum(n.upper() in known or n[:3].upper() == "MT-" or is_ensembl(n) for n in names)


@cache
def _known() -> frozenset[str]:
    panel = read_data_table("landmarks.tsv")
    aliases = read_data_table("landmark_aliases.tsv")["alias"]
    return frozenset(panel["symbol"]) | frozenset(panel["approved_symbol"]) | frozenset(aliases)
