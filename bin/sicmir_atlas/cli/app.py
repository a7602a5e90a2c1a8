"""The command `sicmir-atlas`: its subcommands, and what an error looks like to a person."""

from __future__ import annotations

import logging
import os
import sys
import traceback

from cyclopts import App, Group

from sicmir_atlas import __version__
from sicmir_atlas.cli._commands import CATALOGUE, COMMANDS, MAKERS, MODEL, STEPS, USE
from sicmir_atlas.cli._full_disk import full_disk_told
from sicmir_atlas.cli._study_commands import STUDY
from sicmir_atlas.errors import GoneError, SicmirError

__all__ = ["app", "main"]

_UNFORESEEN = 70
_NO_WAY = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)
_EXAMPLES = """Examples:
  sicmir-atlas predict my.h5ad -o my_mirna.h5ad --by cell_type
  sicmir-atlas sql results/atlas "SELECT dataset_id, status FROM datasets"
  sicmir-atlas validate results/atlas

The whole line: nextflow run main.nf --input datasets.csv --outdir results"""

app = App(
    name="sicmir-atlas",
    version=__version__,
    help="Mature-miRNA activity from single-cell and bulk mRNA, and atlases of it.",
    help_epilogue=_EXAMPLES,
    help_format="plaintext",
)
_groups = {name: Group(name, sort_key=i) for i, name in enumerate((USE, STEPS, MAKERS))}
for _command in COMMANDS:
    app.command(
        _command.function,
        name=_command.name,
        group=_groups[_command.group],
        help=_command.help,
        help_epilogue=_command.epilogue,
    )
for _name, _group, _help, _commands in (
    ("catalogue", USE, "Write, check and merge samplesheets of public datasets.", CATALOGUE),
    ("model", MAKERS, "Show, verify and import models.", MODEL),
    ("study", MAKERS, "Run an experiment of the paper on a model.", STUDY),
):
    _nested = App(
        name=_name,
        help=_help,
        help_epilogue="\n".join(
            ["Examples:", *(f"  sicmir-atlas {c.name} {c.examples[0]}" for c in _commands)]
        ),
        help_format="plaintext",
        group=_groups[_group],
    )
    for _command in _commands:
        _nested.command(
            _command.function,
            name=_command.name.split()[-1],
            help=_command.help,
            help_epilogue=_command.epilogue,
        )
    app.command(_nested)


def main(tokens: list[str] | None = None) -> None:
    """Run the command line; exit with the code that fits the error (see :mod:`.errors`)."""
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.INFO, stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # its errors are told by ours
    try:
        with full_disk_told(tokens):
            app(tokens, exit_on_error=True)
    except SicmirError as error:
        print(f"sicmir-atlas: error: {error}", file=sys.stderr)  # noqa: T201  the CLI speaks
        sys.exit(error.exit_code)
    except _NO_WAY as error:
        place = error.filename2 or error.filename
        said = f"{place}: {error.strerror}" if place else str(error)
        print(f"sicmir-atlas: error: {said}", file=sys.stderr)  # noqa: T201
        sys.exit(GoneError.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:  # noqa: BLE001  the last line must say what broke
        traceback.print_exc()
        print(  # noqa: T201
            f"sicmir-atlas: unforeseen {type(error).__name__}: {error}", file=sys.stderr
        )
        sys.exit(_UNFORESEEN)
