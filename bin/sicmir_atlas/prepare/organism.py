"""The rule that only human data are included, as far as a samplesheet row alone can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sicmir_atlas.errors import ExcludedDataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

__all__ = ["require_human_genes", "require_human_organisms", "require_human_row"]

_HUMAN = {"homo sapiens", "human", "ncbitaxon:9606"}
# Ensembl's ids of other species (ENSMUSG…), and the genome that aligners put before a name
_OTHER_GENE = r"(?:ENS(?!G\d)[A-Z]{3,4}G\d+|(?:mm\d+|GRCm\d+|mRatBN\S*?|rn\d)_+\S+)"
_OTHER_GENOME = r"(?:mm\d+|GRCm\d+|mRatBN.*|rn\d)"
_MOST_OTHER_GENES = 0.01  # a virus or a reporter gene among human ones is no second species


def require_human_row(dataset: Mapping[str, Any]) -> None:
    """Refuse a row that names another organism; one that names none, or a column, may pass."""
    given = dataset.get("organism")
    if given and not given.startswith("obs:"):
        require_human_organisms([given])


def require_human_organisms(organisms: Iterable[str]) -> None:
    """Refuse any organism that is not human.

    Raises
    ------
    ExcludedDataset
        Rule ``organism``.
    """
    others = [o for o in organisms if str(o).strip().casefold() not in _HUMAN]
    if others:
        figure = f"{', '.join(map(str, others))}; only Homo sapiens is included"
        raise ExcludedDataset("organism", figure)


def require_human_genes(genes: pd.DataFrame) -> None:
    """Refuse a matrix that counts genes of other species, alone or beside human ones.

    Parameters
    ----------
    genes
        One row per gene; columns ``name``, ``symbol`` and, where the file has it, ``genome``.

    Raises
    ------
    ExcludedDataset
        Rule ``organism``.
    """
    other = genes["name"].str.match(_OTHER_GENE).fillna(False)  # noqa: FBT003
    if "genome" in genes:
        other |= genes["genome"].str.fullmatch(_OTHER_GENOME).fillna(False)  # noqa: FBT003
    if other.sum() > _MOST_OTHER_GENES * len(genes):
        figure = (
            f"{other.sum():,} of {len(genes):,} genes are of another species (such as "
            f"{genes.loc[other, 'name'].iloc[0]}); only Homo sapiens is included"
        )
        raise ExcludedDataset("organism", figure)
