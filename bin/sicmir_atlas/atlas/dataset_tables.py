"""Tables of what became of datasets, their labels, their cells and their genes."""

from __future__ import annotations

from sicmir_atlas.atlas.columns import CELL_TYPE, DATASET_ID, LINEAGE, TISSUE, count, term, text
from sicmir_atlas.atlas.spec import ColumnSpec, TableSpec
from sicmir_atlas.harmonise.mapping import METHODS
from sicmir_atlas.sources.resolve import SOURCES

__all__ = ["DATASETS", "HARMONISATION", "MISSING_LANDMARKS", "QC_LOSSES"]


def _share(name: str, description: str) -> ColumnSpec:
    return ColumnSpec(name, "float32", description, "share of 1", nullable=True)


def _flag(name: str, description: str) -> ColumnSpec:
    return ColumnSpec(name, "bool", description, nullable=True)


DATASETS = TableSpec(
    "datasets",
    "Every dataset of the samplesheet and how it left the line.",
    ("dataset_id",),
    (
        DATASET_ID,
        ColumnSpec("source", "string", "where the data came from", values=tuple(SOURCES)),
        text("accession", "accession at the source"),
        text("version", "version of the accession that was fetched, where the source has them"),
        text("title", "title of the study"),
        text("doi", "DOI of the publication"),
        text("licence", "licence of the data"),
        text("organism", "organism", ontology="NCBITaxon"),
        text("assay", "assay, several joined by ` || `", ontology="EFO"),
        text("suspension_type", "cell or nucleus, several joined by ` || `"),
        ColumnSpec("tissues", "list<string>", "tissues of the kept cells", nullable=True),
        ColumnSpec("diseases", "list<string>", "diseases of the kept cells", nullable=True),
        text("organ", "organ of the tissues, several joined by ` || `; null where none is known"),
        text(
            "disease_category",
            "broad category of the diseases, several joined by ` || `; null where none is known",
        ),
        text(
            "labels",
            "where the cell types come from: the study, or clusters of ours where it names none",
            values=("study", "clusters", "none"),
        ),
        count("n_barcodes", "barcodes in the source's matrix", unit="barcodes", nullable=True),
        count("n_cells_raw", "called cells that the row's filter keeps, before QC", nullable=True),
        count("n_cells_qc", "cells that passed QC", nullable=True),
        count("n_donors", "donors; null where the source names none", unit="donors", nullable=True),
        count("n_cell_types", "labels (or clusters) among kept cells", unit="types", nullable=True),
        count("n_cells_mapped", "kept cells whose cell type maps to a term", nullable=True),
        count("n_landmarks", "landmark genes found, of 977", unit="genes", nullable=True),
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
        text("qc_profile", "QC profile", values=("atlas", "case", "adaptive")),
        text("pooling", "how cells were pooled", values=("bootstrap", "average", "mixed", "none")),
        text("balance", "weights of pools in z-scoring", values=("published", "balanced")),
        count("n_pools", "pools predicted", unit="pools", nullable=True),
        ColumnSpec(
            "status", "string", "how it left the line", values=("included", "excluded", "failed")
        ),
        text("reason", "rule and figure of an exclusion, or the last error of a failure"),
        text("sha256", "checksum of the source file; of the list of checksums where several"),
        text("source_url", "address the files came from; the file's name for local files"),
        text("model_id", "model that predicted"),
        ColumnSpec("processing_version", "int32", "version of the processing", nullable=True),
        ColumnSpec("pipeline_version", "string", "version of the pipeline"),
    ),
)

HARMONISATION = TableSpec(
    "harmonisation",
    "Every label of every study, the cell type that it maps to, and the rule that found it.",
    ("dataset_id", "cell_type_original", "tissue"),
    (
        DATASET_ID,
        ColumnSpec(
            "cell_type_original", "string", "label given by the study; `unlabelled` for none"
        ),
        TISSUE,
        text("organ", "organ that the tissue is part of; null where none is known"),
        CELL_TYPE,
        term("cell_type", "CL"),
        LINEAGE,
        ColumnSpec(
            "mapping_method",
            "string",
            "rule that mapped the label",
            values=(*METHODS, "unlabelled"),
        ),
        text("curator", "who decided; null unless the rule is an override"),
        text("curated_on", "date of that decision; null unless the rule is an override"),
        count("n_cells", "kept cells with this label in this tissue"),
    ),
    references={"dataset_id": "datasets"},
)

QC_LOSSES = TableSpec(
    "qc_losses",
    "Cells lost to each rule, by the study's cell type.",
    ("dataset_id", "cell_type_original", "rule"),
    (
        DATASET_ID,
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
        count("n_cells", "cells of the type that the rule was asked about"),
        count("n_fail", "cells that break this rule, whatever the others say"),
        count("n_lost", "cells for which this is the first rule broken, in the order of the table"),
    ),
    references={"dataset_id": "datasets"},
)

MISSING_LANDMARKS = TableSpec(
    "missing_landmarks",
    "Landmark genes that a dataset lacks; they enter the network as zero.",
    ("dataset_id", "landmark"),
    (
        DATASET_ID,
        ColumnSpec("landmark", "string", "symbol of the landmark gene"),
        ColumnSpec("reason", "string", "absent, or the ambiguous alias that was not taken for it"),
    ),
    references={"dataset_id": "datasets"},
)
