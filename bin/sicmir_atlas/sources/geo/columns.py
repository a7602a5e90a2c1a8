"""Columns of the samplesheet that GEO's texts can fill."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from sicmir_atlas.sources.geo.samples import says

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sicmir_atlas.sources.geo.soft import Entity

__all__ = ["Told", "dataset_columns", "latest_update", "related_accessions", "series_of"]

Told = Literal["sample", "library", "nothing"]
"""What cells will be told apart by: their GSM, the name of their library, or not at all."""

_TISSUE = ("tissue", "organ", "tissue_type")
_DISEASE = (
    "disease", "disease_state", "diagnosis", "disease_status", "health_state", "health_status",
    "clinical_diagnosis", "condition",
)  # fmt: skip
_HEALTHY = frozenset({
    "healthy", "control", "normal", "none", "no disease", "non-diseased", "not diseased",
    "healthy control", "healthy donor", "healthy volunteer", "healthy subject", "normal control",
})  # fmt: skip


def dataset_columns(
    samples: Mapping[str, dict[str, str]], *, title: str | None, told: Told
) -> dict[str, str]:
    """Fill columns from what is known of the samples.

    A key that differs between samples becomes ``obs:KEY`` where cells are told apart by sample,
    and nothing elsewhere. Words for healthy become ``normal`` among diseases.

    Parameters
    ----------
    samples
        Columns by sample. Diseases are put right in place; where that changed one, the study's
        own word is kept under ``<key>_original``.
    title
        Title of the study.
    told
        What cells are told apart by.
    """
    rows = list(samples.values())
    tissue = _key(_TISSUE, rows) or _key(("source_name",), rows) or _key(_TISSUE, rows, of="any")
    disease = _key(_DISEASE, rows) or _key(_DISEASE, rows, of="any")
    if disease:
        _name_healthy(disease, rows)
    filled = {
        "title": title,
        "organism": "Homo sapiens",
        "tissue": _column(tissue, rows, told),
        "disease": _column(disease, rows, told),
        "assay": _column(_key(("assay",), rows), rows, told),
        "sample": None if told == "nothing" else "obs:sample_id",
        "donor": "obs:donor_id" if told == "sample" and _key(("donor_id",), rows) else None,
    }
    return {name: value for name, value in filled.items() if value}


def latest_update(entities: Iterable[Entity]) -> str | None:
    """Newest date of a last update, such as ``2024-03-05``."""
    dates = []
    for entity in entities:
        text = entity.first("last_update_date") or ""
        try:
            dates.append(datetime.strptime(text, "%b %d %Y").replace(tzinfo=UTC).date())
        except ValueError:
            continue
    return max(dates).isoformat() if dates else None


def related_accessions(
    given: Sequence[str], series: Iterable[Entity], samples: Iterable[Entity]
) -> str | None:
    """Publications and other series of these data, separated by ``|``."""
    found: dict[str, None] = {}
    for entity in series:
        found |= dict.fromkeys(f"PMID:{number}" for number in entity.all("pubmed_id"))
        text = " ".join(entity.all("relation"))
        others = re.findall(r"(?:Super|Sub)Series of:\s*(GSE\d+)", text)
        found |= dict.fromkeys([entity.accession, *others])
    for sample in samples:
        found |= dict.fromkeys(sample.all("series_id"))
    return "|".join(name for name in found if name not in given) or None


def series_of(series: Iterable[Entity], samples: Iterable[Entity]) -> tuple[str, ...]:
    """Series that were met, and those that hold the samples."""
    met = [entity.accession for entity in series]
    return tuple(dict.fromkeys([*met, *(s for sample in samples for s in sample.all("series_id"))]))


def _key(
    names: Sequence[str],
    rows: Sequence[Mapping[str, str]],
    *,
    of: Literal["all", "any"] = "all",
) -> str | None:
    """First of the names that all, or any, of the samples have."""
    enough = all if of == "all" else any
    return next((n for n in names if rows and enough(says(row.get(n)) for row in rows)), None)


def _column(key: str | None, rows: Sequence[Mapping[str, str]], told: Told) -> str | None:
    if key is None:
        return None
    values = {row.get(key, "").casefold() for row in rows}
    if len(values) == 1:
        return rows[0][key]
    return f"obs:{key}" if told == "sample" else None


def _name_healthy(key: str, rows: Sequence[dict[str, str]]) -> None:
    for row in rows:
        given = row.get(key, "")
        if given.casefold() in _HEALTHY and given != "normal":
            row |= {key: "normal", f"{key}_original": given}
