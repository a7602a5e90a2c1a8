"""The panels of landmark genes and mature miRNAs, and the package's other lists of names."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd
    from cellxgene_ontology_guide.ontology_parser import OntologyParser

__all__ = [
    "FEW_MISSING",
    "MOST_MISSING",
    "MirnaName",
    "landmarks",
    "mirnas",
    "ontologies",
    "parse_mirna",
    "read_data_table",
]

FEW_MISSING = 0.05
"""Share of landmarks missing above which a reader is warned (sicmir-model, section 2)."""

MOST_MISSING = 0.5
"""Share of landmarks missing above which input is refused (sicmir-model, section 2)."""

_ARM = re.compile(r"^(?P<stem>.+?)(?:-(?P<arm>[35]p))?$")


class MirnaName(NamedTuple):
    """A mature miRNA's name taken apart."""

    stem: str
    arm: str | None


@cache
def landmarks() -> tuple[str, ...]:
    """Symbols of the 977 landmark genes, in the order of the network's inputs."""
    return tuple(read_data_table("landmarks.tsv")["symbol"])


@cache
def mirnas() -> tuple[str, ...]:
    """Names of the 1298 mature miRNAs, in the order of the network's outputs."""
    return tuple((resources.files("sicmir_atlas.data") / "mirnas.txt").read_text().split())


def parse_mirna(name: str) -> MirnaName:
    """Split a mature miRNA's name into stem and arm (``None`` where the name gives no arm).

    >>> parse_mirna("hsa-miR-21-5p")
    MirnaName(stem='hsa-miR-21', arm='5p')
    """
    match = _ARM.match(name)
    assert match is not None
    return MirnaName(match["stem"], match["arm"])


@cache
def ontologies() -> OntologyParser:
    """CL, UBERON, MONDO and the others that CELLxGENE uses, offline."""
    from cellxgene_ontology_guide.ontology_parser import OntologyParser

    return OntologyParser()


def read_data_table(name: str) -> pd.DataFrame:
    """Read one of the package's own tab-separated tables; every column is text."""
    import pandas as pd

    with (resources.files("sicmir_atlas.data") / name).open() as file:
        return pd.read_csv(file, sep="\t", dtype=str, keep_default_na=False)
