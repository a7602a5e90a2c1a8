from __future__ import annotations

import pytest

from sicmir_atlas.harmonise.readings import faithful_readings, is_mixture, loose_readings, parts
from sicmir_atlas.harmonise.text import expanded, fold, unordered, without_cell


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("T cells", "t CELL"),
        ("T-cell", "T_cell"),
        ("Tcells", "T cell"),
        ("CD4+ T cell", "CD4-positive T cell"),
        ("CD27neg B", "CD27- B"),
        ("CD27pos", "CD27+"),
        ("HLA-DRhi CD83hi", "HLA-DR high, CD83 high"),
        ("β-cell", "beta cell"),
        ("AM\N{GREEK SMALL LETTER PHI}", "a macrophage"),
        ("naïve B", "Naive B"),
        ("type II pneumocyte", "Type 2 pneumocytes"),
        ("Henle's loop", "Henle loop"),
        ("oesophageal", "esophageal"),
        ("foetal haematopoietic", "fetal hematopoietic"),
        ("acute myeloid leukaemia", "Acute Myeloid Leukemia"),
        ("  Mast \t cell ", "mast cell"),
    ],
)
def test_spellings_of_one_name(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CD25-", "CD25+"),
        ("CD4+ T", "CD8+ T"),
        ("NK CD16-", "NK CD16+"),
        ("type I", "type II"),
        ("T cell", "B cell"),
        ("pancreas", "pancrea cell"),
        ("alpha", "beta"),
    ],
)
def test_names_that_differ_stay_apart(one, other):
    assert fold(one) != fold(other)


@pytest.mark.parametrize("text", ["", " ", "---", "細胞", "+/-"])
def test_what_has_no_latin_letter(text):
    assert fold(text) in ("", "positive")


def test_order_of_words():
    assert unordered(fold("B cell memory")) == unordered(fold("memory B cells"))
    assert unordered(fold("T_CD4_naive")) == unordered(fold("naive CD4+ T cell"))


@pytest.mark.parametrize("text", ["B cell", "B 1", "NK T", "natural killer T"])
def test_order_counts_where_words_are_few_numbered_or_two_kinds(text):
    assert unordered(expanded(fold(text))) == ""


def test_the_closing_word():
    assert without_cell("mast cell") == "mast"
    assert without_cell("cell cycle") == "cell cycle"


def test_faithful_readings_come_in_order():
    read = [(reading.step, reading.text) for reading in faithful_readings("3_EC (lymphatic)_1")]
    assert read == [
        ("spelling", "3 ec lymphatic 1"),
        ("number", "ec lymphatic"),
        ("brackets", "lymphatic ec"),
        ("abbreviation", "lymphatic endothelial cell"),
    ]


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("B cell 1", "b cell"),
        ("T_cells_II", "t cell"),
        ("Goblet_A", "goblet"),
        ("c12_Mast cell", "mast cell"),
        ("0: Monocytes", "monocyte"),
        ("Fibroblast3", "fibroblast"),
    ],
)
def test_a_clusters_number_does_not_count(label, text):
    assert text in [reading.text for reading in faithful_readings(label)]


@pytest.mark.parametrize("label", ["Th17", "ILC2", "AT1", "cDC1", "Type 2", "Group 3", "M1", "CD4"])
def test_a_number_that_is_part_of_the_name_stays(label):
    assert {reading.text for reading in faithful_readings(label)} <= {
        fold(label),
        expanded(fold(label)),
    }


def test_markers_go_but_those_called_cd():
    loose = {reading.text for reading in loose_readings("Alveolar macrophage_FABP4 high(Lung)")}
    assert "alveolar macrophage" in loose
    loose = {reading.text for reading in loose_readings("CD8+ T IL7R+")}
    assert "cd8 positive t" in loose
    assert "t" not in loose


def test_parts():
    assert parts("Dendritic_Langerhans") == ["Dendritic", "Langerhans"]
    assert parts("Immune (B cell)") == ["Immune", "B cell"]
    assert parts("T cell") == []


@pytest.mark.parametrize(
    "label",
    [
        "T/NK cells",
        "B and T cells",
        "Doublets",
        "T_B_doublet",
        "OPC-like",
        "Tumour epithelial",
        "Malignant",
        "non-immune",
        "Unassigned",
        "Unclassified endocrine cell",
        "unknown",
        "B-cell lymphoma",
        "Macrophage?",
        "Cell in cell cycle",
    ],
)
def test_mixtures(label):
    assert is_mixture(label)


@pytest.mark.parametrize(
    "label", ["Stromal cell", "unipolar brush cell", "Melanocyte", "Orbital fibroblast", "B cell"]
)
def test_no_mixtures(label):
    assert not is_mixture(label)
