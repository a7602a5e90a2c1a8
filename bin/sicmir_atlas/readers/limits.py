"""Limits against files that unfold into more than any dataset holds."""

from __future__ import annotations

from dataclasses import dataclass

from sicmir_atlas.errors import InputError

__all__ = ["LIMITS", "Limits", "require_at_most"]


@dataclass(frozen=True)
class Limits:
    """What a reader takes from one file before it refuses; all of it would fit into memory once.

    Parameters
    ----------
    cells
        Cells, or barcodes: the largest public studies hold a few million cells, and an unfiltered
        10x library 6.8 million barcodes.
    genes
        Genes and other features: a multiome library names 37,000 genes and 200,000 peaks.
    entries
        Entries of a sparse matrix: 50 million cells with 2,000 genes each.
    fields
        Fields of one line of a dense table: beyond it such a table would be a terabyte.
    line
        Bytes of one line of text: five million fields of 50 characters.
    table
        Bytes of a table beside a matrix, unpacked: 40 bytes for each of 50 million cells.
    """

    cells: int = 50_000_000
    genes: int = 1_000_000
    entries: int = 10**11
    fields: int = 5_000_000
    line: int = 256 << 20
    table: int = 2 << 30


LIMITS = Limits()


def require_at_most(limit: int, found: int, what: str, where: str, remedy: str) -> None:
    """Refuse more than a limit.

    Raises
    ------
    InputError
        The message says the limit and `remedy`.
    """
    if found > limit:
        msg = f"{where}: {found:,} {what}, and at most {limit:,} are read: {remedy}"
        raise InputError(msg)
