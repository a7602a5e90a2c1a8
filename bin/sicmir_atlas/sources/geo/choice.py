"""Which files of a dataset are taken, and why (sources spec, section 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sicmir_atlas import formats
from sicmir_atlas.choice import Choice, choose
from sicmir_atlas.errors import InputError
from sicmir_atlas.sources.geo import kinds
from sicmir_atlas.sources.geo.findings import ARRAYS, SPOTS, Findings, shown
from sicmir_atlas.sources.geo.offers import offers_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sicmir_atlas.sources.geo.columns import Told
    from sicmir_atlas.sources.geo.offers import Offer, Offers
    from sicmir_atlas.sources.geo.records import Records, Unit
    from sicmir_atlas.sources.geo.soft import Entity
    from sicmir_atlas.sources.http import Client

__all__ = ["Part", "choose_files"]

# what may lie beside the series, though the matrices are the samples'
_BESIDE = {"features", "barcodes", "table"}


class Part(NamedTuple):
    """Files that were taken, the samples they are of, and what tells their cells apart."""

    offers: list[Offer]
    samples: list[Entity]
    told: Told
    pooled: bool = False


def choose_files(
    records: Records,
    client: Client,
    *,
    wanted: str | None,
    format: str | None,  # noqa: A002
) -> tuple[Part, tuple[str, ...]]:
    """Choose the count files of a dataset; give notes for people too.

    Samples' own files come before those of the series, and these before its RAW.tar. A
    super-series' own count only where no other series has any.

    Parameters
    ----------
    records
        Series and samples.
    client
        Asks for the lists of archives.
    wanted
        Column ``files``: names or globs of exactly the files to take.
    format
        Column ``format``: without `wanted`, only files of this one are looked at.

    Raises
    ------
    ExcludedDataset
        Rule ``raw_counts`` if no file can hold counts, ``spatial`` if all samples are spots on
        slides, ``umi`` if they are arrays.
    InputError
        If files of counts are there but cannot be read, or none is called, or of a format, as
        wished.
    """
    offered = [(unit, offers_of(unit, client)) for unit in records.units]
    if wanted:
        return _wished(wanted, offered, records.samples), ()
    there = [offer.name for _, offers in offered for offer in offers.everything]
    if format and format != "auto":
        offered = [(unit, offers.of_format(format)) for unit, offers in offered]
        if there and not any(offers.everything for _, offers in offered):
            msg = f"column format: nothing among {shown(sorted(there))} can be {format}"
            raise InputError(msg)
    found = Findings(mixed=any(map(kinds.is_expression, records.samples)))
    parts = []
    for unit, offers in offered:
        part = _of_samples(unit.samples, offers.of_samples, offers.of_series, found)
        if part is None and not unit.only_if_none:
            part = _of_series(unit.samples, offers, found)
        if part:
            parts.append(part)
    for unit, offers in offered:
        if not parts and unit.only_if_none:
            part = _of_series(records.samples, offers, found)
            parts += [part] if part else []
    if not parts:
        names = [o.name for _, offers in offered for o in offers.everything]
        single = [s for unit in records.units if not unit.series for s in unit.samples]
        raise found.nothing(names, series=[gse for s in single for gse in s.all("series_id")])
    part = _together(parts)
    if not part.pooled:
        found.ignored = [offer.name for _, offers in offered for offer in offers.of_series]
    return part, found.notes(part.samples, records.samples)


def _wished(wanted: str, offered: Sequence[tuple[Unit, Offers]], samples: Sequence[Entity]) -> Part:
    """Take what is called so; of a super-series' own, only if nothing else is."""
    everything = [offer for _, offers in offered for offer in offers.everything]
    first = [
        offer
        for unit, offers in offered
        for offer in offers.everything
        if offer.sample in offers.of_samples or not unit.only_if_none
    ]
    try:
        choice = choose([offer.name for offer in first], wanted)
    except InputError:
        choice = choose([offer.name for offer in everything], wanted)
    by_name = {offer.name: offer for offer in reversed(everything)}
    offers = [by_name[name] for name in choice.files]
    whose = {offer.sample for offer in offers}
    pool = [o for o in offers if o.sample is None and formats.role_of(o.name) not in _BESIDE]
    if whose != {None} and not pool:
        return Part(offers, [s for s in samples if s.accession in whose], "sample")
    told: Told = "library" if whose != {None} else _told_in_pool(offers, samples)
    return Part(offers, list(samples), told, pooled=True)


