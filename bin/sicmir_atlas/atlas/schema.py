"""The one source of every table of an atlas: names, keys, columns, types, units, meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sicmir_atlas.atlas.spec import PROCESSING_VERSION, SCHEMA_VERSION, ColumnSpec, TableSpec
from sicmir_atlas.harmonise.mapping import METHODS
from sicmir_atlas.sources.resolve import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROCESSING_VERSION", "SCHEMA_VERSION", "TABLES", "ColumnSpec", "TableSpec", "as_json"]

_DATASET_ID = ColumnSpec("dataset_id", "string", "identifier of the dataset in the samplesheet")
_CELL_ID = ColumnSpec("cell_id", "string", "barcode or name of the cell in its dataset's own files")
_CELL_TYPE_ORIGINAL = ColumnSpec("cell_type_original", "string", "label given by the study")
_CELL_TYPE = ColumnSpec(
    "cell_type", "string", "harmonised label; `unknown` where the original maps to none"
)
_TISSUE = ColumnSpec(
    "tissue", "string", "harmonised label, or the study's own where it maps to none"
)
_DISEASE = ColumnSpec(
    "disease",
    "string",
    "harmonised label (`normal` for healthy), or the study's own where it maps to none",
)
_LINEAGE = ColumnSpec(
    "lineage", "string", "coarse lineage by the term's ancestors in CL", nullable=True
)
_OF_INTERVAL = "of its 95 % interval over samples; null where the model's card has none"
_WITHIN_DATASET = (
    "Predictions are relative within one dataset (they follow from z-scores over it): between "
    "datasets compare ranks or within-dataset effects, never the values themselves."
)


def _term(column: str, ontology: str) -> ColumnSpec:
    name = f"{column}_ontology_term_id"
    return ColumnSpec(name, "string", f"term of `{column}`", nullable=True, ontology=ontology)


def _text(name: str, description: str, **options: Any) -> ColumnSpec:
    return ColumnSpec(name, "string", description, nullable=True, **options)


def _share(name: str, description: str) -> ColumnSpec:
    return ColumnSpec(name, "float32", description, "share of 1", nullable=True)


def _pcc(name: str, description: str) -> ColumnSpec:
    return ColumnSpec(name, "float32", description, nullable=True)


def _flag(name: str, description: str) -> ColumnSpec:
    return ColumnSpec(name, "bool", description, nullable=True)


def _count(
    name: str, description: str, *, unit: str = "cells", nullable: bool = False
) -> ColumnSpec:
    return ColumnSpec(name, "int64", description, unit, nullable)


DATASETS = TableSpec(
    "datasets",
    "Every dataset of the samplesheet and how it left the line.",
    ("dataset_id",),
    (
        _DATASET_ID,
        ColumnSpec("source", "string", "where the data came from", values=tuple(SOURCES)),
        _text("accession", "accession at the source"),
        _text("version", "version of the accession that was fetched, where the source has them"),
        _text("title", "title of the study"),
        _text("doi", "DOI of the publication"),
        _text("licence", "licence of the data"),
        _text("organism", "organism", ontology="NCBITaxon"),
        _text("assay", "assay, several joined by ` || `", ontology="EFO"),
        _text("suspension_type", "cell or nucleus, several joined by ` || `"),
        ColumnSpec("tissues", "list<string>", "tissues of the kept cells", nullable=True),
        ColumnSpec("diseases", "list<string>", "diseases of the kept cells", nullable=True),
        _text("organ", "organ of the tissues, several joined by ` || `; null where none is known"),
        _text(
            "disease_category",
            "broad category of the diseases, several joined by ` || `; null where none is known",
        ),
        _text(
            "labels",
            "where the cell types come from: the study, or clusters of ours where it names none",
            values=("study", "clusters", "none"),
        ),
        _count("n_barcodes", "barcodes in the source's matrix", unit="barcodes", nullable=True),
        _count("n_cells_raw", "called cells that the row's filter keeps, before QC", nullable=True),
        _count("n_cells_qc", "cells that passed QC", nullable=True),
        _count(
            "n_donors", "donors; null where the source names none", unit="donors", nullable=True
        ),
        _count(
            "n_cell_types", "labels (or clusters) among kept cells", unit="types", nullable=True
        ),
        _count("n_cells_mapped", "kept cells whose cell type maps to a term", nullable=True),
        _count("n_landmarks", "landmark genes found, of 977", unit="genes", nullable=True),
        _flag("is_short_of_landmarks", "whether more than 5 % of the landmark genes are missing"),
        _share("sparsity_cells", "share of zeros among the landmark values of kept cells"),
        _share("sparsity_pools", "share of zeros among the landmark values of pools"),
        _share(
            "domain_distance",
            "share of the variance of the z-scored landmarks, of pools or else of cells, that lies "
            "outside the leading directions of the model's training data; null where the model "
            "stores none",
        ),
        _flag(
            "is_far",
            "whether `domain_distance` of pools is above that of every cohort left out of "
            "training; null for cells, most of whose variance is chance, and where none is known",
        ),
        _text("qc_profile", "QC profile", values=("atlas", "case", "adaptive")),
        _text("pooling", "how cells were pooled", values=("bootstrap", "average", "mixed", "none")),
        _text("balance", "weights of pools in z-scoring", values=("published", "balanced")),
        _count("n_pools", "pools predicted", unit="pools", nullable=True),
        ColumnSpec(
            "status", "string", "how it left the line", values=("included", "excluded", "failed")
        ),
        _text("reason", "rule and figure of an exclusion, or the last error of a failure"),
        _text("sha256", "checksum of the source file; of the list of checksums where several"),
        _text("source_url", "address the files came from; the file's name for local files"),
        _text("model_id", "model that predicted"),
        ColumnSpec("processing_version", "int32", "version of the processing", nullable=True),
        ColumnSpec("pipeline_version", "string", "version of the pipeline"),
    ),
)

CELLS = TableSpec(
    "cells",
    "Every cell that passed QC, with its labels and QC figures.",
    ("dataset_id", "cell_id"),
    (
        _DATASET_ID,
        _CELL_ID,
        _text("sample_id", "sample or library"),
        _text("donor_id", "donor"),
        ColumnSpec("cell_type_original", "string", "label given by the study", nullable=True),
        _CELL_TYPE,
        _term("cell_type", "CL"),
        _LINEAGE,
        ColumnSpec(
            "mapping_method",
            "string",
            "rule that mapped the cell type",
            values=(*METHODS, "unlabelled"),
        ),
        _TISSUE,
        _text("tissue_original", "tissue as the study gives it"),
        _term("tissue", "UBERON"),
        _text("organ", "organ that the tissue is part of; null where none is known"),
        _DISEASE,
        _text("disease_original", "disease as the study gives it"),
        _term("disease", "MONDO, PATO"),
        _text("disease_category", "broad category of the disease; null where none is known"),
        _text("assay", "assay"),
        _term("assay", "EFO"),
        _text("sex", "sex of the donor"),
        _term("sex", "PATO"),
        _text("development_stage", "development stage of the donor"),
        _term("development_stage", "HsapDv"),
        _text("suspension_type", "cell or nucleus"),
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
    (_DATASET_ID, _CELL_ID, _CELL_TYPE),
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
        _DATASET_ID,
        ColumnSpec("pool_id", "string", "name of the pool"),
        _CELL_TYPE_ORIGINAL,
        _CELL_TYPE,
        _term("cell_type", "CL"),
        _TISSUE,
        _DISEASE,
        _text("donor_id", "donor; null unless pooled by donor"),
        ColumnSpec("method", "string", "how the pool was made", values=("average", "bootstrap")),
        _count("n_cells", "cells averaged in this pool"),
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
        _DATASET_ID,
        _CELL_TYPE_ORIGINAL,
        _CELL_TYPE,
        _term("cell_type", "CL"),
        _LINEAGE,
        _TISSUE,
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
        _count("n_pools", "pools of the group", unit="pools"),
        _count("n_cells", "cells of the group"),
    ),
    references={"dataset_id": "datasets", "mirna": "mirnas"},
    comparable=_WITHIN_DATASET,
)

HARMONISATION = TableSpec(
    "harmonisation",
    "Every label of every study, the cell type that it maps to, and the rule that found it.",
    ("dataset_id", "cell_type_original", "tissue"),
    (
        _DATASET_ID,
        ColumnSpec(
            "cell_type_original", "string", "label given by the study; `unlabelled` for none"
        ),
        _TISSUE,
        _text("organ", "organ that the tissue is part of; null where none is known"),
        _CELL_TYPE,
        _term("cell_type", "CL"),
        _LINEAGE,
        ColumnSpec(
            "mapping_method",
            "string",
            "rule that mapped the label",
            values=(*METHODS, "unlabelled"),
        ),
        _text("curator", "who decided; null unless the rule is an override"),
        _text("curated_on", "date of that decision; null unless the rule is an override"),
        _count("n_cells", "kept cells with this label in this tissue"),
    ),
    references={"dataset_id": "datasets"},
)

MIRNAS = TableSpec(
    "mirnas",
    "The panel of mature miRNAs, and how far each can be trusted.",
    ("mirna",),
    (
        ColumnSpec("mirna", "string", "mature miRNA", ontology="miRBase"),
        ColumnSpec("position", "int32", "place in the panel, from 1"),
        _text("arm", "arm of the hairpin; null where the name gives none", values=("5p", "3p")),
        ColumnSpec("stem", "string", "name without the arm"),
        _text("accession", "accession", ontology="miRBase"),
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

QC_LOSSES = TableSpec(
    "qc_losses",
    "Cells lost to each rule, by the study's cell type.",
    ("dataset_id", "cell_type_original", "rule"),
    (
        _DATASET_ID,
        ColumnSpec(
            "cell_type_original", "string", "label given by the study; `unlabelled` for none"
        ),
        ColumnSpec(
            "rule",
            "string",
            "`spatial`, `umi` (read counts) and `primary` (cells that another dataset holds) are "
            "there where they leave out any cell that the row's filter keeps; the others are QC "
            "rules on called cells",
            values=(
                *("spatial", "umi", "primary"),
                *("min_genes", "max_genes", "min_counts", "max_counts", "max_pct_mt"),
            ),
        ),
        ColumnSpec("threshold", "float64", "bound of a QC rule", nullable=True),
        _count("n_cells", "cells of the type that the rule was asked about"),
        _count("n_fail", "cells that break this rule, whatever the others say"),
        _count(
            "n_lost", "cells for which this is the first rule broken, in the order of the table"
        ),
    ),
    references={"dataset_id": "datasets"},
)

MISSING_LANDMARKS = TableSpec(
    "missing_landmarks",
    "Landmark genes that a dataset lacks; they enter the network as zero.",
    ("dataset_id", "landmark"),
    (
        _DATASET_ID,
        ColumnSpec("landmark", "string", "symbol of the landmark gene"),
        ColumnSpec("reason", "string", "absent, or the ambiguous alias that was not taken for it"),
    ),
    references={"dataset_id": "datasets"},
)

TABLES: Mapping[str, TableSpec] = {
    spec.name: spec
    for spec in (
        DATASETS,
        CELLS,
        CELL_MIRNA,
        POOL_MIRNA,
        CELL_TYPE_MIRNA,
        HARMONISATION,
        MIRNAS,
        QC_LOSSES,
        MISSING_LANDMARKS,
    )
}


def as_json() -> dict[str, Any]:
    """Schema as plain values, for clients that do not speak Python; miRNA columns by type only."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tables": [
            {
                "name": spec.name,
                "description": spec.description,
                "primary_key": list(spec.primary_key),
                "references": dict(spec.references),
                "file": f"{spec.name}/<dataset_id>-<sha12>.parquet"
                if spec.per_dataset
                else f"{spec.name}.parquet",
                "mirna_columns": spec.mirna_type,
                "comparable": spec.comparable,
                "columns": [
                    {
                        "name": c.name,
                        "type": c.type,
                        "unit": c.unit,
                        "nullable": c.nullable,
                        "ontology": c.ontology,
                        "values": list(c.values),
                        "description": c.description,
                    }
                    for c in spec.columns
                ],
            }
            for spec in TABLES.values()
        ],
    }
