"""Samples as columns: what GEO says of each, under one spelling of names (section 1.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sicmir_atlas.sources.geo.assay import assay_of
from sicmir_atlas.sources.geo.kinds import protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sicmir_atlas.sources.geo.soft import Entity

__all__ = ["sample_columns", "says"]

_NOTHING = frozenset({"", "-", "--", "na", "n/a", "nan", "not applicable", "not available"})

_DONOR = tuple(
    f"{who}{ending}"
    for who in ("donor", "patient", "subject", "individual", "participant", "case")
    for ending in ("", "_id", "_number")
)
_TAKEN = {"sample_id", "donor_id", "title", "source_name", "assay"}
_FREE = "characteristics"


def sample_columns(samples: Sequence[Entity]) -> dict[str, dict[str, str]]:
    """Columns by sample: its accession, title, source name, assay and every characteristic.

    Names of characteristics are in lower case with ``_``; repeated ones are joined by ``; ``;
    text without ``:`` is under ``characteristics``; a name that is taken gets
    ``characteristics_`` before it. ``donor_id`` is there if one characteristic names a donor
    for every sample, and ``assay`` where a protocol names one clearly.
    """
    given = [_characteristics(sample) for sample in samples]
    complete = [key for key in _DONOR if all(says(one.get(key)) for one in given)]
    columns: dict[str, dict[str, str]] = {}
    for sample, characteristics in zip(samples, given, strict=True):
        about = {
            "sample_id": sample.accession,
            "donor_id": characteristics[complete[0]] if complete else None,
            "title": sample.first("title"),
            "source_name": sample.first("source_name_ch1"),
            "assay": assay_of(protocol(sample)),
        }
        about |= {f"{_FREE}_{k}" if k in _TAKEN else k: v for k, v in characteristics.items()}
        columns[sample.accession] = {key: value for key, value in about.items() if value}
    return columns


def says(value: str | None) -> bool:
    """Tell whether a value is more than a word for nothing."""
    return value is not None and value.strip().lower() not in _NOTHING


def _characteristics(sample: Entity) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for text in sample.all("characteristics_ch1"):
        key, colon, value = text.partition(":")
        name = re.sub(r"[^\w]+", "_", key.strip().lower()).strip("_")
        if colon and name:
            found.setdefault(name, []).append(value.strip())
        else:
            found.setdefault(_FREE, []).append(text)
    return {name: "; ".join(filter(None, values)) for name, values in found.items()}