def _of_samples(
    samples: Sequence[Entity],
    by_sample: Mapping[str, Sequence[Offer]],
    beside: Sequence[Offer],
    found: Findings,
) -> Part | None:
    """Choose among each sample's own files; a table of genes may lie beside the series."""
    offers: dict[str, Offer] = {}
    taken = []
    genes = [offer for offer in beside if formats.role_of(offer.name) == "features"]
    for sample in samples:
        accession, own = sample.accession, by_sample.get(sample.accession, ())
        names = [offer.name for offer in own]
        reason = _left_out(sample, names, mixed=found.mixed)
        if reason:
            found.leave(accession, why=reason)
            continue
        try:
            choice = _choose(names, [offer.name for offer in genes])
        except InputError as error:
            found.errors[accession] = error
            continue
        if choice.files:
            taken.append(sample)
            found.choices[accession] = choice.notes
            offers |= {o.name: o for o in (*own, *genes) if o.name in choice.files}
    return Part(list(offers.values()), taken, "sample") if taken else None


def _of_series(samples: Sequence[Entity], offers: Offers, found: Findings) -> Part | None:
    """Choose among files beside the series, then among those in its RAW.tar."""
    names = [offer.name for offer in offers.of_series]
    try:
        choice = choose(names)
    except InputError as error:
        found.errors[", ".join(names)] = error
        choice = Choice(())
    right = [s for s in samples if _left_out(s, (), mixed=found.mixed) is None]
    if choice.files and right:
        pool = [offer for offer in offers.of_series if offer.name in choice.files]
        found.choices[names[0]] = choice.notes
        return Part(pool, right, _told_in_pool(pool, right), pooled=True)
    if offers.archived or not (offers.archive and right):
        return _of_samples(samples, offers.archived, (), found)
    return Part(offers.archive, right, "sample")


def _choose(names: Sequence[str], genes: Sequence[str]) -> Choice:
    try:
        return choose(names)
    except InputError:
        if len(genes) != 1:
            raise
        return choose([*names, *genes])


def _left_out(sample: Entity, names: Sequence[str], *, mixed: bool) -> str | None:
    """Why a sample is no single-cell expression; None where it may be."""
    if kinds.is_array(sample):
        return ARRAYS
    if kinds.is_spatial(sample, names):
        return SPOTS
    if mixed and kinds.other_library(sample):
        return sample.first("library_strategy")
    return None


def _told_in_pool(offers: Sequence[Offer], samples: Sequence[Entity]) -> Told:
    """Cells of one pooled matrix are told apart by the suffix of their barcodes."""
    if len(samples) == 1:
        return "sample"
    names = [offer.name for offer in offers]
    if any(formats.role_of(name) == "archive" for name in names):
        return "nothing"
    try:
        libraries, _ = formats.layout(names)
    except InputError:  # PREPARE says it, and column format may heal it
        return "nothing"
    if len(libraries) > 1:
        return "library"
    return "sample" if libraries[0].format in {"mtx", "10x_h5"} else "nothing"


def _together(parts: Sequence[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    pooled = any(part.pooled for part in parts)
    return Part(
        list(dict.fromkeys(offer for part in parts for offer in part.offers)),
        list({s.accession: s for part in parts for s in part.samples}.values()),
        "library" if pooled else "sample",
        pooled,
    )
