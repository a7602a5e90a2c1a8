"""Every subcommand: its group, its first line and examples; each is imported when it runs."""

from __future__ import annotations

from keyword import iskeyword
from typing import NamedTuple

__all__ = ["CATALOGUE", "COMMANDS", "MAKERS", "MODEL", "STEPS", "USE", "Command"]

USE = "For everyone"
STEPS = "Steps of the pipeline, one by one"
MAKERS = "For those who build models and releases"


class Command(NamedTuple):
    """A subcommand; its function has its name, in a module of it, dashes as underscores.

    A name that is a word of Python's gets an underscore at its end.
    """

    group: str
    name: str
    help: str
    examples: tuple[str, ...]

    @property
    def function(self) -> str:
        """Import path of the function."""
        words = [f"{w}_" if iskeyword(w) else w for w in self.name.replace("-", "_").split()]
        return f"sicmir_atlas.cli.{'.'.join(words)}:{words[-1]}"

    @property
    def epilogue(self) -> str:
        """Examples as they stand under the help."""
        return "\n".join(["Examples:", *(f"  sicmir-atlas {self.name} {e}" for e in self.examples)])


COMMANDS = (
    Command(
        USE,
        "predict",
        "Predict 1298 mature miRNAs for one file: h5ad, 10x triplet, csv, bulk matrix.",
        (
            "my.h5ad -o my_mirna.h5ad",
            "my.h5ad --by cell_type -o cell_types.csv --mirnas mirnas.csv",
            "filtered_feature_bc_matrix/ -o cells.parquet",
            "--bulk rsem_log2.csv -o bulk_mirna.csv",
        ),
    ),
    Command(
        USE,
        "sql",
        "Ask an atlas a question in SQL.",
        (
            'results/atlas "SELECT dataset_id, status, reason FROM datasets"',
            "results/atlas \"FROM cell_type_mirna WHERE mirna = 'hsa-miR-21-5p'\" --format csv",
            'results/atlas "FROM cells" --format parquet -o cells.parquet',
            'https://example.org/atlas "SELECT dataset_id, status FROM datasets"',
            'results/atlas --script "CREATE TABLE t AS FROM cells LIMIT 9; SELECT cell_id FROM t"',
        ),
    ),
    Command(
        USE,
        "summary",
        "Print the status of every dataset and each cell type's top miRNAs.",
        ("results/atlas", "results/atlas --top 10", "https://example.org/atlas"),
    ),
    Command(
        USE,
        "report",
        "Write one page on an atlas: what it holds, what was left out, and why.",
        (
            "results/atlas -o report.html",
            "results/atlas -o report.html --previous former/atlas",
            "results/atlas -o report.html --multiqc sicmir_atlas_mqc.json",
        ),
    ),
    Command(
        USE,
        "validate",
        "Check every file of an atlas against the schema, every key and checksum.",
        ("results/atlas",),
    ),
    Command(
        USE,
        "diff",
        "Say what differs between two atlases, or write a release note of it.",
        (
            "former/atlas results/atlas",
            "former/atlas results/atlas --format markdown -o release_note.md",
            "former/atlas results/atlas --tolerance 1e-3 --exit-code",
        ),
    ),
    Command(
        USE,
        "prune",
        "Remove former builds and half files from an atlas folder.",
        ("results/atlas --dry-run", "results/atlas --keep-builds 1"),
    ),
    Command(
        USE,
        "harmonise",
        "Decide what the labels of studies mean that no rule maps.",
        (
            "datasets.csv --atlas results/atlas",
            "datasets.csv --atlas results/atlas --list --min-cells 100",
            "datasets.csv --overrides overrides.tsv --curator 'A. Curator'",
        ),
    ),
    Command(USE, "demo", "Write small simulated datasets and their samplesheet.", ("demo",)),
    Command(
        STEPS,
        "check",
        "Prove parameters and samplesheet; list every problem at once.",
        (
            "--input datasets.csv --base . --params params.json --schema nextflow_schema.json "
            "-o checked.json",
        ),
    ),
    Command(
        STEPS,
        "resolve",
        "Look up what a samplesheet row names: datasets, their files, what is known of them.",
        ("--dataset dataset.json -o resolved",),
    ),
    Command(
        STEPS,
        "fetch",
        "Bring the files of a dataset: resumed, verified, cached.",
        ("--files resolved/my_dataset/files.json --cache downloads -o fetched",),
    ),
    Command(
        STEPS,
        "checksum",
        "Checksums of datasets' own files, to tell whether they changed.",
        ("--datasets datasets.json -o checksums.json",),
    ),
    Command(
        STEPS,
        "prepare",
        "Inclusion rules, QC, normalisation and harmonisation of one dataset.",
        (
            "--dataset dataset.json --fetched fetched -o prepared",
            "--dataset dataset.json --fetched fetched -o prepared --qc-profile case",
        ),
    ),
    Command(
        STEPS,
        "predict-dataset",
        "Predict the pools and cells of a prepared dataset.",
        ("--prepared prepared -o shards/my_dataset",),
    ),
    Command(
        STEPS,
        "consolidate",
        "Gather datasets into an atlas folder.",
        ("--datasets checked.json --shards shards --verdicts verdicts -o atlas",),
    ),
    Command(
        STEPS,
        "fetch-bulk",
        "Bring the tables of a public bulk cohort: TCGA at UCSC Xena, GTEx, names of miRBase.",
        ("ACC -o fetched/ACC", "GTEX -o fetched/GTEX", "MIRBASE -o fetched/MIRBASE"),
    ),
    Command(
        STEPS,
        "pair-bulk",
        "Landmark genes, named miRNAs, and the samples that have both.",
        ("fetched/ACC --mirna-names fetched/MIRBASE/mature.fa -o paired/ACC",),
    ),
    Command(
        STEPS,
        "join-bulk",
        "Put paired cohorts together, as train reads them.",
        ("paired/ACC paired/UVM -o bulk",),
    ),
    Command(
        STEPS,
        "split-samples",
        "Deal samples to training, validation and test, for every run.",
        ("bulk/mrna.csv.gz bulk/mirna.csv.gz --strata bulk/strata.csv -o splits",),
    ),
    Command(
        MAKERS,
        "train",
        "Train a model on paired mRNA and miRNA matrices.",
        ("mrna.csv mirna.csv --strata cohorts.csv -o my_model",),
    ),
    Command(
        STEPS,
        "evaluate-runs",
        "Judge runs over seeds and folds, every figure with its spread.",
        (
            "runs/* --mrna bulk/mrna.csv.gz --mirna bulk/mirna.csv.gz "
            "--strata bulk/strata.csv -o evaluation",
        ),
    ),
    Command(
        STEPS,
        "package-model",
        "Make judged runs one model folder with a card.",
        ("runs/* --evaluation evaluation --tables bulk/about.json -o my_model",),
    ),
    Command(
        MAKERS,
        "schema",
        "Print the tables of an atlas as Markdown or JSON.",
        ("--format json",),
    ),
)

