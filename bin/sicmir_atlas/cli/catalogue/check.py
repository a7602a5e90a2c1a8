"""`sicmir-atlas catalogue check`: every row of a samplesheet looked up, nothing downloaded."""

from __future__ import annotations

import logging
import sys
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from sicmir_atlas.sources.services import Services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sicmir_atlas.catalogue.check import Finding

__all__ = ["check"]

logger = logging.getLogger("sicmir_atlas")

_UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


def check(
    sheet: Path,
    /,
    *,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    format: Literal["table", "csv", "json"] = "table",  # noqa: A002  the option's name
    sizes: bool = True,
    megabytes_per_second: float = 20.0,
    blocklist: Path | None = None,
    services: Annotated[Services, Parameter(name="*")] = Services(),  # noqa: B008  frozen
) -> None:
    """Prove a samplesheet, look up every row, and estimate bytes and time; nothing is downloaded.

    Exits with 0 if every row is found or excluded by a rule; else with 64 if a row has to be
    mended, 66 if its data are not to be had, 75 if a service did not answer: try again later.

    Parameters
    ----------
    sheet
        Samplesheet, CSV or YAML.
    output
        File for the answer.
    format
        How the answer is written; csv and json tell bytes and seconds.
    sizes
        Ask servers for sizes that no archive tells; with hundreds of files of GEO it takes minutes.
    megabytes_per_second
        Rate of the estimate.
    blocklist
        CSV of accessions that are not wanted, with reasons.
    services
        Where the archives answer.
    """
    from sicmir_atlas.catalogue.check import check_rows
    from sicmir_atlas.check import check_samplesheet
    from sicmir_atlas.cli._progress import rows_looked_up
    from sicmir_atlas.cli.catalogue import _report
    from sicmir_atlas.disk import written_whole
    from sicmir_atlas.errors import InputError
    from sicmir_atlas.sources.blocklist import read_blocklist
    from sicmir_atlas.sources.http import Client

    if megabytes_per_second <= 0:
        msg = f"--megabytes-per-second {megabytes_per_second:g}: give a rate above 0"
        raise InputError(msg)
    rows = check_samplesheet(sheet, base=str(sheet.parent))
    blocked = read_blocklist(blocklist) if blocklist else {}
    with Client(services) as client, rows_looked_up(2 * len(rows)) as progress:
        findings = check_rows(rows, client, blocked=blocked, sizes=sizes, progress=progress)
    text = _text(findings, format, megabytes_per_second * 1e6)
    if output:
        with written_whole(output) as part:
            part.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
        sys.stdout.flush()
    for one in findings:
        if one.problem:
            logger.info("%s: %s: %s", one.status, one.dataset_id, one.problem)
    logger.info("%s: %s", sheet.name, _summary(findings, megabytes_per_second))
    failed = [one.exit_code for one in findings if one.status == "failed"]
    if failed:
        msg = f"{sheet}: {len(failed)} of {len(findings)} datasets failed; see above"
        raise _report.failure(msg, failed)


def _text(findings: Sequence[Finding], kind: str, rate: float) -> str:
    import pandas as pd

    from sicmir_atlas.cli._table import as_text

    names = ("dataset_id", "source", "accession", "version", "status", "files", "bytes", "n_cells")
    table = pd.DataFrame({name: [getattr(one, name) for one in findings] for name in names})
    table = table.astype({"bytes": "Int64", "n_cells": "Int64"})
    if kind == "table":
        shown: dict[str, list[Any]] = {
            "bytes": ["" if one.bytes is None else _size(one.bytes) for one in findings],
            "time": ["" if one.bytes is None else _time(one.bytes / rate) for one in findings],
        }
        return as_text(table.assign(**shown), most_rows=len(table))
    table["seconds"] = (table["bytes"].astype("Float64") / rate).round(1)
    table["problem"] = [one.problem for one in findings]
    if kind == "csv":
        return str(table.to_csv(index=False))
    return str(table.to_json(orient="records", indent=1, force_ascii=False)) + "\n"


def _summary(findings: Sequence[Finding], megabytes_per_second: float) -> str:
    counts = dict.fromkeys(("ready", "excluded", "duplicate", "failed"), 0)
    for one in findings:
        counts[one.status] += 1
    ready = [one for one in findings if one.status == "ready"]
    total = sum(one.bytes or 0 for one in ready)
    cells = sum(one.n_cells or 0 for one in ready)
    unknown = sum(one.bytes is None for one in ready)
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    said += f"; {_size(total)} to download, about {_time(total / megabytes_per_second / 1e6)}"
    said += f" at {megabytes_per_second:g} MB/s"
    said += f", beside {unknown} of unknown size" if unknown else ""
    return said + (f"; {cells:,} cells announced" if cells else "")


def _size(count: float) -> str:
    if count < 1000:
        return f"{count:.0f} B"
    unit = next((u for u, most in _UNITS.items() if count < most * 1000), "TB")
    return f"{count / _UNITS[unit]:.1f} {unit}"


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
