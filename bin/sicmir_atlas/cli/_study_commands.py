"""Every experiment of `study`: its first line and examples; each is imported when it runs."""

from __future__ import annotations

from sicmir_atlas.cli._commands import MAKERS, Command

__all__ = ["STUDY"]

STUDY: tuple[Command, ...] = (
    Command(
        MAKERS,
        "study models",
        "Compare learners by folds and by cohorts left out, within cohorts.",
        (
            "mrna.csv mirna.csv --strata cohorts.csv -o models",
            "mrna.csv mirna.csv --strata cohorts.csv --learner pls --learner paper -o models",
        ),
    ),
    Command(
        MAKERS,
        "study learning-curve",
        "Train on a growing share of the samples; estimate the noise ceiling.",
        ("mrna.csv mirna.csv --strata cohorts.csv --measured mature.csv -o learning_curve",),
    ),
    Command(
        MAKERS,
        "study calibration",
        "Compare the spread of an ensemble's members with the error of their mean.",
        ("mrna.csv mirna.csv --strata cohorts.csv -o calibration",),
    ),
    Command(
        MAKERS,
        "study agreement",
        "Correlate a model's predictions with another model's of the same rows.",
        ("mrna.csv predictions.csv --model my_model -o agreement",),
    ),
    Command(
        MAKERS,
        "study hubs",
        "Find hub miRNAs, and how arms, families and genomic clusters agree.",
        (
            "mrna.csv mirna.csv --strata cohorts.csv --model my_model -o hubs",
            "--model my_model --gff hsa.gff3 -o hubs",
        ),
    ),
    Command(
        MAKERS,
        "study transfer",
        "Judge a model on a cohort that it has not met.",
        (
            "mrna.csv mirna.csv --strata tissues.csv --model my_model -o transfer",
            "mrna.csv mirna.csv --strata cohorts.csv --cohort CHOL --model my_model -o transfer",
        ),
    ),
    Command(
        MAKERS,
        "study survival",
        "Fit a Cox model of survival for each miRNA.",
        (
            "mirna.csv clinical.csv -o survival",
            "mirna.csv clinical.csv --time OS.time --event OS --mirnas hsa-miR-21-5p -o survival",
        ),
    ),
    Command(
        MAKERS,
        "study stress",
        "Mask, remove, thin out and under-sequence a model's input, and judge what is left.",
        (
            "mrna.csv mirna.csv --strata cohorts.csv --model my_model -o stress",
            "mrna.csv mirna.csv --model my_model --test masking,depth --quick -o stress",
            "mrna.csv mirna.csv --model my_model --ranking attributions.csv -o stress",
        ),
    ),
    Command(
        MAKERS,
        "study features",
        "Find out which genes, and how many, a learner needs.",
        (
            "mrna.csv mirna.csv --strata cohorts.csv -o features",
            "mrna.csv mirna.csv --strata cohorts.csv --mrna-wide genes.parquet -o features",
        ),
    ),
    Command(
        MAKERS,
        "study cancers",
        "Compare each cancer's own model with the pan-cancer model.",
        ("mrna.csv mirna.csv --strata cohorts.csv -o cancers",),
    ),
    Command(
        MAKERS,
        "study percell",
        "Choose how sparse cells are predicted one by one, by agreement with pools.",
        (
            "my.h5ad --by cell_type -o percell",
            "blood.h5ad lines.h5ad --by cell_type --by cell_line -o percell",
        ),
    ),
    Command(
        MAKERS,
        "study enrichment",
        "Test lists or modules of genes or miRNAs for over-represented sets (GMT).",
        (
            "modules.csv hallmarks.gmt -o enrichment",
            "modules.csv chromosomes.gmt --kind mirna -o enrichment",
        ),
    ),
    Command(
        MAKERS,
        "study inference-time",
        "Time a model against miRSCAPE, saved and trained anew.",
        ("mrna.csv mirna.csv --model my_model --jobs 8 -o inference_time",),
    ),
    Command(
        MAKERS,
        "study markers",
        "Compare predicted miRNAs of cell types with directions that are known.",
        (
            "blood.h5ad --by cell_type -o markers",
            "blood.h5ad --by cell_type --term 'CD34+=CL:0008001' -o markers",
            "tumour.h5ad --by cell_type --directions reported.csv -o markers",
        ),
    ),
    Command(
        MAKERS,
        "study mirscape",
        "Train miRSCAPE on a model's training samples and judge it on those held out.",
        (
            "mrna.csv mirna.csv --strata cohorts.csv --model my_model --jobs 8 -o mirscape",
            "mrna.csv mirna.csv --strata cohorts.csv --model my_model --cohort UVM -o mirscape",
            "mrna.csv mirna.csv --model my_model --cells my.h5ad --by cell_type -o mirscape",
        ),
    ),
    Command(
        MAKERS,
        "study attributions",
        "Attribute predictions to genes, and rank genes over the hub miRNAs.",
        ("mrna.csv mirna.csv --strata cohorts.csv --model my_model -o attributions",),
    ),
    Command(
        MAKERS,
        "study modules",
        "Find modules of hub miRNAs and the genes that matter most to them.",
        ("attributions/shap_abs_mean.parquet hubs/hubs.csv -o modules",),
    ),
)
"""Subcommands of `study`."""
