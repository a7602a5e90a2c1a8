"""`sicmir-atlas check`: parameters and samplesheet, before anything is fetched."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

__all__ = ["check"]


def check(
    *,
    input: Path,  # noqa: A002  the option's name
    base: str,
    params: Path,
    schema: Path,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
) -> None:
    """Prove parameters and samplesheet, and write the rows as JSON.

    Parameters
    ----------
    input
        Samplesheet, CSV or YAML.
    base
        Folder or address that relative paths in the samplesheet belong to.
    params
        Parameters of the run, JSON.
    schema
        nextflow_schema.json.
    output
        Rows with every column, null where empty.
    """
    from sicmir_atlas.check import InvalidInputError, check_parameters, check_samplesheet
    from sicmir_atlas.cli import _io
    from sicmir_atlas.errors import InputError

    said: list[str] = []
    rows: list[dict[str, object]] = []
    try:
        check_parameters(_io.read_json(params), schema=_io.read_json(schema))
    except InvalidInputError as error:
        said.append(str(error))
    try:
        rows = check_samplesheet(input, base=base)
    except InputError as error:
        said.append(str(error))
    if said:
        raise InputError("\n".join(said))
    _io.write_json(output, rows)
