from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.errors import ExcludedDataset, InputError
from sicmir_atlas.prepare import metadata
from sicmir_atlas.prepare.organism import require_human_row

ROW = {"dataset_id": "d1", "organism": "Homo sapiens", "tissue": "blood", "disease": "normal"}


def cells(**columns):
    return pd.DataFrame(columns, index=[f"c{i}" for i in range(4)])


def labels(table=None, **row):
    return metadata.cell_labels({**ROW, **row}, cells() if table is None else table)


def listed(column):
    return [None if pd.isna(value) else value for value in column]


def test_a_value_holds_for_all_cells():
    got = labels(cell_type="T cell", donor="d7", sample="s1")
    assert listed(got["cell_type_original"]) == ["T cell"] * 4
    assert listed(got["cell_type_ontology_term_id"]) == ["CL:0000084"] * 4
    assert listed(got["lineage"]) == ["T cell/natural killer"] * 4
    assert listed(got["mapping_method"]) == ["exact_label"] * 4
    assert listed(got["donor_id"]) == ["d7"] * 4
    assert listed(got["sample_id"]) == ["s1"] * 4
    assert listed(got["tissue_ontology_term_id"]) == ["UBERON:0000178"] * 4
    assert listed(got["disease_ontology_term_id"]) == ["PATO:0000461"] * 4


def test_a_column_holds_for_each_cell():
    table = cells(ct=["T cell", "my cells", "CL:0000236", "t-cells"], who=["a", "b", "a", "b"])
    got = labels(table, cell_type="obs:ct", donor="obs:who")
    assert listed(got["cell_type_original"]) == ["T cell", "my cells", "CL:0000236", "t-cells"]
    assert listed(got["cell_type"])[:3] == ["T cell", "unknown", "B cell"]
    assert listed(got["cell_type_ontology_term_id"])[:3] == ["CL:0000084", None, "CL:0000236"]
    assert listed(got["mapping_method"])[:3] == ["exact_label", "unmapped", "given_id"]
    assert listed(got["donor_id"]) == ["a", "b", "a", "b"]


def test_labels_that_map_to_one_term_stay_apart_in_the_original():
    got = labels(cells(ct=["T cell", "T-cell", "T lymphocyte", "CL:0000084"]), cell_type="obs:ct")
    assert got["cell_type"].unique().tolist() == ["T cell"]
    assert got["cell_type_original"].nunique() == 4


def test_unmapped_tissue_and_disease_keep_their_own_words():
    got = labels(tissue="left pocket", disease="boredom")
    assert listed(got["tissue"]) == ["left pocket"] * 4
    assert listed(got["tissue_original"]) == ["left pocket"] * 4
    assert listed(got["tissue_ontology_term_id"]) == [None] * 4
    assert listed(got["disease"]) == ["boredom"] * 4


def test_mapped_tissue_keeps_the_original_beside_it():
    got = labels(tissue="Blood")
    assert listed(got["tissue"]) == ["blood"] * 4
    assert listed(got["tissue_original"]) == ["Blood"] * 4


def test_a_label_means_what_it_means_in_the_organ_of_its_tissue():
    where = ["islet of Langerhans", "pancreas", "brain", None]
    got = labels(cells(ct=["alpha"] * 4, where=where), cell_type="obs:ct", tissue="obs:where")
    assert listed(got["organ"]) == ["pancreas", "pancreas", "brain", None]
    assert listed(got["cell_type_ontology_term_id"]) == ["CL:0000171", "CL:0000171", None, None]
    assert listed(got["mapping_method"]) == ["override", "override", "unmapped", "unmapped"]
    assert got["curator"].notna().tolist() == [True, True, False, False]
    assert got["curated_on"].str.fullmatch(r"\d{4}-\d\d-\d\d").tolist()[:2] == [True, True]
    assert listed(got["cell_type_original"]) == ["alpha"] * 4


def test_decisions_of_the_run_concern_their_dataset():
    decided = {"field": "cell_type", "label": "odd one", "term_id": "CL:0000540"}
    rows = [{**decided, "scope": "dataset:d1", "curator": "me", "curated_on": "2026-11-20"}]
    for name, term in (("d1", "CL:0000540"), ("d2", None)):
        row = {**ROW, "dataset_id": name, "cell_type": "odd one"}
        got = metadata.cell_labels(row, cells(), overrides=rows)
        assert listed(got["cell_type_ontology_term_id"]) == [term] * 4
        assert listed(got["curator"]) == [term and "me"] * 4


def test_disease_categories_stand_beside_diseases():
    got = labels(cells(d=["normal", "HCC", "boredom", None]), disease="obs:d")
    assert listed(got["disease_category"])[0] == "healthy"
    assert listed(got["disease_category"])[1] == "solid tumour"
    assert listed(got["disease_category"])[2:] == [None, None]


