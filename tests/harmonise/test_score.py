from __future__ import annotations

import pytest

from sicmir_atlas.harmonise.score import (
    Curated,
    agreement,
    consensus,
    current,
    held_out,
    relation,
)
from sicmir_atlas.names import ontologies

NEURON, ALPHA, T_CELL, CD4, B_CELL = (
    "CL:0000540",
    "CL:0000171",
    "CL:0000084",
    "CL:0000624",
    "CL:0000236",
)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (T_CELL, T_CELL, "same"),
        (T_CELL, CD4, "broader"),
        (CD4, T_CELL, "narrower"),
        (B_CELL, T_CELL, "other"),
    ],
)
def test_relations(ours, theirs, expected):
    assert relation(ours, theirs) == expected


def test_obsolete_terms_count_as_what_cl_says_instead():
    parser = ontologies()
    replaced = {
        term: parser.get_term_replacement(term)
        for term in parser.get_term_label_to_id_map("CL").values()
        if (parser.get_term_replacement(term) or "").startswith("CL:")
    }
    assert len(replaced) > 10
    assert all(current(old) == new for old, new in replaced.items())
    assert current("CL:0000055") == "CL:0011026"  # CL asks to consider it
    assert current(T_CELL) == T_CELL


def decided(*labels):
    return {(row.scope, row.label, row.term_id) for row in consensus(labels)}


def test_two_studies_of_an_organ_decide_for_it():
    a, b = Curated("a", "pancreas", "zeta", ALPHA), Curated("b", "pancreas", "Zeta ", ALPHA)
    assert decided(a, b) == {("pancreas", "Zeta", ALPHA)}
    assert decided(a, a) == set()
    assert decided(a, b, Curated("c", "pancreas", "zeta", NEURON)) == set()
    assert decided(a, b, Curated("c", "brain", "zeta", NEURON)) == {("pancreas", "zeta", ALPHA)}


def test_studies_of_two_organs_decide_for_any():
    a, b = Curated("a", "pancreas", "xq", NEURON), Curated("b", "brain", "xq", NEURON)
    assert decided(a, b) == {("*", "xq", NEURON)}


def test_an_abbreviation_needs_two_organs():
    studies = [Curated(name, None, "xq", NEURON) for name in "ab"]
    assert decided(*studies) == set()
    words = [Curated(name, None, "funny words", NEURON) for name in "ab"]
    assert decided(*words) == {("*", "funny words", NEURON)}


@pytest.mark.parametrize("label", ["T cells", "T lymphocyte", "T cell 3", "12", "xq/yq", "unknown"])
def test_what_needs_no_decision_or_bears_none(label):
    assert decided(*(Curated(name, "blood", label, T_CELL) for name in "ab")) == set()


def test_a_study_never_helps_itself():
    labels = [
        Curated("a", "pancreas", "zeta", ALPHA),
        Curated("b", "pancreas", "zeta", ALPHA),
        Curated("c", "pancreas", "zeta", ALPHA),
        Curated("c", "pancreas", "only here", ALPHA),
        Curated("a", "pancreas", "T cells", CD4),
        Curated("a", "pancreas", "B cell", None),
    ]
    scored = {(one.curated.study, one.curated.label): one for one in held_out(labels)}
    assert {one.relation for (_, label), one in scored.items() if label == "zeta"} == {"same"}
    assert scored["c", "only here"].found is None
    assert scored["a", "T cells"].relation == "broader"
    assert scored["a", "B cell"].found.method == "exact_label"
    assert scored["a", "B cell"].relation is None
    two = {one.curated.study: one for one in held_out(labels[:2])}
    assert two["a"].found is None  # of two studies, one is left


def test_agreement_counts_pairs_of_studies():
    labels = [
        Curated("a", "lung", "x", T_CELL),
        Curated("b", "lung", "X", CD4),
        Curated("c", "skin", "x", T_CELL),
        Curated("c", "skin", "x", B_CELL),
    ]
    assert agreement(labels, same_organ=True) == {"broader": 1}
    assert agreement(labels, same_organ=False) == {"broader": 2, "same": 1, "other": 2}
