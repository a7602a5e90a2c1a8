"""The command `sicmir-atlas`: its subcommands, and what an error looks like to a person."""

from __future__ import annotations

import logging
import os
import sys
import traceback

from cyclopts import App, Group

from sicmir_atlas import __version__
from sicmir_atlas.errors import SicmirError

__all__ = ["app", "main"]

_UNFORESEEN = 70
_EPILOGUE = """Examples:
  sicmir-atlas predict my.h5ad -o my_mirna.h5ad --by cell_type
  sicmir-atlas sql results/atlas "SELECT dataset_id, status FROM datasets"
  sicmir-atlas validate results/atlas

The whole line: nextflow run main.nf --input datasets.csv -profile docker"""

app = App(
    name="sicmir-atlas",
    version=__version__,
    help="Mature-miRNA activity from single-cell and bulk mRNA, and atlases of it.",
    help_epilogue=_EPILOGUE,
    help_format="plaintext",
)
_USE = Group("For everyone", sort_key=0)
_STEPS = Group("Steps of the pipeline, one by one", sort_key=1)
_MAKERS = Group("For those who build models and releases", sort_key=2)

for _name, _group, _help in (
    ("predict", _USE, "Predict miRNAs for one file: h5ad, 10x mtx, csv, bulk matrix."),
    ("sql", _USE, "Ask an atlas a question in SQL."),
    ("validate", _USE, "Check every file of an atlas against the schema."),
    ("summary", _USE, "Print the status of every dataset and each cell type's top miRNAs."),
    ("demo", _USE, "Write small simulated datasets and their samplesheet."),
    ("check", _STEPS, "Prove parameters and samplesheet."),
    ("resolve", _STEPS, "Turn a samplesheet row into a list of files."),
    ("fetch", _STEPS, "Download files: resumed, verified, cached."),
    ("prepare", _STEPS, "Inclusion rules, QC, normalisation, harmonisation of one dataset."),
    ("predict-dataset", _STEPS, "Predict the pools and cells of a prepared dataset."),
    ("consolidate", _STEPS, "Gather datasets into an atlas folder."),
    ("train", _MAKERS, "Train a model on paired mRNA and miRNA matrices."),
    ("schema", _MAKERS, "Print the tables of an atlas as Markdown or JSON."),
):
    _function = _name.replace("-", "_")
    app.command(f"sicmir_atlas.cli.{_function}:{_function}", name=_name, group=_group, help=_help)


def main(tokens: list[str] | None = None) -> None:
    """Run the command line; exit with the code that fits the error (see :mod:`.errors`)."""
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.INFO, stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        app(tokens, exit_on_error=True)
    except SicmirError as error:
        print(f"sicmir-atlas: error: {error}", file=sys.stderr)  # noqa: T201  the CLI speaks
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:  # noqa: BLE001  the last line must say what broke
        traceback.print_exc()
        print(  # noqa: T201
            f"sicmir-atlas: unforeseen {type(error).__name__}: {error}", file=sys.stderr
        )
        sys.exit(_UNFORESEEN)
