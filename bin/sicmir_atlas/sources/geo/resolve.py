"""A samplesheet row with a GEO accession to one dataset."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sicmir_atlas.errors import ExcludedDataset, SicmirError
from sicmir_atlas.sources.geo.choice import choose_files
from sicmir_atlas.sources.geo.columns import (
    dataset_columns,
    latest_update,
    related_accessions,
    series_of,
)
from sicmir_atlas.sources.geo.findings import shown
from sicmir_atlas.sources.geo.kinds import is_human
from sicmir_atlas.sources.geo.offers import to_files
from sicmir_atlas.sources.geo.records import accessions_of, read_records
from sicmir_atlas.sources.geo.samples import sample_columns
from sicmir_atlas.sources.resolved import Resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sicmir_atlas.sources.geo.records import Records
    from sicmir_atlas.sources.http import Client

__all__ = ["resolve_geo"]

_MOST_NAMED = 50


def resolve_geo(dataset: Mapping[str, Any], client: Client) -> list[Resolved]:
    """Look up a row's series or samples, and choose their count files; nothing big is fetched.

    Parameters
    ----------
    dataset
        Row with ``accession`` (GSE or GSM; several separated by ``|`` are one dataset), and
        ``files`` or ``format`` where the choice is fixed.
    client
        Says where GEO is.

    Returns
    -------
    One dataset.

    Raises
    ------
    ExcludedDataset
        Rules ``organism``, ``umi``, ``spatial``, ``raw_counts``.
    InputError
        If the accession is none, or files of counts cannot be read.
    GoneError
        If a record is missing, private, withdrawn or pending.
    UnavailableError
        If GEO gives no answer within the tries.
    """
    try:
        return [_resolve(dataset, client)]
    except SicmirError as error:
        msg = f"{dataset.get('dataset_id') or 'dataset'}: {error}"
        raise type(error)(msg) from error


def _resolve(dataset: Mapping[str, Any], client: Client) -> Resolved:
    accessions = accessions_of(dataset.get("accession"))
    records = read_records(accessions, client)
    _require_sequenced(records)
    _require_human(records)
    part, notes = choose_files(
        records, client, wanted=dataset.get("files"), format=dataset.get("format")
    )
    samples = sample_columns(part.samples)
    series = list(records.series.values())
    columns = dataset_columns(samples, title=_title(records), told=part.told)
    others = related_accessions(accessions, series, part.samples)
    if others:
        columns["same_as"] = others
    return Resolved(
        dataset_id=dataset["dataset_id"],
        files=to_files(part.offers),
        accession="|".join(accessions),
        version=latest_update(series or part.samples),
        belongs_to=series_of(series, part.samples),
        columns=columns,
        samples=samples,
        notes=(*records.notes, *notes),
    )


def _title(records: Records) -> str | None:
    if records.series:
        return next(iter(records.series.values())).first("title")
    first, *others = records.samples
    title = first.first("title")
    return f"{title} and {len(others)} more samples" if others else title


def _require_sequenced(records: Records) -> None:
    """Refuse arrays; beside sequenced series they are left out with a note."""
    if records.arrays and not records.samples:
        figure = f"{shown(records.arrays)}; counts of UMIs are included"
        raise ExcludedDataset("umi", figure)
    if records.arrays:
        records.notes.append(f"left out as arrays: {shown(records.arrays)}")


def _require_human(records: Records) -> None:
    """Refuse other and mixed species; say how to take the human samples alone."""
    human = [s.accession for s in records.samples if is_human(s)]
    others = [s for s in records.samples if not is_human(s)]
    if not others:
        return
    species = Counter(" + ".join(dict.fromkeys(s.all("organism_ch1"))) or "unnamed" for s in others)
    listed = ", ".join(f"{n} of {name}" for name, n in species.items())
    figure = f"{len(others)} of {len(records.samples)} samples are not human: {listed}"
    if human:
        named = "|".join(human[:_MOST_NAMED])
        more = f"|… ({len(human)} in all)" if len(human) > _MOST_NAMED else ""
        figure += f"; for the human samples alone, give them as accession: {named}{more}"
    else:
        figure += "; only Homo sapiens is included"
    raise ExcludedDataset("organism", figure)
