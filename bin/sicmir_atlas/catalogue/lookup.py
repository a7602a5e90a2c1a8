"""Many rows looked up at a time; what goes wrong with one is kept with it."""

from __future__ import annotations

import logging
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sicmir_atlas.errors import ExcludedDataset, SicmirError, UnavailableError
from sicmir_atlas.prepare.organism import require_human_row
from sicmir_atlas.sources.blocklist import require_wanted
from sicmir_atlas.sources.cellxgene import CellxgeneIndex
from sicmir_atlas.sources.resolve import needs_accession, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sicmir_atlas.sources.http import Client
    from sicmir_atlas.sources.resolved import Refused, Resolved

__all__ = ["THREADS", "LookedUp", "Problem", "look_up_all", "reason", "without_blocked"]

logger = logging.getLogger(__name__)

Problem = SicmirError | ExcludedDataset

THREADS = 4
_FEW = 3
_ENOUGH = 4  # rows in a row that a service does not answer, each asked for about a minute


@dataclass(frozen=True, kw_only=True)
class LookedUp:
    """A row and the datasets that it turned out to be, or why it did not.

    Parameters
    ----------
    row
        The samplesheet's.
    found
        Its datasets.
    problem
        What broke, or the rule that refuses the whole row.
    """

    row: Mapping[str, Any]
    found: Sequence[Resolved | Refused] = ()
    problem: Problem | None = None


def look_up_all(
    rows: Sequence[Mapping[str, Any]],
    client: Client,
    *,
    blocked: Mapping[str, str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[LookedUp]:
    """Look up rows in their sources, four at a time; nothing is downloaded.

    More than three rows of CELLxGENE are found in its whole list, by two requests. A service that
    does not answer four times running is not asked again.

    Parameters
    ----------
    rows
        Rows with the samplesheet's keys.
    client
        Asks the services, no faster than they like.
    blocked
        Reasons by accession.
    progress
        Told how many rows are done.
    """
    unanswered: dict[str, list[UnavailableError]] = defaultdict(list)

    def once(row: Mapping[str, Any]) -> LookedUp:
        source = row["source"]
        failed = tuple(unanswered[source])  # other threads write there
        if len(failed) >= _ENOUGH:
            msg = f"not asked, as {source} gives no answers: {failed[-1]}"
            return LookedUp(row=row, problem=UnavailableError(msg))
        try:
            require_human_row(row)
            found = resolve(row, client, blocked=blocked)
        except UnavailableError as problem:
            if needs_accession(source):
                unanswered[source].append(problem)
            return LookedUp(row=row, problem=problem)
        except (SicmirError, ExcludedDataset) as problem:
            unanswered[source].clear()
            return LookedUp(row=row, problem=problem)
        unanswered[source].clear()
        return LookedUp(row=row, found=found)

    of = [row["source"] for row in rows]
    if of.count("cellxgene") > _FEW:
        try:
            CellxgeneIndex(client)
        except UnavailableError as problem:
            unanswered["cellxgene"] += [problem] * _ENOUGH
        except SicmirError as error:  # a mirror may lack the list
            logger.info("rows of CELLxGENE are asked for one by one: %s", error)
    done: dict[int, LookedUp] = {}
    # the first row of a source brings what its others share, such as a table of samples
    for i in sorted({of.index(source) for source in of}):
        done[i] = once(rows[i])
    left = [i for i in range(len(rows)) if i not in done]
    with ThreadPoolExecutor(THREADS) as pool:
        for i, result in zip(left, pool.map(lambda i: once(rows[i]), left), strict=True):
            done[i] = result
            if progress:
                progress(len(done))
    return [done[i] for i in range(len(rows))]


def reason(problem: Problem, dataset_id: str) -> str:
    """What a problem says, in one line, without the name before it."""
    return " ".join(str(problem).removeprefix(f"{dataset_id}: ").split())


def without_blocked(
    rows: Sequence[Mapping[str, Any]], index: CellxgeneIndex, blocked: Mapping[str, str]
) -> tuple[list[Mapping[str, Any]], dict[str, str]]:
    """Leave out rows of CELLxGENE whose version, dataset, collection or DOI is blocked.

    Returns
    -------
    The other rows, and the reason by dataset_id.
    """
    kept, reasons = [], {}
    for row in rows:
        known = index.find(row["accession"])
        entry = known.datasets[0] if known else {}
        names = [row["accession"], row.get("doi")]
        names += [entry.get("dataset_id"), entry.get("collection_id")]
        try:
            require_wanted(names, blocked)
            kept.append(row)
        except ExcludedDataset as because:
            reasons[row["dataset_id"]] = str(because)
    return kept, reasons
