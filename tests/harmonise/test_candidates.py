from __future__ import annotations

import pandas as pd
import pytest

from sicmir_atlas.harmonise.candidates import candidates
from sicmir_atlas.names import ontologies


def named(label, **options):
    return [one.label for one in candidates(label, **options)]


@pytest.mark.parametrize(
    ("label", "best"),
    [
        ("Marcrophage", "macrophage"),
        ("Dendrtic cells", "dendritic cell"),
        ("Fibroblast_PENK high", "fibroblast"),
        ("B cell(Thymus)", "B cell"),
        ("Microglia", "microglial cell"),
        ("ductal cells of the pancreas", "pancreatic ductal cell"),
    ],
)
def test_words_that_differ_a_little_find_their_term(label, best):
    assert named(label)[0] == best


def test_an_organ_lifts_its_own_cells():
    assert "pancreatic A cell" in named("alpha", organ="pancreas", n=2)
    assert "pancreatic A cell" not in named("alpha", organ="brain", n=2)
    (found,) = [c for c in candidates("alpha", organ="pancreas") if c.term_id == "CL:0000171"]
    assert found.why == "synonym pancreatic alpha cell; in pancreas"


def test_an_organ_does_not_push_a_better_name_aside():
    assert named("fibroblasts", organ="lung")[0] == "fibroblast"


@pytest.mark.parametrize("label", ["T cells", "neuron of the brain", "x alpha 3", "CD4+ T / NK"])
def test_candidates_are_different_terms_of_human_cells_best_first(label):
    found = candidates(label, organ="blood", n=10)
    assert len({one.term_id for one in found}) == len(found) == 10
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] <= 1
    for one in found:
        assert ontologies().get_term_label(one.term_id) == one.label
        assert not ontologies().is_term_deprecated(one.term_id)
        assert "Mmus" not in one.label


@pytest.mark.parametrize("label", ["", "  ", "99", "ψψψ"])
def test_nothing_is_like_what_is_no_word(label):
    assert candidates(label) == []


def test_the_order_does_not_hang_on_the_run():
    assert candidates("progenitor", n=20) == candidates("progenitor", n=20)
    assert candidates("progenitor", n=20)[:3] == candidates("progenitor", n=3)


@pytest.mark.real
def test_curated_labels_find_the_term_that_their_curators_chose(shared_data):
    table = pd.read_csv(shared_data / "facts" / "author_celltype_to_cl.tsv.gz", sep="\t", dtype=str)
    table = table[table["target_id"].str.startswith("CL:")].drop_duplicates(["source", "target_id"])
    wanted = table.sample(500, random_state=0)
    found = [[one.term_id for one in candidates(label)] for label in wanted["source"]]
    pairs = list(zip(wanted["target_id"], found, strict=True))
    assert sum(term in terms[:1] for term, terms in pairs) / len(pairs) > 0.5
    assert sum(term in terms for term, terms in pairs) / len(pairs) > 0.65
