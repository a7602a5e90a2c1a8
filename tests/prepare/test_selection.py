from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.errors import ExcludedDataset
from sicmir_atlas.prepare.metadata import cell_labels
from sicmir_atlas.prepare.organism import require_human_genes
from sicmir_atlas.prepare.selection import select
from sicmir_atlas.readers.base import gene_table

ROW = {
    "dataset_id": "d",
    "organism": "human",
    "tissue": "lung",
    "disease": "normal",
    "cell_type": "obs:kind",
    "assay": "obs:assay",
}


def chosen(table, **row):
    row = {**ROW, **row}
    return select(row, table, cell_labels(row, table))


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "kind": ["a", "a", "b", "b", "b"],
            "assay": ["10x 3' v3", "Smart-seq2", "10x 3' v3", "Visium", "10x 5' v1"],
            "assay_ontology_term_id": [
                *("EFO:0009922", "EFO:0008931", "EFO:0009922", "EFO:0022857", "EFO:0011025")
            ],
            "is_primary_data": [True, True, False, True, True],
            "donor": ["1", "1", "1", "1", "2"],
        },
        index=list("vwxyz"),
    )


def test_cells_of_read_counts_and_spots_are_left_out_one_by_one(table):
    wanted, lost = chosen(table)
    assert wanted.tolist() == [True, False, True, False, True]
    lost = lost.set_index(["rule", "cell_type_original"])
    assert lost["n_lost"].to_dict() == {
        ("spatial", "a"): 0,
        ("spatial", "b"): 1,
        ("umi", "a"): 1,
        ("umi", "b"): 0,
    }
    assert lost["threshold"].isna().all()


def test_cells_that_another_dataset_holds(table):
    assert chosen(table, primary_data="only")[0].tolist() == [True, False, False, False, True]
    assert chosen(table, primary_data="any")[0].tolist() == [True, False, True, False, True]


def test_a_cell_is_lost_to_the_first_rule_it_breaks(table):
    wanted, lost = chosen(table, filter="obs:donor=1")
    assert wanted.tolist() == [True, False, True, False, False]
    assert lost.groupby("rule")["n_lost"].sum().to_dict() == {"spatial": 1, "umi": 1}


def test_nothing_is_recorded_of_rules_that_leave_nothing_out(table):
    wanted, lost = chosen(table.iloc[[0, 2, 4]])
    assert wanted.all()
    assert lost.empty


@pytest.mark.parametrize(
    ("rows", "row", "said"),
    [
        ([1], {}, r"umi: none of 1 cells is left.*\(Smart-seq2\)"),
        ([3], {}, "spatial: none of 1 cells is left: spots of tissue are no cells"),
        ([2], {"primary_data": "only"}, "primary: none of 1 cells is left: another dataset"),
    ],
)
def test_a_dataset_of_which_nothing_is_left(table, rows, row, said):
    with pytest.raises(ExcludedDataset, match=said):
        chosen(table.iloc[rows], **row)


def genes(names, **columns):
    return gene_table(np.array(names, dtype=object)).assign(**columns)


@pytest.mark.parametrize(
    "names",
    [
        ["ENSG00000141510", "ENSMUSG00000059552"],
        ["GRCh38_TP53", "mm10___Trp53"],
        ["TP53", "GRCm39_Trp53"],
        ["ENSRNOG00000010756"],
    ],
)
def test_genes_of_another_species_exclude(names):
    with pytest.raises(ExcludedDataset, match=r"organism: 1 of \d genes are of another species"):
        require_human_genes(genes(names))


def test_the_genome_of_a_10x_file_tells_too():
    mixed = genes(["TP53", "Trp53"], genome=pd.array(["GRCh38", "mm10"], dtype="string"))
    with pytest.raises(ExcludedDataset, match="such as Trp53"):
        require_human_genes(mixed)


def test_human_genes_a_virus_and_a_reporter_pass():
    require_human_genes(genes(["ENSG00000141510.18", "MT-CO1", "ERCC-00002", "eGFP", "RNASE1"]))
    require_human_genes(genes([f"G{i}" for i in range(500)] + ["ENSSASG00005000002"]))
