from __future__ import annotations

import pytest

from sicmir_atlas.harmonise.rollup import lineage_of
from sicmir_atlas.harmonise.rules import map_label


@pytest.mark.parametrize(
    ("field", "label", "term", "name", "method"),
    [
        ("cell_type", "T cell", "CL:0000084", "T cell", "exact_label"),
        ("cell_type", "  t CELL ", "CL:0000084", "T cell", "exact_label"),
        ("cell_type", "T-cell", "CL:0000084", "T cell", "unique_synonym"),
        ("cell_type", "CL:0000236", "CL:0000236", "B cell", "given_id"),
        ("cell_type", "cl:0000236", "CL:0000236", "B cell", "given_id"),
        ("tissue", "blood", "UBERON:0000178", "blood", "exact_label"),
        ("disease", "glioblastoma", "MONDO:0018177", "glioblastoma", "exact_label"),
        ("disease", "normal", "PATO:0000461", "normal", "exact_label"),
        ("disease", "PATO:0000461", "PATO:0000461", "normal", "given_id"),
        ("assay", "10x 3' v3", "EFO:0009922", "10x 3' v3", "exact_label"),
        ("sex", "female", "PATO:0000383", "female", "exact_label"),
        ("development_stage", "HsapDv:0000087", "HsapDv:0000087", None, "given_id"),
    ],
)
def test_labels_that_map(field, label, term, name, method):
    mapped = map_label(field, label)
    assert (mapped.term_id, mapped.method) == (term, method)
    assert name is None or mapped.label == name


@pytest.mark.parametrize(
    ("field", "label"),
    [
        ("cell_type", "CD4+ cluster 7"),
        ("cell_type", "12"),
        ("cell_type", ""),
        ("cell_type", "UBERON:0000178"),  # a term, but of tissues
        ("cell_type", "CL:9999999"),
        ("tissue", "T cell"),
    ],
)
def test_labels_that_do_not(field, label):
    assert map_label(field, label)[:3] == (None, None, "unmapped")


def test_a_synonym_of_several_terms_is_never_guessed():
    from cellxgene_ontology_guide.ontology_parser import OntologyParser

    parser, terms = OntologyParser(), {}
    labels = parser.get_term_label_to_id_map("MONDO")
    for term in labels.values():
        if not parser.is_term_deprecated(term):
            for synonym in parser.get_term_synonyms(term):
                terms.setdefault(synonym.casefold(), set()).add(term)
    exact = {label.casefold() for label in labels}
    shared = [name for name, known in terms.items() if len(known) > 1 and name not in exact]
    assert shared
    assert {map_label("disease", name).method for name in shared} == {"unmapped"}


@pytest.mark.parametrize(
    ("term", "lineage"),
    [
        ("CL:0000084", "T cell/natural killer"),
        ("CL:0000623", "T cell/natural killer"),  # natural killer cell
        ("CL:0000236", "B cell"),
        ("CL:0000786", "B cell"),  # plasma cell
        ("CL:0000576", "myeloid"),  # monocyte
        ("CL:0000115", "endothelial"),
        ("CL:0000057", "fibroblast"),
        ("CL:0000186", "myofibroblast"),
        ("CL:0000128", "oligodendrocyte"),
        ("CL:0000540", "neuron"),
        ("CL:0000066", "epithelial"),
        ("CL:0000003", None),  # cell
    ],
)
def test_lineages_of_the_paper(term, lineage):
    assert lineage_of(term) == lineage