def test_cells_without_a_label():
    table = cells(ct=["T cell", None, "", "  "], where=["blood", None, "lung", np.nan])
    got = labels(table, cell_type="obs:ct", tissue="obs:where")
    assert listed(got["cell_type_original"]) == ["T cell", None, None, None]
    assert listed(got["cell_type"]) == ["T cell", "unknown", "unknown", "unknown"]
    assert listed(got["mapping_method"]) == ["exact_label", *["unlabelled"] * 3]
    assert listed(got["tissue"]) == ["blood", "unknown", "lung", "unknown"]
    assert listed(got["tissue_original"]) == ["blood", None, "lung", None]


def test_no_cell_type_is_given():
    got = labels()
    assert listed(got["cell_type_original"]) == [None] * 4
    assert listed(got["mapping_method"]) == ["unlabelled"] * 4
    assert listed(got["donor_id"]) == [None] * 4


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([0, 1, 10, 2], ["0", "1", "10", "2"]),
        ([True, False, True, False], ["True", "False", "True", "False"]),
        (pd.Categorical([3, 1, None, 1]), ["3", "1", None, "1"]),
        (pd.array([1, None, 2, 3], "Int64"), ["1", None, "2", "3"]),
        ([1.0, np.nan, 2.0, 3.5], ["1.0", None, "2.0", "3.5"]),
    ],
)
def test_labels_that_are_no_text(column, expected):
    assert listed(labels(cells(d=column), donor="obs:d")["donor_id"]) == expected


def test_unused_categories_leave_no_trace():
    column = pd.Categorical(["T cell"] * 4, categories=["B cell", "T cell"])
    got = labels(cells(ct=column), cell_type="obs:ct")
    assert list(got["cell_type_original"].cat.categories) == ["T cell"]


def test_columns_of_the_standard_names_are_taken_as_they_are():
    table = cells(
        sex=["female"] * 4,
        development_stage=["HsapDv:0000087"] * 4,
        suspension_type=["nucleus"] * 4,
        is_primary_data=[True, False, True, True],
    )
    got = labels(table)
    assert listed(got["sex_ontology_term_id"]) == ["PATO:0000383"] * 4
    assert listed(got["development_stage_ontology_term_id"]) == ["HsapDv:0000087"] * 4
    assert listed(got["suspension_type"]) == ["nucleus"] * 4
    assert listed(got["is_primary_data"]) == [True, False, True, True]


@pytest.mark.parametrize(
    "column",
    [
        pd.Categorical(["True", "False", None, "TRUE"]),
        np.array(["True", "false", None, "true"], object),
        pd.Categorical([True, False, None, True]),
        pd.array([True, False, None, True], "boolean"),
        np.array([1.0, 0.0, np.nan, 1.0]),
    ],
)
def test_is_primary_data_however_it_is_written(column):
    got = labels(cells(is_primary_data=column))
    assert listed(got["is_primary_data"]) == [True, False, None, True]


def test_what_is_primary_data_that_says_neither_is_null():
    got = labels(cells(is_primary_data=["yes", "no", "True", ""]))
    assert listed(got["is_primary_data"]) == [None, None, True, None]


def test_a_column_that_is_not_there_names_those_that_are():
    with pytest.raises(InputError) as error:
        labels(cells(louvain=["1"] * 4, batch=["b"] * 4), cell_type="obs:celltype")
    text = str(error.value)
    assert "d1" in text
    assert "cell_type names obs:celltype" in text
    assert "louvain, batch" in text


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        (None, [True] * 4),
        ("obs:q=SNG", [True, False, True, False]),
        ("obs:q=SNG|DBL", [True, True, True, False]),
        ("obs:n=2", [False, True, False, False]),
    ],
)
def test_filter(rule, kept):
    table = cells(q=["SNG", "DBL", "SNG", None], n=[1, 2, 3, 4])
    assert metadata.row_filter({**ROW, "filter": rule}, table).tolist() == kept


def test_filter_that_keeps_nothing_says_what_there_is():
    with pytest.raises(InputError, match="'obs:q=sng' keeps no cell; q holds: DBL, SNG"):
        metadata.row_filter({**ROW, "filter": "obs:q=sng"}, cells(q=["SNG", "DBL", "SNG", None]))


def test_filter_by_a_column_that_is_not_there():
    with pytest.raises(InputError, match="column filter names obs:z, which the cells lack"):
        metadata.row_filter({**ROW, "filter": "obs:z=1"}, cells(q=["a"] * 4))


@pytest.mark.parametrize("given", ["Homo sapiens", "human", " HOMO SAPIENS", "NCBITaxon:9606"])
def test_human(given):
    require_human_row({**ROW, "organism": given})
    metadata.require_human({**ROW, "organism": given}, cells())


def test_another_organism():
    mouse = {**ROW, "organism": "Mus musculus"}
    with pytest.raises(ExcludedDataset, match="organism: Mus musculus; only Homo sapiens"):
        require_human_row(mouse)
    with pytest.raises(ExcludedDataset, match="organism: Mus musculus; only Homo sapiens"):
        metadata.require_human(mouse, cells())


