"""A samplesheet proved against the services: every row looked up, nothing downloaded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from sicmir_atlas.catalogue.duplicates import find_duplicates
from sicmir_atlas.catalogue.lookup import THREADS, look_up_all, reason
from sicmir_atlas.errors import ExcludedDataset, GoneError, SicmirError
from sicmir_atlas.sources.files import local_path, scheme_of
from sicmir_atlas.sources.resolved import Refused, completed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sicmir_atlas.catalogue.lookup import LookedUp, Problem
    from sicmir_atlas.sources.files import RemoteFile
    from sicmir_atlas.sources.http import Client
    from sicmir_atlas.sources.resolved import Resolved

__all__ = ["Finding", "check_rows"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One dataset of a samplesheet as its source shows it.

    Parameters
    ----------
    dataset_id, source, accession, version
        As in the atlas; the row's where it was not found.
    files
        Number of files to fetch.
    bytes
        Their sizes together; None where a server does not tell one of them.
    n_cells
        As announced.
    status
        ``excluded`` by a rule, ``duplicate`` of an earlier row, ``failed``, else ``ready``.
    problem
        Why it is not ready, or what is doubtful.
    exit_code
        Of the error that made it fail.
    """

    dataset_id: str
    source: str
    accession: str | None = None
    version: str | None = None
    files: int = 0
    bytes: int | None = None
    n_cells: int | None = None
    status: Literal["ready", "excluded", "duplicate", "failed"] = "ready"
    problem: str = ""
    exit_code: int = 0


def check_rows(
    rows: Sequence[Mapping[str, Any]],
    client: Client,
    *,
    blocked: Mapping[str, str] | None = None,
    sizes: bool = True,
    progress: Callable[[int], None] | None = None,
) -> list[Finding]:
    """Look up every row; a row that names a collection gives a finding for each dataset.

    Parameters
    ----------
    rows
        Rows as `check_samplesheet` gives them.
    client
        Asks the services.
    blocked
        Reasons by accession.
    sizes
        Ask for the size of each file that a source does not tell, which also proves it is there.
    progress
        Told how many steps are done; there are two for each row.
    """
    looked = look_up_all(rows, client, blocked=blocked, progress=progress)

    def findings(one: LookedUp) -> list[tuple[Finding, dict[str, Any]]]:
        if one.problem:
            return [(_refused(one.row, one.problem), dict(one.row))]
        return [_finding(one.row, found, client, sizes=sizes) for found in one.found]

    told: list[tuple[Finding, dict[str, Any]]] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for done, found in enumerate(pool.map(findings, looked), 1):
            told += found
            if progress:
                progress(len(rows) + done)
    return _with_duplicates(told)


def _finding(
    row: Mapping[str, Any], found: Resolved | Refused, client: Client, *, sizes: bool
) -> tuple[Finding, dict[str, Any]]:
    if isinstance(found, Refused):
        row = {**row, "dataset_id": found.dataset_id, "accession": found.accession}
        return _refused(row, found.because), row
    full = completed(row, found.facts(row["dataset_id"]))
    finding = Finding(
        dataset_id=found.dataset_id,
        source=row["source"],
        accession=found.accession,
        version=found.version,
        files=len(found.files),
        n_cells=int(full["n_cells"]) if full.get("n_cells") else None,
    )
    try:
        known = [_size(file, client, ask=sizes) for file in found.files]
    except SicmirError as problem:
        said = reason(problem, found.dataset_id)
        code = problem.exit_code
        return replace(finding, status="failed", problem=said, exit_code=code), full
    total = None if None in known else sum(size or 0 for size in known)
    return replace(finding, bytes=total), full


def _refused(row: Mapping[str, Any], problem: Problem) -> Finding:
    excluded = isinstance(problem, ExcludedDataset)
    return Finding(
        dataset_id=row["dataset_id"],
        source=row["source"],
        accession=row.get("accession"),
        status="excluded" if excluded else "failed",
        problem=reason(problem, row["dataset_id"]),
        exit_code=0 if isinstance(problem, ExcludedDataset) else problem.exit_code,
    )


def _size(file: RemoteFile, client: Client, *, ask: bool) -> int | None:
    if file.size is not None:
        return file.size
    scheme = scheme_of(file.url)
    if scheme == "file":
        path = local_path(file.url)
        if not path.exists():
            msg = f"{path}: no such file"
            raise GoneError(msg)
        inside = path.rglob("*") if path.is_dir() else [path]
        return sum(one.stat().st_size for one in inside if one.is_file())
    return client.size(file.url) if ask and scheme in {"http", "https"} else None


def _with_duplicates(told: Sequence[tuple[Finding, Mapping[str, Any]]]) -> list[Finding]:
    """Mark what stands in the sheet twice; what is left out anyway is not compared."""
    findings = [finding for finding, _ in told]
    ready = [i for i, finding in enumerate(findings) if finding.status == "ready"]
    for found in find_duplicates([told[i][1] for i in ready]):
        i, of = ready[found.position], findings[ready[found.of]].dataset_id
        if found.certain:
            said = f"the same data as {of}: {found.reason}"
            findings[i] = replace(findings[i], status="duplicate", problem=said)
        else:
            said = f"may share data with {of}: {found.reason}"
            findings[i] = replace(findings[i], problem=said)
    return findings
