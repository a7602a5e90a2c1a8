"""Labels of real studies: the sorted blood cells one by one, and 75 studies held out in turn."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

import anndata as ad
import pytest

import simulated
from sicmir_atlas.harmonise.rules import map_label
from sicmir_atlas.names import ontologies
from sicmir_atlas.prepare.qc import PROFILES

pytestmark = pytest.mark.real


class Choice(NamedTuple):
    """What a curator would choose, why, and what CL has to say of that term."""

    term_id: str
    name: str
    why: str
    kind_of: tuple[str, ...]
    says: tuple[str, ...] = ()


SORTED = {
    "CD4+ T Helper2": Choice(
        "CL:0000546",
        "T-helper 2 cell",
        "helper 2 is the finest that is said, and CL's cell carries CD4 by definition",
        ("CD4-positive helper T cell",),
        ("CD4-positive",),
    ),
    "CD4+/CD25 T Reg": Choice(
        "CL:0000792",
        "CD4-positive, CD25-positive, alpha-beta regulatory T cell",
        "both markers and the function are in the name",
        ("CD4-positive, alpha-beta T cell", "regulatory T cell"),
        ("CD25-positive",),
    ),
    "CD4+/CD45RA+/CD25- Naive T": Choice(
        "CL:0000895",
        "naive thymus-derived CD4-positive, alpha-beta T cell",
        "CL has one naive CD4 T cell of the thymus, and it lacks CD25; CD45RA is the naive isoform",
        ("CD4-positive, alpha-beta T cell", "naive T cell"),
        ("CD25-negative",),
    ),
    "CD4+/CD45RO+ Memory": Choice(
        "CL:0001204",
        "CD4-positive, alpha-beta memory T cell, CD45RO-positive",
        "the memory cell that is told by CD45RO; central or effector is not said",
        ("CD4-positive, alpha-beta memory T cell",),
        ("CD45RO-positive",),
    ),
    "CD8+ Cytotoxic T": Choice(
        "CL:0000794",
        "CD8-positive, alpha-beta cytotoxic T cell",
        "marker and function are in the name",
        ("CD8-positive, alpha-beta T cell",),
        ("killing",),
    ),
    "CD8+/CD45RA+ Naive Cytotoxic": Choice(
        "CL:0000900",
        "naive thymus-derived CD8-positive, alpha-beta T cell",
        "a naive cell has met no antigen and kills nothing yet; CL gives it CD45RA",
        ("CD8-positive, alpha-beta T cell", "naive T cell"),
        ("CD45RA-positive", "not experienced activation"),
    ),
    "CD14+ Monocyte": Choice(
        "CL:0001054",
        "CD14-positive monocyte",
        "CD16 is not said, so neither classical nor intermediate",
        ("monocyte",),
        ("expresses CD14",),
    ),
    "CD19+ B": Choice(
        "CL:0001201",
        "B cell, CD19-positive",
        "the marker is in the name; a kind of B cell",
        ("B cell",),
        ("CD19-positive",),
    ),
    "CD34+": Choice(
        "CL:0008001",
        "hematopoietic precursor cell",
        "in blood CD34 sorts stem cells and progenitors alike, which this term spans",
        ("hematopoietic cell",),
        ("precursor",),
    ),
    "CD56+ NK": Choice(
        "CL:0000623",
        "natural killer cell",
        "CL has NK cells with bright and with dim CD56, and the label says neither",
        ("innate lymphoid cell",),
        ("kill",),
    ),
}
SUBPOPULATIONS = {
    "T cell": "CL:0000084",
    "B cell": "CL:0000236",
    "NK cell": "CL:0000623",
    "CD14+": "CL:0001054",
    "CD34+": "CL:0008001",
}


@pytest.mark.parametrize("label", SORTED)
def test_cl_says_what_the_choice_claims(label):
    choice, parser = SORTED[label], ontologies()
    assert parser.get_term_label(choice.term_id) == choice.name
    ancestors = {parser.get_term_label(t) for t in parser.get_term_ancestors(choice.term_id)}
    assert ancestors >= set(choice.kind_of)
    definition = parser.get_term_description(choice.term_id)
    assert all(words in definition for words in choice.says)


def test_stem_cells_are_a_kind_of_what_cd34_sorts():
    assert "CL:0008001" in ontologies().get_term_ancestors("CL:0000037")


@pytest.fixture(scope="module")
def sorted_cells(shared_data):
    return ad.read_h5ad(shared_data / "cells/pbmc_facs.h5ad", backed="r").obs


def test_the_ten_sorted_populations_of_blood(sorted_cells):
    assert set(sorted_cells["celltype"]) == set(SORTED)
    for label, choice in SORTED.items():
        found = map_label("cell_type", label, organ="blood")
        assert (found.term_id, found.label) == (choice.term_id, choice.name), choice.why
        assert found.method in ("normalised_text", "override")


def test_their_coarser_labels(sorted_cells):
    assert set(sorted_cells["subpop"]) == set(SUBPOPULATIONS)
    for label, term in SUBPOPULATIONS.items():
        assert map_label("cell_type", label, organ="blood").term_id == term


def test_a_marker_of_blood_says_nothing_of_other_organs():
    assert map_label("cell_type", "CD34+", organ="lung").term_id is None
    assert map_label("cell_type", "CD34+").term_id is None


def test_prepare_maps_them_with_the_organ_of_their_tissue(shared_data, tmp_path):
    prepared = simulated.prepare(
        shared_data / "cells/pbmc_facs.h5ad",
        tmp_path,
        profile=PROFILES["atlas"],
        cell_type="obs:celltype",
        tissue="PBMC",
        disease="healthy",
    )
    cells = prepared.cells()
    assert set(cells["organ"]) == {"blood"}
    assert set(cells["disease"]) == {"normal"}
    mapped = dict(
        zip(cells["cell_type_original"], cells["cell_type_ontology_term_id"], strict=True)
    )
    assert mapped == {label: choice.term_id for label, choice in SORTED.items()}
    decided = cells[cells["mapping_method"] == "override"]
    assert set(decided["curator"]) == {"sicmir-atlas curators"}


@pytest.fixture(scope="module")
def report(root, shared_data):
    """Figures of the report, by rule."""
    table = shared_data / "facts/author_celltype_to_cl.tsv.gz"
    command = [sys.executable, root / "tools/harmonise_report.py", table]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    first, second = said.split("different pairs")
    return first, second


def figures(text, name):
    line = next(line for line in text.splitlines() if line.strip().startswith(name))
    return [float(n.replace(",", "")) for n in line.strip().removeprefix(name).split()]


def test_every_rule_and_step_reaches_the_bar(report):
    first, _ = report
    rules = first.split("studies looked at")[0].splitlines()[2:]
    precision = {line[:26].strip(): float(line.split()[-1]) for line in rules if len(line) > 26}
    assert {"exact_label", "unique_synonym", "normalised_text", "override"} <= set(precision)
    assert len(precision) > 10
    assert {name: value for name, value in precision.items() if value < 0.95} == {}
    assert "!" not in first


def test_the_rules_beat_names_by_far(report):
    first, second = report
    for text, least in ((first, 2000), (second, 1700)):
        ours = figures(text, "all rules")
        names = figures(text, "names of CL as they are")
        loose = figures(text, "less s, cell, -, _")
        assert ours[0] >= least
        assert ours[0] > 4 * names[0]
        assert ours[0] > 2.5 * loose[0]
        assert ours[-1] > loose[-1]
        assert ours[-2] > loose[-2]


def test_studies_that_nobody_looked_at_fare_as_well(report):
    assert figures(report[0], "studies not looked at")[-1] >= 0.95


def test_names_alone_are_what_a_plain_count_gives(report):
    _, second = report
    assert figures(second, "names of CL as they are")[:2] == [327, 0.107]
