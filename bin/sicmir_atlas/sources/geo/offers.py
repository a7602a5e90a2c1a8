"""Files that GEO names or archives for a series and its samples (sources spec, section 1.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from glob import escape
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from sicmir_atlas.errors import GoneError
from sicmir_atlas.formats import ARCHIVE, role_of
from sicmir_atlas.sources.files import RemoteFile, base_name, mask, safe_name
from sicmir_atlas.sources.geo.query import BLOCKED, insist, look_up
from sicmir_atlas.sources.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sicmir_atlas.sources.geo.records import Unit
    from sicmir_atlas.sources.geo.soft import Entity
    from sicmir_atlas.sources.http import Client

__all__ = ["Offer", "Offers", "offers_of", "to_files"]

_LINK = re.compile(r"(?:ftp|https?)://[^/]+/geo/((?:series|samples)/\S.*)", re.IGNORECASE)
_ROLES = {
    "mtx": {"matrix", "features", "barcodes"},
    "csv": {"table", "features", "barcodes"},  # a table may be called counts_of_genes.csv
}
_IN_ADDRESSES = "/%+@,=()!~*'&;$:"


class Offer(NamedTuple):
    """One file: its name here, where it is, whose it is, and the archive that holds it."""

    name: str
    url: str
    size: int | None = None
    sample: str | None = None
    archive: str | None = None


@dataclass(frozen=True)
class Offers:
    """What one unit offers.

    Parameters
    ----------
    of_samples
        Files at the samples' own addresses, by sample.
    of_series
        Files beside the series, but for its RAW.tar.
    archived
        Members of RAW.tar by sample, where the samples name no file.
    archive
        That RAW.tar itself.
    """

    of_samples: dict[str, list[Offer]]
    of_series: list[Offer]
    archived: dict[str, list[Offer]]
    archive: list[Offer]

    def of_format(self, wanted: str) -> Offers:
        """Offers that may be, or hold, files of one format; those that tell slides stay."""
        roles = {"archive", "spatial", *_ROLES.get(wanted, {wanted})}

        def fitting(offers: Iterable[Offer]) -> list[Offer]:
            return [offer for offer in offers if role_of(offer.name) in roles]

        return Offers(
            {gsm: fitting(offers) for gsm, offers in self.of_samples.items()},
            fitting(self.of_series),
            {gsm: fitting(offers) for gsm, offers in self.archived.items()},
            self.archive,
        )

    @property
    def everything(self) -> list[Offer]:
        """All offers, those of samples first."""
        by_sample = [*self.of_samples.values(), *self.archived.values()]
        return [o for offers in by_sample for o in offers] + self.of_series + self.archive


def offers_of(unit: Unit, client: Client) -> Offers:
    """Gather what a series and its samples name; a RAW.tar is asked for its list.

    Samples given by themselves that name no file may still be in the RAW.tar of their series.

    Raises
    ------
    UnavailableError
        If the list cannot be had.
    """
    offers = _offers_of(unit, client)
    if unit.series is None and not offers.everything:
        for accession in dict.fromkeys(s for one in unit.samples for s in one.all("series_id")):
            try:
                series = look_up(accession, client)[0]
            except GoneError:
                continue
            of_series = _offers_of(replace(unit, series=series), client)
            for sample in unit.samples:
                inside = of_series.archived.get(sample.accession)
                if inside:
                    offers.archived.setdefault(sample.accession, inside)
    return offers


def _offers_of(unit: Unit, client: Client) -> Offers:
    beside = _links(unit.series, client) if unit.series else {}
    raw = next((name for name in beside if name.lower().endswith("_raw.tar")), None)
    sizes = _filelist(beside[raw], client) if raw else {}
    of_samples: dict[str, list[Offer]] = {}
    for sample in unit.samples:
        of_samples[sample.accession] = [
            Offer(name, url, sizes.get(name), sample.accession)
            for name, url in _links(sample, client).items()
        ]
    archived: dict[str, list[Offer]] = {}
    archive = []
    if raw and not any(of_samples.values()):
        size = sizes.get(raw)
        archive = [Offer(raw, beside[raw], size)]
        for name in sizes:
            sample_id = name.partition("_")[0]
            if re.fullmatch(r"GSM\d+", sample_id):
                offer = Offer(name, beside[raw], size, sample_id, archive=raw)
                archived.setdefault(sample_id, []).append(offer)
    of_series = [Offer(name, url) for name, url in beside.items() if name != raw]
    return Offers(of_samples, of_series, archived, archive)


def to_files(offers: Iterable[Offer]) -> tuple[RemoteFile, ...]:
    """Turn offers into files; of an archive, only the members offered are unpacked."""
    single: dict[str, Offer] = {}
    members: dict[str, list[Offer]] = {}
    for offer in offers:
        if offer.archive:
            members.setdefault(offer.archive, []).append(offer)
        else:
            single[offer.name] = offer
    files = [
        RemoteFile(o.url, o.name, size=o.size, unpack=("*",) if ARCHIVE.search(o.name) else None)
        for o in single.values()
    ]
    for name, inside in members.items():
        globs = tuple(dict.fromkeys(escape(offer.name) for offer in inside))
        files.append(RemoteFile(inside[0].url, name, size=inside[0].size, unpack=globs))
    return tuple(files)


def _links(entity: Entity, client: Client) -> dict[str, str]:
    """Addresses by name, in the tree of the files' server; NONE, and links to SRA, are no files."""
    found = {}
    for link in entity.numbered("supplementary_file"):
        path = _LINK.fullmatch(link)
        if path is None:
            continue
        url = f"{client.services.geo_files_url}/{quote(path[1], safe=_IN_ADDRESSES)}"
        name = safe_name(base_name(url))
        if entity.kind == "SAMPLE" and not re.match(r"GSM\d+", name):
            name = safe_name(f"{entity.accession}_{name}")
        found[name] = url
    return found


def _filelist(archive: str, client: Client) -> dict[str, int | None]:
    """Sizes by name of RAW.tar and what is in it; nothing where no list lies beside it."""
    url = f"{archive.rpartition('/')[0]}/filelist.txt"

    def once() -> str:
        text = client.text(url)
        if text.lstrip().startswith("<"):
            raise Retry(BLOCKED)
        return text

    try:
        text = insist(once, client, address=mask(url))
    except GoneError:
        return {}
    sizes: dict[str, int | None] = {}
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) >= 4 and not line.startswith("#"):
            sizes[fields[1]] = int(fields[3]) if fields[3].isdecimal() else None
    return sizes
