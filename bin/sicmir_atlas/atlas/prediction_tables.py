"""Tables of cells, of what is predicted for them and their types, and of the miRNAs."""

from __future__ import annotations

from sicmir_atlas.atlas.columns import CELL_TYPE, DATASET_ID, LINEAGE, TISSUE, count, term, text
from sicmir_atlas.atlas.spec import ColumnSpec, TableSpec
from sicmir_atlas.harmonise.mapping import METHODS

__all__ = ["CELLS", "CELL_MIRNA", "CELL_TYPE_MIRNA", "MIRNAS", "POOL_MIRNA"]

_CELL_ID = ColumnSpec("cell_id", "string", "barcode or name of the cell in its dataset's own files")
_CELL_TYPE_ORIGINAL = ColumnSpec("cell_type_original", "string", "label given by the study")
_DISEASE = ColumnSpec(
    "disease",
    "string",
    "harmonised label (`normal` for healthy), or the study's own where it maps to none",
)
_OF_INTERVAL = "of its 95 % interval over samples; null where the model's card has none"
_WITHIN_DATASET = (
    "Predictions are relative within one dataset (they follow from z-scores over it): between "
    "datasets compare ranks or within-dataset effects, never the values themselves."
)


def _pcc(name: str, description: str) -> ColumnSpec:
    return ColumnSpec(name, "float32", description, nullable=True)


CELLS = TableSpec(
    "cells",
    "Every cell that passed QC, with its labels and QC figures.",
    ("dataset_id", "cell_id"),
    (
        DATASET_ID,
        _CELL_ID,
        text("sample_id", "sample or library"),
        text("donor_id", "donor"),
        ColumnSpec("cell_type_original", "string", "label given by the study", nullable=True),
        CELL_TYPE,
        term("cell_type", "CL"),
        LINEAGE,
        ColumnSpec(
            "mapping_method",
            "string",
            "rule that mapped the cell type",
            values=(*METHODS, "unlabelled"),
        ),
        TISSUE,
        text("tissue_original", "tissue as the study gives it"),
        term("tissue", "UBERON"),
        text("organ", "organ that the tissue is part of; null where none is known"),
        _DISEASE,
        text("disease_original", "disease as the study gives it"),
        term("disease", "MONDO, PATO"),
        text("disease_category", "broad category of the disease; null where none is known"),
        text("assay", "assay"),
        term("assay", "EFO"),
        text("sex", "sex of the donor"),
        term("sex", "PATO"),
        text("development_stage", "development stage of the donor"),
        term("development_stage", "HsapDv"),
        text("suspension_type", "cell or nucleus"),
        ColumnSpec(
            "is_primary_data",
            "bool",
            "false where another dataset holds the same cell",
            nullable=True,
        ),
        ColumnSpec("umap_1", "float32", "embedding; null unless asked for", nullable=True),
        ColumnSpec("umap_2", "float32", "embedding; null unless asked for", nullable=True),
        ColumnSpec("n_genes", "int32", "genes with at least one count", "genes"),
        ColumnSpec("n_counts", "int64", "library size over all genes", "UMI"),
        ColumnSpec(
            "pct_mt",
            "float32",
            "share of mitochondrial counts; null where the matrix has no MT gene",
            "%",
            nullable=True,
        ),
        ColumnSpec("n_landmarks_detected", "int32", "landmark genes with a count", "genes"),
    ),
    per_dataset=True,
    references={"dataset_id": "datasets"},
)

CELL_MIRNA = TableSpec(
    "cell_mirna",
    "Predictions from each cell's own profile, one column a miRNA.",
    ("dataset_id", "cell_id"),
    (DATASET_ID, _CELL_ID, CELL_TYPE),
    per_dataset=True,
    mirna_type="float16",
    references={"dataset_id": "datasets", "dataset_id, cell_id": "cells"},
    comparable=_WITHIN_DATASET,
)

