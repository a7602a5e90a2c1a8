"""Find the landmark and mitochondrial genes among a matrix's gene names."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sicmir_atlas.names import landmarks, read_data_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["GeneMap", "resolve_genes", "resolve_libraries", "some_names"]


@dataclass(frozen=True)
class GeneMap:
    """Where a matrix's genes go.

    ``landmark`` holds, per gene of the matrix, the position of its landmark, or -1. Several genes
    may go to one landmark: their counts add up. ``missing`` maps each landmark that no gene
    resolves to, to the reason.
    """

    landmark: NDArray[np.int32]
    mitochondrial: NDArray[np.bool_]
    missing: Mapping[str, str]

    @property
    def n_found(self) -> int:
        """Number of landmarks found."""
        return len(landmarks()) - len(self.missing)


def resolve_genes(genes: pd.DataFrame) -> GeneMap:
    """Resolve gene names to the landmark panel.

    The best kind of name that a landmark has in the matrix decides: Ensembl id (any version),
    then the panel's or HGNC's current symbol, then a previous symbol or alias that HGNC knows for
    this gene alone. All genes of that kind add up; lesser kinds are left out, since older
    annotations keep other genes under such names. An alias of several genes is never guessed.

    Parameters
    ----------
    genes
        One row per gene of the matrix; columns ``name`` and ``symbol`` (may be null).
    """
    panel = read_data_table("landmarks.tsv")
    aliases = read_data_table("landmark_aliases.tsv")
    unique = aliases[aliases["also_names"] == ""]
    position = {symbol: i for i, symbol in enumerate(landmarks())}
    kinds: tuple[Mapping[str, int], ...] = (
        dict(zip(panel["ensembl_gene_id"], range(len(panel)), strict=True)),
        dict(zip(panel["approved_symbol"], range(len(panel)), strict=True)) | position,
        {a: position[s] for a, s in zip(unique["alias"], unique["symbol"], strict=True)},
    )
    names = [genes["name"].astype(str), genes["symbol"].fillna("").astype(str)]
    ids = _without_version(names[0]), _without_version(names[1])

    landmark = np.full(len(genes), -1, np.int32)
    found = np.zeros(len(panel), bool)
    for kind, candidates in zip(kinds, (ids, names, names), strict=True):
        hits = np.full(len(genes), -1, np.int32)
        for column in candidates:
            looked_up = np.array([kind.get(name, -1) for name in column], np.int32)
            hits = np.where(hits < 0, looked_up, hits)
        hits[(landmark >= 0) | found[hits]] = -1
        landmark = np.where(hits >= 0, hits, landmark)
        found[hits[hits >= 0]] = True

    mitochondrial = read_data_table("mitochondrial.tsv")
    mt_ids = set(mitochondrial["ensembl_gene_id"])
    is_mt = [
        any(c.upper().startswith("MT-") for c in cells) or not mt_ids.isdisjoint(cells)
        for cells in zip(*names, *ids, strict=True)
    ]
    present = {name for column in names for name in column}
    reasons = _missing({landmarks()[i] for i in np.flatnonzero(~found)}, aliases, present)
    return GeneMap(landmark, np.array(is_mt, bool), reasons)


def resolve_libraries(genes: pd.DataFrame, libraries: Mapping[str, NDArray[np.int32]]) -> GeneMap:
    """Resolve the genes of several libraries, each by the kind of names that it has.

    A landmark that any library lacks is missing: zeros would not be measurements.

    Parameters
    ----------
    genes
        As for :func:`resolve_genes`, all genes that any library has.
    libraries
        By library, the positions of its genes; none where all libraries have all.
    """
    if not libraries:
        return resolve_genes(genes)
    landmark = np.full(len(genes), -1, np.int32)
    mitochondrial = np.zeros(len(genes), bool)
    lacking: dict[str, list[str]] = defaultdict(list)
    reasons: dict[str, str] = {}
    for library, place in libraries.items():
        own = resolve_genes(genes.iloc[place])
        landmark[place] = np.maximum(landmark[place], own.landmark)
        mitochondrial[place] |= own.mitochondrial
        reasons |= own.missing
        for symbol in own.missing:
            lacking[symbol].append(library)
    missing = {
        symbol: reasons[symbol]
        if len(lacking[symbol]) == len(libraries)
        else f"absent from {', '.join(lacking[symbol])}"
        for symbol in landmarks()
        if symbol in lacking
    }
    unmeasured = [position for position, symbol in enumerate(landmarks()) if symbol in missing]
    landmark[np.isin(landmark, unmeasured)] = -1
    return GeneMap(landmark, mitochondrial, missing)


def some_names(genes: pd.DataFrame) -> str:
    """First gene names of a matrix, for messages: they tell mice, and tables laid on their side."""
    return (
        ", ".join(genes["symbol"].fillna(genes["name"]).head(3)) + ", …" if len(genes) else "none"
    )


def _without_version(names: pd.Series[str]) -> list[str]:
    return [n.partition(".")[0] if n.startswith("ENS") else n for n in names]


def _missing(unfound: set[str], aliases: pd.DataFrame, present: set[str]) -> dict[str, str]:
    ambiguous: dict[str, list[str]] = defaultdict(list)
    rows: Iterable[tuple[str, str, str]] = aliases.itertuples(index=False)
    for alias, symbol, others in rows:
        if others and alias in present and symbol in unfound:
            ambiguous[symbol].append(f"{alias} (also {others.replace('|', ', ')})")
    return {
        symbol: f"only under an ambiguous alias: {'; '.join(ambiguous[symbol])}"
        if symbol in ambiguous
        else "absent"
        for symbol in landmarks()
        if symbol in unfound
    }
