"""`sicmir-atlas resolve`: a samplesheet row to datasets and the files they stand for."""

from __future__ import annotations

import logging
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

from sicmir_atlas.sources.services import Services

__all__ = ["resolve"]

logger = logging.getLogger("sicmir_atlas")


def resolve(
    *,
    dataset: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    verdicts: Path | None = None,
    blocklist: Path | None = None,
    services: Annotated[Services, Parameter(name="*")] = Services(),  # noqa: B008  frozen
) -> None:
    """Look up what a row names; nothing big is fetched.

    Writes a folder for each dataset that the row turns out to be: files.json, what to fetch, and
    facts.json, what the source says of it.

    Parameters
    ----------
    dataset
        Row of the checked samplesheet, JSON.
    output
        Folder to make.
    verdicts
        Folder for verdicts on datasets that a rule excludes.
    blocklist
        CSV of accessions that are not wanted, with reasons.
    services
        Where the archives answer.
    """
    from dataclasses import asdict

    from sicmir_atlas import sources
    from sicmir_atlas.cli import _io
    from sicmir_atlas.prepare.organism import require_human_row
    from sicmir_atlas.sources.blocklist import read_blocklist
    from sicmir_atlas.sources.http import Client

    row = _io.read_json(dataset)
    name = row["dataset_id"]
    blocked = read_blocklist(blocklist) if blocklist else {}
    with _io.verdict(verdicts, name), Client(services) as client:
        require_human_row(row)
        for found in sources.resolve(row, client, blocked=blocked):
            if isinstance(found, sources.Refused):
                about = {"row": name, "accession": found.accession}
                _io.write_verdict(verdicts, found.dataset_id, found.because, **about)
                continue
            folder = output / found.dataset_id
            _io.write_json(folder / "files.json", [asdict(file) for file in found.files])
            _io.write_json(folder / "facts.json", found.facts(name))
            for note in found.notes:
                logger.info("%s: %s", found.dataset_id, note)
