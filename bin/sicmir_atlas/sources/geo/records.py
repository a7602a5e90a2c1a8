"""Accessions to the series and samples they stand for; super-series are followed."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sicmir_atlas.errors import GoneError, InputError, UnavailableError
from sicmir_atlas.sources.geo.family import family_samples
from sicmir_atlas.sources.geo.query import look_up

if TYPE_CHECKING:
    from sicmir_atlas.sources.geo.soft import Entity
    from sicmir_atlas.sources.http import Client

__all__ = ["Records", "Unit", "accessions_of", "read_records"]

logger = logging.getLogger(__name__)

_MOST_AT_ONCE = 2000  # replies with more samples break off (section 1.1)
_CHILD = re.compile(r"SuperSeries of:\s*(GSE\d+)", re.IGNORECASE)
_SEQUENCED = "high throughput sequencing"


@dataclass
class Unit:
    """Samples that share series-level files; single samples have no series.

    Parameters
    ----------
    series
        The series that holds the files.
    samples
        Its samples that no unit before has.
    only_if_none
        A super-series: its own files count only where no other unit has any.
    """

    series: Entity | None
    samples: list[Entity]
    only_if_none: bool = False


@dataclass
class Records:
    """Everything that a dataset's accessions stand for.

    Parameters
    ----------
    units
        Samples, each once.
    series
        Every series met, by accession.
    notes
        What was left out, for people.
    arrays
        Series left out as no sequencing.
    seen
        Samples met, also those that were left out.
    """

    units: list[Unit] = field(default_factory=list)
    series: dict[str, Entity] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    arrays: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    @property
    def samples(self) -> list[Entity]:
        """Samples of all units."""
        return [sample for unit in self.units for sample in unit.samples]


def accessions_of(text: str | None) -> list[str]:
    """Split column accession, in capitals.

    Raises
    ------
    InputError
        If there is none, or one that is no series or sample.
    """
    found = [part.strip().upper() for part in (text or "").split("|") if part.strip()]
    if not found:
        msg = "column accession is empty: give a series (GSE…) or samples (GSM…|GSM…)"
        raise InputError(msg)
    for accession in found:
        if accession.startswith("GDS"):
            msg = f"column accession: {accession} is a curated DataSet (GDS), which GEO does not "
            msg += "serve here: give the series it was made from (GSE…)"
            raise InputError(msg)
        if not re.fullmatch(r"GS[EM][1-9]\d{0,11}", accession):
            msg = (
                f"column accession: {accession!r} is no series (GSE…) or sample (GSM…) of GEO: "
                "give the accession alone, and several with '|' between"
            )
            raise InputError(msg)
    return list(dict.fromkeys(found))


def read_records(accessions: list[str], client: Client) -> Records:
    """Look up all series and samples behind these accessions.

    Raises
    ------
    GoneError
        If one is missing, private, withdrawn or pending. Of a super-series, children that are so
        are left out with a note as long as another is there.
    UnavailableError
        If GEO gives no answer within the tries.
    """
    records = Records()
    single = Unit(None, [])
    for accession in accessions:
        if accession.startswith("GSE"):
            _follow(accession, records, client)
        elif accession not in records.seen:
            records.seen.add(accession)
            single.samples += [e for e in look_up(accession, client) if e.kind == "SAMPLE"]
    if single.samples:
        records.units.append(single)
    return records


def _follow(accession: str, records: Records, client: Client) -> None:
    if accession in records.series:  # relations may lead in circles
        return
    series = next(e for e in look_up(accession, client) if e.kind == "SERIES")
    records.series[accession] = series
    children = [child for text in series.all("relation") for child in _CHILD.findall(text)]
    gone: list[GoneError] = []
    for child in children:
        try:
            _follow(child, records, client)
        except GoneError as error:
            gone.append(error)
            records.notes.append(f"left out of {accession}: {error}")
    if gone and len(gone) == len(children):
        raise gone[-1]
    own = [name for name in series.all("sample_id") if name not in records.seen]
    records.seen.update(own)
    types = series.all("type")
    if types and not any(_SEQUENCED in kind.lower() for kind in types):
        records.arrays.append(f"{accession} ({', '.join(types)})")
        return
    # of a parent, samples that no child names; those of a child that is gone would not come
    samples = _samples(series, own, client) if own and not gone else []
    if samples or children:
        records.units.append(Unit(series, samples, only_if_none=bool(children)))


def _samples(series: Entity, wanted: list[str], client: Client) -> list[Entity]:
    """Samples of a series by one request, or by its family file where that is not answered."""
    if len(series.all("sample_id")) <= _MOST_AT_ONCE:
        try:
            return _whole(wanted, look_up(series.accession, client, targ="gsm", patient=False))
        except UnavailableError as error:
            logger.info("%s: %s; its family file is read", series.accession, error)
    try:
        return _whole(wanted, family_samples(series.accession, client))
    except GoneError:
        return _whole(wanted, look_up(series.accession, client, targ="gsm"))


def _whole(wanted: list[str], entities: list[Entity]) -> list[Entity]:
    """Samples in the order of the series, once every one of them came."""
    samples = {entity.accession: entity for entity in entities if entity.kind == "SAMPLE"}
    lacking = [name for name in wanted if name not in samples]
    if lacking:
        msg = f"{len(lacking)} of {len(wanted)} samples did not come, {lacking[0]} among them: "
        msg += "run it again later"
        raise UnavailableError(msg)
    return [samples[name] for name in wanted]
