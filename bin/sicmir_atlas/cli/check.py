"""`sicmir-atlas check`: parameters and samplesheet, before anything is fetched."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

__all__ = ["check"]


def check(
    *,
    params: Path,
    schema: Path,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    input: Path | None = None,  # noqa: A002  the option's name
    base: str = "",
    overrides: Path | None = None,
    blocklist: Path | None = None,
    recipe: Path | None = None,
) -> None:
    """Prove parameters, samplesheet and overrides, and write the rows as JSON.

    Parameters
    ----------
    params
        Parameters of the run, JSON.
    schema
        nextflow_schema.json.
    output
        Rows with every column, null where empty; none without a samplesheet.
    input
        Samplesheet, CSV or YAML.
    base
        Folder or address that relative paths in the samplesheet belong to.
    overrides
        Table of labels and the terms that a curator gave them.
    blocklist
        CSV of accessions to leave out.
    recipe
        File for what else results follow from: versions, overrides and blocked rows, JSON.
    """
    from sicmir_atlas.atlas.spec import PROCESSING_VERSION, SCHEMA_VERSION
    from sicmir_atlas.check import InvalidInputError, check_parameters, check_samplesheet
    from sicmir_atlas.cli import _io
    from sicmir_atlas.errors import InputError
    from sicmir_atlas.sources.blocklist import is_listed, read_blocklist

    said: list[str] = []
    given: list[dict[str, str]] = []
    rows: list[dict[str, object]] = []
    allow_files = True
    try:
        values = check_parameters(_io.read_json(params), schema=_io.read_json(schema))
        allow_files = bool(values.get("allow_files", True))
    except InvalidInputError as error:
        said.append(str(error))
    try:
        if input is not None:
            rows = check_samplesheet(input, base=base, allow_files=allow_files)
    except InputError as error:
        said.append(str(error))
    try:
        if overrides is not None:
            from sicmir_atlas.harmonise.overrides import read_overrides

            given = read_overrides(overrides)
    except InputError as error:
        said.append(str(error))
    if said:
        raise InputError("\n".join(said))
    _io.write_json(output, rows)
    if recipe is not None:
        versions = {"schema_version": SCHEMA_VERSION, "processing_version": PROCESSING_VERSION}
        blocked = read_blocklist(blocklist) if blocklist is not None else {}
        named = [row["dataset_id"] for row in rows if is_listed(row, blocked)]
        _io.write_json(recipe, {**versions, "overrides": given, "blocked": named})
