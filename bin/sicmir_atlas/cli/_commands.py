"""Every subcommand: its group, its first line and examples; each is imported when it runs."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["COMMANDS", "MAKERS", "STEPS", "USE", "Command"]

USE = "For everyone"
STEPS = "Steps of the pipeline, one by one"
MAKERS = "For those who build models and releases"


class Command(NamedTuple):
    """A subcommand; its function is ``sicmir_atlas.cli.<name>:<name>``, dashes as underscores."""

    group: str
    name: str
    help: str
    examples: tuple[str, ...]

    @property
    def function(self) -> str:
        """Import path of the function."""
        name = self.name.replace("-", "_")
        return f"sicmir_atlas.cli.{name}:{name}"

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
            "my.h5ad --by cell_type -o cell_types.csv",
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
        ),
    ),
    Command(
        USE,
        "summary",
        "Print the status of every dataset and each cell type's top miRNAs.",
        ("results/atlas", "results/atlas --top 10"),
    ),
    Command(
        USE,
        "validate",
        "Check every file of an atlas against the schema, every key and checksum.",
        ("results/atlas",),
    ),
    Command(USE, "demo", "Write small simulated datasets and their samplesheet.", ("demo",)),
    Command(
        STEPS,
        "check",
        "Prove parameters and samplesheet; list every problem at once.",
        (
            "--input datasets.csv --base . --params params.json --schema nextflow_schema.json "
            "--input-schema assets/schema_input.json -o checked.json",
        ),
    ),
    Command(
        STEPS,
        "resolve",
        "Turn a samplesheet row into a list of files.",
        ("--dataset dataset.json -o files.json",),
    ),
    Command(
        STEPS,
        "fetch",
        "Bring the files of a dataset: resumed, verified, cached.",
        ("--files files.json --cache downloads -o fetched",),
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
        MAKERS,
        "train",
        "Train a model on paired mRNA and miRNA matrices.",
        ("mrna.csv mirna.csv --strata cohorts.csv -o my_model",),
    ),
    Command(
        MAKERS,
        "schema",
        "Print the tables of an atlas as Markdown or JSON.",
        ("--format json",),
    ),
)
