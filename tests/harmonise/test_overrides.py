from __future__ import annotations

import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.harmonise.overrides import Override, Overrides, read_overrides
from sicmir_atlas.harmonise.rollup import organs
from sicmir_atlas.harmonise.rules import map_label
from sicmir_atlas.names import ontologies, read_data_table

HEADER = "field,scope,label,term_id,curator,curated_on,source"


def row(label, term, scope="*", field="cell_type"):
    return {"field": field, "scope": scope, "label": label, "term_id": term}


def term_of(label, *rows, organ=None, dataset_id="d1", field="cell_type"):
    table = Overrides(rows, dataset_id=dataset_id, package=False)
    return map_label(field, label, organ=organ, overrides=table).term_id


def test_a_datasets_own_decision_comes_before_its_organs_and_that_before_any():
    rows = [
        row("alpha", "CL:0000001"),
        row("alpha", "CL:0000171", "pancreas"),
        row("alpha", "CL:0000540", "dataset:d1"),
    ]
    assert term_of("alpha", *rows, organ="pancreas") == "CL:0000540"
    assert term_of("alpha", *rows, organ="pancreas", dataset_id="d2") == "CL:0000171"
    assert term_of("alpha", *rows, organ="brain", dataset_id="d2") == "CL:0000001"
    assert term_of("alpha", *rows[1:], organ="brain", dataset_id="d2") is None


def test_decisions_of_a_run_come_before_the_packages():
    mine = Overrides([row("alpha", "CL:0000540", "pancreas")])
    assert map_label("cell_type", "alpha", organ="pancreas", overrides=mine).term_id == "CL:0000540"
    assert map_label("cell_type", "alpha", organ="pancreas").term_id == "CL:0000171"


def test_a_rule_that_knows_the_label_comes_before_a_decision_for_any_organ():
    assert term_of("T cells", row("T cells", "CL:0000540")) == "CL:0000084"


def test_a_decision_on_this_dataset_or_organ_comes_before_the_rules():
    assert term_of("T cells", row("T cells", "CL:0000540", "dataset:d1")) == "CL:0000540"
    assert term_of("T cells", row("T cells", "CL:0000540", "lung"), organ="lung") == "CL:0000540"
    assert term_of("CL:0000236", row("CL:0000236", "CL:0000540", "dataset:d1")) == "CL:0000236"


def test_a_decision_holds_for_other_spellings_of_the_label():
    decided = row("Weird cell", "CL:0000540")
    for label in ("weird cells", "Weird_Cell", "weird cell 3", "c4_Weird cell"):
        assert term_of(label, decided) == "CL:0000540"
    assert term_of("weird", decided) is None


def test_a_datasets_decision_holds_for_the_label_as_it_is_written():
    decided = row("c3", "CL:0000540", "dataset:d1")
    assert term_of("C3 ", decided) == "CL:0000540"
    assert term_of("c_3", decided) is None
    assert term_of("細胞", row("細胞", "CL:0000540", "dataset:d1")) == "CL:0000540"
    assert term_of("細", row("細胞", "CL:0000540")) is None


def test_who_decided_and_when_is_told():
    decided = {**row("zzz", "CL:0000540"), "curator": "A. Curator", "curated_on": "2026-11-20"}
    found = map_label("cell_type", "zzz", overrides=Overrides([decided]))
    assert found == ("CL:0000540", "neuron", "override", "A. Curator", "2026-11-20")
    assert map_label("cell_type", "T cells")[3:] == (None, None)


def written(tmp_path, *lines, name="mine.csv"):
    path = tmp_path / name
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


GOOD = "cell_type,blood,my cells,CL:0000084,A. Curator,2026-11-20,a paper"