CATALOGUE = (
    Command(
        USE,
        "catalogue cellxgene",
        "Search CELLxGENE, and write a samplesheet of what is found.",
        (
            "--tissue lung --disease normal -o datasets.csv",
            "--tissue 'lung|liver' --assay \"10x 3' v3\" --min-cells 5000 -o datasets.csv",
            "--collection e5f58829-1a66-40b5-a624-9046778e74f5 -o datasets.csv --update",
        ),
    ),
    Command(
        USE,
        "catalogue geo",
        "Look up accessions of GEO, and write a samplesheet of them.",
        (
            "GSE123456 GSE234567 -o datasets.csv",
            "'GSM1234567|GSM1234568' -o datasets.csv",
            "--from-file accessions.txt --blocklist unwanted.csv -o datasets.csv",
        ),
    ),
    Command(
        USE,
        "catalogue check",
        "Look up every row of a samplesheet; estimate bytes and time.",
        ("datasets.csv", "datasets.csv --format csv -o looked_up.csv --megabytes-per-second 50"),
    ),
    Command(
        USE,
        "catalogue merge",
        "Put samplesheets into one, in which no data stand twice.",
        (
            "cellxgene.csv geo.csv -o datasets.csv --dropped dropped.csv",
            "new.csv -o datasets.csv --update",
        ),
    ),
)
"""Subcommands of `catalogue`."""

MODEL = (
    Command(
        MAKERS,
        "model show",
        "Print a model's card: data, figures, reliability, limits, licence.",
        ("my_model", "my_model --format json"),
    ),
    Command(
        MAKERS,
        "model verify",
        "Prove a model folder: checksum, shapes, panels, card, a prediction.",
        ("my_model",),
    ),
    Command(
        MAKERS,
        "model import",
        "Make a model folder of somebody's torch checkpoint; nothing of it is run.",
        (
            "checkpoint.pt --genes genes.csv --mirnas mirnas.csv -o my_model",
            "weights.pt --genes genes.csv --mirnas mirnas.csv --block-order relu_bn "
            "--licence GPL-3.0 -o my_model",
        ),
    ),
)
"""Subcommands of `model`."""
