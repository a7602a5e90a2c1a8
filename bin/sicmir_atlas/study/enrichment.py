"""Over-representation of gene or miRNA sets in lists: hypergeometric (spec, section 11)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.matrices import read_csv
from sicmir_atlas.study.result import StudyResult, new_figure

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

__all__ = ["enrichment", "over_representation", "read_gmt", "read_lists"]

logger = logging.getLogger(__name__)


def read_gmt(path: Path) -> dict[str, frozenset[str]]:
    """Read sets of names: a line each, of tab-separated name, description and members.

    Raises
    ------
    InputError
        When the file is missing, no text or empty, a line has no member, or a name comes twice.
    """
    if not path.is_file():
        msg = f"no file {path}"
        raise InputError(msg)
    sets: dict[str, frozenset[str]] = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        msg = f"{path} is no text; unpack it if it is compressed"
        raise InputError(msg) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, *rest = (field.strip() for field in line.split("\t"))
        members = frozenset(filter(None, rest[1:]))
        if not name or not members:
            msg = f"{path}, line {number}: a set needs name, description and a member, with tabs "
            msg += f"between them; it reads {line[:40]!r}"
            raise InputError(msg)
        if name in sets:
            msg = f"{path}, line {number}: set {name} is there twice"
            raise InputError(msg)
        sets[name] = members
    if not sets:
        msg = f"{path} holds no set"
        raise InputError(msg)
    return sets


def read_lists(path: Path, *, kind: str = "gene") -> dict[str, list[str]]:
    """Read the nodes of one kind by module, or one list, the first column, named as the file.

    Raises
    ------
    InputError
        When the table cannot be read, or holds no name of that kind.
    """
    table = read_csv(path, dtype=str).rename(columns=str.strip)
    if {"node", "kind", "module"} <= set(table.columns):
        chosen = table[table["kind"] == kind]
        lists = {str(name): list(nodes) for name, nodes in chosen.groupby("module")["node"]}
        lists = dict(sorted(lists.items(), key=lambda item: (len(item[0]), item[0])))
    else:
        lists = {path.name.split(".")[0]: [n.strip() for n in table.iloc[:, 0].dropna()]}
    if not any(lists.values()):
        msg = f"{path} names no {kind}"
        raise InputError(msg)
    return lists


def over_representation(
    lists: Mapping[str, Collection[str]],
    sets: Mapping[str, Collection[str]],
    universe: Collection[str],
) -> pd.DataFrame:
    """Test every list for every set: the chance to draw as many of its members at random.

    Names outside the universe count nowhere; a set without a member in it is not tested.

    Parameters
    ----------
    universe
        Every name that could have come into a list.

    Returns
    -------
    ``module``, ``set``, ``n_module``, ``n_set``, ``n_universe``, ``overlap``, ``expected``, ``p``
    (one-sided, hypergeometric), ``q`` (Benjamini–Hochberg over all rows), ``members``; by list, the
    smallest p first.

    Raises
    ------
    InputError
        When no name of the lists, or no member of any set, is in the universe.
    """
    from scipy.stats import false_discovery_control, hypergeom

    names = frozenset(universe)
    drawn = {name: names & frozenset(given) for name, given in lists.items()}
    known = {name: names & frozenset(members) for name, members in sets.items()}
    known = {name: members for name, members in known.items() if members}
    for what, found, given in (("lists", drawn, lists), ("sets", known, sets)):
        if not any(found.values()):
            example = next((n for members in given.values() for n in members), "nothing")
            msg = f"none of the names in the {what}, such as {example}, is in the universe of "
            msg += f"{len(names)} names; give --universe or --kind"
            raise InputError(msg)
    n_strange = sum(len(frozenset(given) - names) for given in lists.values())
    if n_strange:
        logger.warning("%d names of the lists are not in the universe and left out", n_strange)
    rows = [
        (module, name, len(chosen), len(members), sorted(chosen & members))
        for module, chosen in drawn.items()
        for name, members in known.items()
    ]
    table = pd.DataFrame(rows, columns=["module", "set", "n_module", "n_set", "members"])
    overlap = table["members"].map(len)
    table["p"] = hypergeom.sf(overlap - 1, len(names), table["n_set"], table["n_module"])
    table = table.assign(
        n_universe=len(names),
        overlap=overlap,
        expected=table["n_set"] * table["n_module"] / len(names),
        p=table["p"].clip(0, 1),
        q=false_discovery_control(table["p"].clip(0, 1)),
        members=table["members"].map(";".join),
        order=table["module"].map({name: i for i, name in enumerate(drawn)}),
    ).sort_values(["order", "p", "set"], kind="stable", ignore_index=True)
    columns = ["module", "set", "n_module", "n_set", "n_universe", "overlap", "expected", "p", "q"]
    return table[[*columns, "members"]]


def enrichment(table: pd.DataFrame, *, top: int = 20) -> StudyResult:
    """Summarise the table of :func:`over_representation`; the figure shows the ``top`` rows."""
    found = table[table["q"] < 0.05]
    summary = {
        "n_modules": table["module"].nunique(),
        "n_sets": table["set"].nunique(),
        "n_universe": int(table["n_universe"].iloc[0]),
        "n_tests": len(table),
        "n_q_below_0.05": len(found),
        "n_modules_with_q_below_0.05": found["module"].nunique(),
    }
    best = table.sort_values("p", kind="stable").head(top)
    return StudyResult("enrichment", table, summary, _figure(best))


def _figure(best: pd.DataFrame) -> Any:
    figure, ax = new_figure(height=0.6 + 0.24 * max(len(best), 3))
    places = np.arange(len(best))[::-1]
    strength = -np.log10(best["p"].clip(lower=1e-300).to_numpy())
    found = best["q"].to_numpy() < 0.05
    ax.hlines(places, 0, strength, color="#0072B2", linewidth=1, zorder=1)
    for chosen, fill, label in (
        (found, "#0072B2", "q < 0.05"),
        (~found, "white", "q from 0.05 on"),
    ):
        ax.scatter(
            strength[chosen], places[chosen], s=24, color=fill, edgecolors="#0072B2", label=label
        )
    for place, x, row in zip(places, strength, best.itertuples(), strict=True):
        ax.annotate(
            f"{row.overlap} of {row.n_module}",
            (x, place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    labels = [f"{_short(row.set)} · {row.module}" for row in best.itertuples()]
    ax.set_yticks(places, labels, fontsize=7)
    ax.set_xlim(0, 1.15 * max(1.0, strength.max(initial=0)))
    ax.set_xlabel("-log10 p")
    ax.set_ylabel("set · list")
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:39]}…"