@pytest.mark.parametrize("name", ["mine.csv", "mine.tsv"])
def test_tables_are_read(tmp_path, name):
    path = written(tmp_path, GOOD, name=name)
    if name.endswith("tsv"):
        path.write_text("\ufeff" + path.read_text().replace(",", "\t"))
    (read,) = read_overrides(path)
    assert Override(**read).label == "my cells"
    assert Override(**read).source == "a paper"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("cell_type", "cells"), r"field: 'cells' is none of cell_type, tissue"),
        (("CL:0000084", "UBERON:0000178"), r"term_id: 'UBERON:0000178' is no term of CL"),
        (("CL:0000084", "CL:99"), r"term_id: CL:99 is not known"),
        (("CL:0000084", "CL:0000002"), r"term_id: CL:0000002 is deprecated"),
        (("CL:0000084", ""), r"term_id: '' is no term of CL"),
        ((",blood,", ",bloot,"), r"scope: 'bloot' is no organ; write \* for any, dataset:ID"),
        ((",blood,", ",dataset:,"), r"scope: 'dataset:' is no organ"),
        (("my cells", " "), r"label: it is empty"),
        (("A. Curator", ""), r"curator: it is empty; write who decided"),
        (("2026-11-20", "20.11.26"), r"curated_on: '20.11.26' is no day; write it as 2026-01-31"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_column(tmp_path, change, said):
    path = written(tmp_path, GOOD.replace("my cells", "others"), GOOD.replace(*change))
    with pytest.raises(InputError, match=f"^mine.csv, line 3, column {said}"):
        read_overrides(path)


def test_a_deprecated_term_is_told_its_successor(tmp_path):
    parser = ontologies()
    labels = parser.get_term_label_to_id_map("CL")
    old = next(
        t for t in labels.values() if (parser.get_term_replacement(t) or "").startswith("CL")
    )
    path = written(tmp_path, GOOD.replace("CL:0000084", old))
    with pytest.raises(InputError, match=f"deprecated; write {parser.get_term_replacement(old)}$"):
        read_overrides(path)


def test_every_line_that_is_wrong_is_said(tmp_path):
    path = written(tmp_path, GOOD, GOOD.replace("my", "MY"), GOOD.replace("blood", "moon"))
    with pytest.raises(InputError) as caught:
        read_overrides(path)
    first, second = str(caught.value).splitlines()
    assert (
        first == "mine.csv, line 3, column label: 'MY cells' is decided in line 2 already; keep one"
    )
    assert second.startswith("mine.csv, line 4, column scope")


def test_a_table_without_a_column(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("field,label,term_id\n")
    with pytest.raises(InputError, match="column scope, curator, curated_on is missing"):
        read_overrides(path)


@pytest.fixture(scope="module")
def shipped(root):
    return [Override(**one) for one in read_overrides(root / "bin/sicmir_atlas/data/overrides.tsv")]


def test_the_packages_table_is_right(shipped):
    assert len(shipped) == len(read_data_table("overrides.tsv")) > 200
    assert {one.scope for one in shipped} <= {"*", *organs()}
    assert all(one.source for one in shipped)


def test_every_decision_of_the_package_is_reached(shipped):
    for one in shipped:
        organ = None if one.scope == "*" else one.scope
        found = map_label(one.field, one.label, organ=organ)
        assert (found.term_id, found.method) == (one.term_id, "override"), one


def test_a_short_or_greek_label_means_nothing_where_the_organ_is_not_known(shipped):
    short = [one for one in shipped if one.field == "cell_type" and len(one.label) < 4]
    anywhere = {one.label for one in short if one.scope == "*"}
    assert anywhere == {"ILC", "Vd1", "Vd2"}
    for label in ("alpha", "beta", "delta", "gamma", "HSC", "KC", "TA", "PC", "CM"):
        assert map_label("cell_type", label).term_id is None


@pytest.mark.parametrize(
    ("organ", "label", "name"),
    [
        ("pancreas", "alpha", "pancreatic A cell"),
        ("pancreas", "beta cells", "type B pancreatic cell"),
        ("liver", "KC", "Kupffer cell"),
        ("skin", "KC", "keratinocyte"),
        ("eye", "RGCs", "retinal ganglion cell"),
        ("prostate", "Basal", "basal cell of prostate epithelium"),
        ("lung", "Basal", "respiratory basal cell"),
        ("brain", "alpha", None),
    ],
)
def test_one_label_by_organ(organ, label, name):
    assert map_label("cell_type", label, organ=organ).label == name


@pytest.mark.parametrize(
    ("field", "label", "name"),
    [
        ("tissue", "PBMCs", "blood"),
        ("tissue", "Lungs", "lung"),
        ("tissue", "LN", "lymph node"),
        ("tissue", "Bone_Marrow", "bone marrow"),
        ("disease", "Healthy", "normal"),
        ("disease", "control", "normal"),
        ("disease", "HCC", "hepatocellular carcinoma"),
        ("disease", "PDAC", "pancreatic ductal adenocarcinoma"),
        ("disease", "GBM", "glioblastoma"),
        ("disease", "Crohns disease", "Crohn disease"),
        ("disease", "acute myeloid leukaemia", "acute myeloid leukemia"),
        ("disease", "MM", None),  # multiple myeloma, or Miyoshi myopathy
        ("disease", "PD", None),
        ("sex", "F", "female"),
        ("sex", "M", "male"),
        ("development_stage", "adult", "adult stage"),
        ("assay", "10X 3' v3", "10x 3' v3"),
        ("assay", "dropseq", "Drop-seq"),
        ("assay", "10x", None),  # which chemistry is not said
    ],
)
def test_words_of_other_columns(field, label, name):
    assert map_label(field, label).label == name


def test_decisions_that_contradict_are_said_however_they_are_spelt(tmp_path):
    """They would be found by the same text; in one dataset labels are taken as written."""
    rest = "A. Curator,2026-01-31,"
    table = written(tmp_path, f"cell_type,*,zed cell,CL:0000236,{rest}", *[
        f"cell_type,*,Zed cells,CL:0000084,{rest}",
        f"cell_type,dataset:d1,zed cell,CL:0000236,{rest}",
        f"cell_type,dataset:d1,Zed cells,CL:0000084,{rest}",
    ])  # fmt: skip
    with pytest.raises(InputError, match=r"line 3, column label: 'Zed cells' is decided in line 2"):
        read_overrides(table)


def test_an_organ_decides_on_cell_types_alone(tmp_path):
    table = written(tmp_path, "tissue,blood,foo,UBERON:0000178,A. Curator,2026-01-31,")
    with pytest.raises(InputError, match="scope: an organ is for cell_type alone"):
        read_overrides(table)


def test_a_table_that_is_no_utf8(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(HEADER.encode() + "\ncell_type,*,é".encode("latin-1"))
    with pytest.raises(InputError, match=r"mine.csv: not UTF-8 text"):
        read_overrides(path)


def test_a_label_like_a_term_id_can_be_decided():
    decided = row("cluster:3", "CL:0000540", "dataset:d1")
    assert term_of("cluster:3", decided) == "CL:0000540"
    assert term_of("leiden:7", decided) is None