POOL_MIRNA = TableSpec(
    "pool_mirna",
    "Predictions from pools of cells (cell type × tissue × disease, × donor when asked), "
    "one column a miRNA.",
    ("dataset_id", "pool_id"),
    (
        DATASET_ID,
        ColumnSpec("pool_id", "string", "name of the pool"),
        _CELL_TYPE_ORIGINAL,
        CELL_TYPE,
        term("cell_type", "CL"),
        TISSUE,
        _DISEASE,
        text("donor_id", "donor; null unless pooled by donor"),
        ColumnSpec("method", "string", "how the pool was made", values=("average", "bootstrap")),
        count("n_cells", "cells averaged in this pool"),
    ),
    per_dataset=True,
    mirna_type="float32",
    references={"dataset_id": "datasets"},
    comparable=_WITHIN_DATASET
    + " Bootstrap pools of one group share cells: they are no replicates.",
)

CELL_TYPE_MIRNA = TableSpec(
    "cell_type_mirna",
    "Mean prediction of each miRNA in each cell type, tissue and disease of a dataset, with ranks.",
    ("dataset_id", "cell_type_original", "tissue", "disease", "mirna"),
    (
        DATASET_ID,
        _CELL_TYPE_ORIGINAL,
        CELL_TYPE,
        term("cell_type", "CL"),
        LINEAGE,
        TISSUE,
        _DISEASE,
        ColumnSpec("mirna", "string", "mature miRNA", ontology="miRBase"),
        ColumnSpec("mean", "float32", "mean over pools, not re-standardised", "model units"),
        ColumnSpec(
            "sd",
            "float32",
            "standard deviation over pools; null for one pool",
            "model units",
            nullable=True,
        ),
        ColumnSpec(
            "model_sd",
            "float32",
            "standard deviation over the members of the model, mean over pools; null where the "
            "model has one member",
            "model units",
            nullable=True,
        ),
        ColumnSpec("rank_in_type", "int32", "rank of the miRNA in the group, 1 the highest"),
        ColumnSpec(
            "rank_over_types",
            "int32",
            "rank of the group for the miRNA, 1 the highest; the middle one in every group where "
            "the prediction is the same in all, as that of an untrained miRNA is",
        ),
        count("n_pools", "pools of the group", unit="pools"),
        count("n_cells", "cells of the group"),
    ),
    references={"dataset_id": "datasets", "mirna": "mirnas"},
    comparable=_WITHIN_DATASET,
)

MIRNAS = TableSpec(
    "mirnas",
    "The panel of mature miRNAs, and how far each can be trusted.",
    ("mirna",),
    (
        ColumnSpec("mirna", "string", "mature miRNA", ontology="miRBase"),
        ColumnSpec("position", "int32", "place in the panel, from 1"),
        text("arm", "arm of the hairpin; null where the name gives none", values=("5p", "3p")),
        ColumnSpec("stem", "string", "name without the arm"),
        text("accession", "accession", ontology="miRBase"),
        ColumnSpec(
            "is_trained",
            "bool",
            "whether the model saw it in training; where not, its prediction is a constant",
        ),
        ColumnSpec(
            "is_hub",
            "bool",
            "`reliability` of 0.8 or more; null where it was not measured",
            nullable=True,
        ),
        _pcc(
            "reliability",
            "PCC over bulk samples that were held out, or left out in cross-validation, cohorts "
            "pooled; null where it was not measured",
        ),
        _pcc("reliability_low", f"lower end {_OF_INTERVAL}"),
        _pcc("reliability_high", f"upper end {_OF_INTERVAL}"),
        _pcc(
            "reliability_within_cohort",
            "mean PCC within cohorts: what is left without differences between cancers",
        ),
        _pcc("reliability_within_cohort_low", f"lower end {_OF_INTERVAL}"),
        _pcc("reliability_within_cohort_high", f"upper end {_OF_INTERVAL}"),
    ),
)