def test_organism_by_column():
    row = {**ROW, "organism": "obs:species"}
    require_human_row(row)  # nothing is known yet
    metadata.require_human(row, cells(species=["Homo sapiens"] * 4))
    metadata.require_human(row, cells(species=["Homo sapiens", None, "human", "human"]))
    with pytest.raises(ExcludedDataset, match="organism: Mus musculus; only"):
        metadata.require_human(row, cells(species=["human", "Mus musculus", "human", "human"]))
    with pytest.raises(InputError, match="organism names obs:species"):
        metadata.require_human(row, cells(other=["human"] * 4))


def test_organism_that_nobody_gives():
    require_human_row({**ROW, "organism": None})  # the cells may know
    with pytest.raises(ExcludedDataset, match="organism: not given; only Homo sapiens"):
        metadata.require_human({**ROW, "organism": None}, cells())
    with pytest.raises(ExcludedDataset, match="organism: not given"):
        metadata.require_human({**ROW, "organism": "obs:species"}, cells(species=[None] * 4))


@pytest.mark.parametrize("empty", [None, ""])
@pytest.mark.parametrize("field", ["tissue", "disease"])
def test_tissue_and_disease_are_asked(field, empty):
    with pytest.raises(ExcludedDataset, match=f"metadata: {field} not given"):
        metadata.require_metadata({**ROW, field: empty})


@pytest.mark.parametrize("assay", ["Smart-seq2", "smart-SEQ2", "EFO:0008931", "Smart-seq"])
def test_assays_that_count_reads(assay):
    with pytest.raises(ExcludedDataset, match=f"umi: {assay} counts reads"):
        metadata.require_metadata({**ROW, "assay": assay})


@pytest.mark.parametrize("assay", ["10x 3' v3", "obs:assay", None, "my own assay", "CEL-seq2"])
def test_other_assays(assay):
    metadata.require_metadata({**ROW, "assay": assay})


def test_columns_of_tissue_or_disease_that_are_empty():
    kept = np.array([True, True, False, False])
    some = labels(cells(state=["normal", None, None, None]), disease="obs:state")
    metadata.require_labels(some[kept])
    none = labels(cells(state=[None, None, "normal", "normal"]), disease="obs:state")
    with pytest.raises(ExcludedDataset, match="metadata: disease not given for any cell"):
        metadata.require_labels(none[kept])


def test_an_assay_of_spots():
    with pytest.raises(ExcludedDataset, match="spatial: Visium Spatial Gene Expression counts"):
        metadata.require_metadata({**ROW, "assay": "Visium Spatial Gene Expression"})


@pytest.mark.parametrize("numbers", [[0, 1, 10, 2], ["0", "1", None, "2"], [1.0, 2.0, np.nan, 3.5]])
def test_clusters_are_no_cell_types(numbers):
    with pytest.raises(InputError, match=r"cell_type names obs:leiden, which holds numbers \("):
        labels(cells(leiden=numbers), cell_type="obs:leiden")


def test_term_ids_beside_a_label_are_taken_as_they_are():
    table = cells(
        cell_type=["my T", "my B", "unknown", "my B"],
        cell_type_ontology_term_id=["CL:0000084", "CL:0000236", "unknown", "CL:0000236"],
        tissue=["a line", "lung", "lung", "lung"],
        tissue_ontology_term_id=["CVCL_0030", *["UBERON:0002048"] * 3],
        disease=["two of them", "normal", "normal", "normal"],
        disease_ontology_term_id=["MONDO:0005015 || MONDO:0005044", *["PATO:0000461"] * 3],
        sex=["female", "male", "male", "male"],
        sex_ontology_term_id=["PATO:0000383", *["PATO:0000384"] * 3],
    )
    got = labels(table, cell_type="obs:cell_type", tissue="obs:tissue", disease="obs:disease")
    assert listed(got["cell_type"]) == ["T cell", "B cell", "unknown", "B cell"]
    assert listed(got["cell_type_original"]) == ["my T", "my B", "unknown", "my B"]
    assert listed(got["mapping_method"]) == ["given_id", "given_id", "unmapped", "given_id"]
    assert listed(got["lineage"])[:2] == ["T cell/natural killer", "B cell"]
    assert listed(got["tissue_ontology_term_id"])[:2] == ["CVCL_0030", "UBERON:0002048"]
    assert listed(got["tissue"])[:2] == ["HeLa", "lung"]  # CVCL_0030 in Cellosaurus
    terms = listed(got["disease_ontology_term_id"])
    assert terms[:2] == ["MONDO:0005015 || MONDO:0005044", "PATO:0000461"]
    assert listed(got["disease"])[:2] == ["diabetes mellitus || hypertensive disorder", "normal"]
    assert listed(got["disease_original"])[0] == "two of them"
    assert listed(got["sex_ontology_term_id"])[0] == "PATO:0000383"


def test_term_ids_beside_another_column_are_not_taken():
    table = cells(mine=["T cell"] * 4, cell_type_ontology_term_id=["CL:0000236"] * 4)
    assert listed(labels(table, cell_type="obs:mine")["cell_type"]) == ["T cell"] * 4
