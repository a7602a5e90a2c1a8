"""Modules of genes and the miRNAs they drive, by Louvain (spec, section 11)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.study.result import StudyResult, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["louvain", "modules", "top_edges"]

N_OTHER_SEEDS = 20
_SHOWN = 20


def top_edges(importance: pd.DataFrame, mirnas: Sequence[str], *, top: int = 3) -> pd.DataFrame:
    """Join each miRNA with the genes of the greatest importance for it.

    Parameters
    ----------
    importance
        Genes × miRNAs, not negative; no edge is made of a 0.

    Returns
    -------
    ``gene``, ``mirna``, ``weight``.

    Raises
    ------
    InputError
        When a miRNA is not among the columns, a value is negative or NaN, or no edge is left.
    """
    missing = [name for name in mirnas if name not in importance.columns]
    if missing:
        msg = f"no attributions of {missing[0]}; make them and the hubs with one model"
        raise InputError(msg)
    chosen = importance[list(mirnas)]
    values = chosen.to_numpy(dtype=np.float64)
    if not (values >= 0).all():
        row, column = np.argwhere(~(values >= 0))[0]
        msg = f"gene {chosen.index[row]}, miRNA {chosen.columns[column]}: {values[row, column]} is "
        msg += "no importance; give means of absolute attributions"
        raise InputError(msg)
    order = np.argsort(-values, axis=0, kind="stable")[:top]
    column = np.broadcast_to(np.arange(len(mirnas)), order.shape)
    edges = pd.DataFrame(
        {
            "gene": chosen.index.to_numpy()[order.T.ravel()],
            "mirna": chosen.columns.to_numpy()[column.T.ravel()],
            "weight": values[order, column].T.ravel(),
        }
    )
    edges = edges[edges["weight"] > 0].reset_index(drop=True)
    if edges.empty:
        msg = "no miRNA has a gene that matters to it, so there is no graph"
        raise InputError(msg)
    return edges


def louvain(
    edges: pd.DataFrame, *, resolution: float = 1.0, seed: int = 42
) -> tuple[pd.DataFrame, float]:
    """Divide a bipartite graph into modules by modularity, many levels.

    Parameters
    ----------
    edges
        ``gene``, ``mirna``, ``weight``.

    Returns
    -------
    ``node``, ``kind`` (gene or mirna), ``module`` (1 is the largest), ``strength`` (sum of the
    node's weights inside the module), strongest first; and the modularity at resolution 1.
    """
    import igraph

    ends = [edges["gene"].to_numpy(dtype=str), edges["mirna"].to_numpy(dtype=str)]
    places, names = zip(*(pd.factorize(end) for end in ends), strict=True)
    kinds = ["gene"] * len(names[0]) + ["mirna"] * len(names[1])
    first, second = places[0], places[1] + len(names[0])
    weights = edges["weight"].to_numpy(dtype=np.float64)
    graph = igraph.Graph(n=len(kinds), edges=np.column_stack([first, second]))
    igraph.set_random_number_generator(random.Random(seed))
    try:
        found = graph.community_multilevel(weights=weights.tolist(), resolution=resolution)
    finally:
        igraph.set_random_number_generator(random)
    member = np.array(found.membership)
    inside = np.where(member[first] == member[second], weights, 0)
    strength = np.bincount(first, inside, len(kinds)) + np.bincount(second, inside, len(kinds))
    sizes = np.bincount(member)
    rank = np.empty(sizes.size, dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(1, sizes.size + 1)
    table = pd.DataFrame(
        {
            "node": np.concatenate(names),
            "kind": kinds,
            "module": rank[member],
            "strength": strength,
        }
    ).sort_values(
        ["module", "kind", "strength"],
        ascending=[True, True, False],
        kind="stable",
        ignore_index=True,
    )
    return table, float(graph.modularity(found.membership, weights=weights.tolist()))


def modules(edges: pd.DataFrame, *, resolution: float = 1.0, seed: int = 42) -> StudyResult:
    """Find the modules, their drivers, and how far their number hangs on the seed."""
    table, modularity = louvain(edges, resolution=resolution, seed=seed)
    others = [
        int(louvain(edges, resolution=resolution, seed=seed + i)[0]["module"].max())
        for i in range(1, N_OTHER_SEEDS + 1)
    ]
    sizes = pd.crosstab(table["module"], table["kind"])
    drivers = table[table["kind"] == "gene"].groupby("module")["node"].apply(list)
    found = [
        {
            "module": int(module),
            "n_genes": int(counts["gene"]),
            "n_mirnas": int(counts["mirna"]),
            "drivers": drivers[module][:3],
        }
        for module, counts in sizes.iterrows()
    ]
    summary = {
        "n_modules": len(sizes),
        "modularity": round(modularity, 4),
        "n_genes": int(sizes["gene"].sum()),
        "n_mirnas": int(sizes["mirna"].sum()),
        "n_edges": len(edges),
        "resolution": resolution,
        "seed": seed,
        "n_modules_of_other_seeds": {"min": min(others), "max": max(others), "n": N_OTHER_SEEDS},
        "modules": found,
    }
    return StudyResult("modules", table, summary, _figure(found))


def _figure(found: list[dict[str, Any]]) -> Any:
    shown = found[:_SHOWN]
    figure, ax = new_figure(height=0.8 + 0.24 * max(len(shown), 4))
    places = np.arange(len(shown))[::-1]
    mirnas, genes = (np.array([m[key] for m in shown]) for key in ("n_mirnas", "n_genes"))
    ax.barh(places, mirnas, color="#0072B2", label="miRNAs")
    ax.barh(places, genes, left=mirnas, color="#E69F00", label="genes")
    for place, end, module in zip(places, mirnas + genes, shown, strict=True):
        ax.annotate(
            ", ".join(module["drivers"]),
            (end, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    ax.set_yticks(places, [m["module"] for m in shown])
    ax.set_ylim(-0.6, len(shown) - 0.4)
    ax.set_xlim(0, 1.45 * (mirnas + genes).max())
    ax.set_xlabel("nodes, with the genes of the greatest weight")
    left_out = len(found) - len(shown)
    ax.set_ylabel(f"module ({left_out} smaller not shown)" if left_out else "module")
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure
