from __future__ import annotations

import random

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.study.modules import louvain, modules, top_edges

V13 = pd.DataFrame(
    [
        ("A", "m1", 1.0),
        ("A", "m2", 0.8),
        ("B", "m2", 0.6),
        ("B", "m1", 0.5),
        ("C", "m3", 0.9),
        ("C", "m4", 0.7),
        ("D", "m4", 0.4),
        ("A", "m3", 0.1),
    ],
    columns=["gene", "mirna", "weight"],
)


def _communities(table):
    return {frozenset(part["node"]) for _, part in table.groupby("module")}


def test_spec_v13():
    table, modularity = louvain(V13)
    assert _communities(table) == {
        frozenset(["A", "B", "m1", "m2"]),
        frozenset("CD") | {"m3", "m4"},
    }
    assert modularity == pytest.approx(0.4638, abs=5e-5)
    assert set(table.loc[table["kind"] == "gene", "node"]) == set("ABCD")
    # A-m3 crosses modules and counts for neither
    assert table.set_index("node")["strength"].to_dict() == pytest.approx(
        {"A": 1.8, "B": 1.1, "C": 1.6, "D": 0.4, "m1": 1.5, "m2": 1.4, "m3": 0.9, "m4": 1.1}
    )


def _planted(n_modules=4):
    """Edges within planted modules, and weak ones between them."""
    rng = np.random.default_rng(5)
    rows = []
    for number in range(24):
        own = number % n_modules
        rows += [(f"g{own}{i}", f"m{number}", 1 + rng.random()) for i in range(3)]
        rows.append((f"g{(own + 1) % n_modules}0", f"m{number}", 0.05))
    return pd.DataFrame(rows, columns=["gene", "mirna", "weight"])


def test_planted_modules_are_found_and_networkx_agrees():
    edges = _planted()
    table, modularity = louvain(edges)
    graph = nx.Graph()
    graph.add_weighted_edges_from(edges.itertuples(index=False, name=None))
    assert nx.community.modularity(graph, _communities(table)) == pytest.approx(modularity)
    theirs = nx.community.louvain_communities(graph, seed=1)
    assert _communities(table) == {frozenset(part) for part in theirs}
    for _, part in table.groupby("module"):
        assert (
            len({int(node[1:]) % 4 if node[0] == "m" else int(node[1]) for node in part["node"]})
            == 1
        )


def test_the_seed_decides_and_the_callers_random_numbers_go_on():
    edges = _planted()
    random.seed(7)
    expected = random.random()
    random.seed(7)
    first, again = louvain(edges, seed=3)[0], louvain(edges, seed=3)[0]
    assert random.random() == expected
    pd.testing.assert_frame_equal(first, again)


def test_modules_are_numbered_by_size_and_their_drivers_come_strongest_first():
    rows = [
        ("A", "m1", 0.2),
        ("A", "m2", 0.2),
        ("B", "m1", 0.9),
        ("B", "m2", 0.9),
        ("C", "m3", 1.0),
    ]
    result = modules(pd.DataFrame(rows, columns=["gene", "mirna", "weight"]))
    assert result.summary["n_modules"] == 2
    assert result.summary["n_modules_of_other_seeds"] == {"min": 2, "max": 2, "n": 20}
    assert result.summary["modules"] == [
        {"module": 1, "n_genes": 2, "n_mirnas": 2, "drivers": ["B", "A"]},
        {"module": 2, "n_genes": 1, "n_mirnas": 1, "drivers": ["C"]},
    ]


def test_each_mirna_keeps_its_top_genes():
    importance = pd.DataFrame(
        {"m1": [0.1, 0.4, 0.3], "m2": [0.5, 0.5, 0.2], "m3": [0.0, 0.0, 0.7], "m4": [9.0, 9, 9]},
        index=["A", "B", "C"],
    )
    edges = top_edges(importance, ["m1", "m2", "m3"], top=2)
    assert edges.to_numpy().tolist() == [
        ["B", "m1", 0.4],
        ["C", "m1", 0.3],
        ["A", "m2", 0.5],
        ["B", "m2", 0.5],
        ["C", "m3", 0.7],
    ]


def test_what_is_no_importance_is_refused():
    table = pd.DataFrame({"m1": [0.1, -0.4], "m2": 0.0}, index=["A", "B"])
    with pytest.raises(InputError, match=r"gene B, miRNA m1: -0\.4 is no importance"):
        top_edges(table, ["m1"])
    with pytest.raises(InputError, match="no attributions of m9"):
        top_edges(table, ["m9"])
    with pytest.raises(InputError, match="there is no graph"):
        top_edges(table, ["m2"])
