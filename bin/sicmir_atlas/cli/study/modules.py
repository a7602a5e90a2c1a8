"""`sicmir-atlas study modules`: genes and the hub miRNAs they drive."""

from __future__ import annotations

from math import inf
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from sicmir_atlas.cli._numbers import AtLeast1, Seed  # noqa: TC001  the command line reads them

__all__ = ["modules"]


def modules(
    attributions: Path,
    hubs: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    top: AtLeast1 = 3,
    resolution: Annotated[float, Parameter(validator=Number(gte=0, lt=inf))] = 1.0,
    seed: Seed = 42,
) -> None:
    """Find modules in the graph of hub miRNAs and the genes that matter most to them.

    Writes modules.csv, modules.svg and modules.json.

    Parameters
    ----------
    attributions
        shap_abs_mean.parquet of `study attributions`.
    hubs
        hubs.csv of `study hubs`.
    output
        Folder to write into.
    top
        Genes joined with each hub.
    resolution
        Of Louvain; greater gives more modules.
    seed
        Of the order in which nodes are looked at.
    """
    from sicmir_atlas.study.attributions import read_attributions
    from sicmir_atlas.study.hub_table import read_hubs
    from sicmir_atlas.study.modules import modules as find_modules
    from sicmir_atlas.study.modules import top_edges
    from sicmir_atlas.study.result import write_result

    edges = top_edges(read_attributions(attributions), read_hubs(hubs), top=top)
    write_result(find_modules(edges, resolution=resolution, seed=seed), output)
