from __future__ import annotations

import re

import pytest

from sicmir_atlas.harmonise.rollup import lineage_of
from sicmir_atlas.harmonise.rules import map_given, map_label
from sicmir_atlas.names import ontologies


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
    ("label", "name"),
    [
        ("T cells", "T cell"),
        ("Endothelial", "endothelial cell"),
        ("CD4+ T", "CD4-positive, alpha-beta T cell"),
        ("T_CD8_naive", "naive thymus-derived CD8-positive, alpha-beta T cell"),
        ("B cell memory", "memory B cell"),
        ("ATII", "pulmonary alveolar type 2 cell"),
        ("Macrophage_Alveolar", "alveolar macrophage"),
        ("B cells_2", "B cell"),
        ("12_Mast", "mast cell"),
        ("Adipocyte (Fetal_Kidney)", "adipocyte"),
        ("Immune (B cell)", "B cell"),  # of two parts, the finer
        ("Dendritic_Langerhans", "Langerhans cell"),
        ("Alveolar macrophage_Ear2 high(Lung)", "alveolar macrophage"),
        ("FCGR3A+ Monocytes", "monocyte"),
        ("NK", "natural killer cell"),
    ],
)
def test_normalised_text(label, name):
    found = map_label("cell_type", label)
    assert (found.label, found.method) == (name, "normalised_text")


@pytest.mark.parametrize(
    "label",
    [
        "T/NK cells",  # two kinds
        "T_NK",
        "DC_Monocyte_Dividing",
        "Mono_macro",
        "B cell doublet",
        "OPC-like",  # a tumour's cell
        "Cycling cells",  # too broad for a lineage
        "Progenitor",
        "X",
        "DC2",  # plasmacytoid in CL, conventional in studies
        "alpha cell",  # of a mouse's retina in CL, of islets in studies
        "12",
    ],
)
def test_what_is_not_guessed(label):
    assert map_label("cell_type", label)[:3] == (None, None, "unmapped")


def test_other_species_are_never_mapped_to():
    parser = ontologies()
    labels = parser.get_term_label_to_id_map("CL")
    foreign = {name: t for name, t in labels.items() if name.endswith(("(Mmus)", ", mouse"))}
    assert len(foreign) > 50
    names = [name for term in foreign.values() for name in parser.get_term_synonyms(term)]
    found = {map_label("cell_type", name).term_id for name in (*foreign, *names)}
    assert found.isdisjoint(foreign.values())


@pytest.mark.parametrize(
    ("field", "ontology"), [("cell_type", "CL"), ("tissue", "UBERON"), ("disease", "MONDO")]
)
def test_a_label_in_capitals_without_hyphens_leads_to_its_own_term(field, ontology):
    parser = ontologies()
    labels = parser.get_term_label_to_id_map(ontology)
    synonyms = {s.casefold() for t in labels.values() for s in parser.get_term_synonyms(t)}
    own = {
        n: t for n, t in labels.items() if t.startswith(ontology) and not re.search(r"[(]|mouse", n)
    }
    chosen = [n for n in own if "-" in n and not parser.is_term_deprecated(own[n])][::10]
    assert len(chosen) > 20
    for name in chosen:
        written = name.upper().replace("-", " ")
        if written.casefold() not in synonyms:
            assert map_label(field, written).term_id in (own[name], None)


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


def test_a_deprecated_id_is_replaced_by_its_successor():
    """And where it has none, the study's own label stays beside it."""
    parser = ontologies()
    old = {t: parser.get_term_replacement(t) for t in parser.get_term_label_to_id_map("CL").values()
           if t.startswith("CL:") and parser.is_term_deprecated(t)}  # fmt: skip
    replaced = next(t for t, new in old.items() if new and new.startswith("CL:"))
    gone = next(t for t, new in old.items() if not new)
    assert map_label("cell_type", replaced).term_id == old[replaced]
    assert map_given("cell_type", "own words", replaced).term_id == old[replaced]
    assert map_given("cell_type", "own words", gone)[:3] == (gone, "own words", "given_id")
