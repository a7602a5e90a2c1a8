"""Assays by what they count: UMIs, reads, or spots of tissue."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import Literal, cast

from sicmir_atlas.names import ontologies

__all__ = ["AssayKind", "assay_kind", "is_tenx"]

AssayKind = Literal["umi", "reads", "spatial", "unknown"]
# EFO keeps Visium under 10x technology, too: what is spatial is told first
_TENX = ("EFO:0030080", "EFO:0022606", "EFO:0030059")


@cache
def assay_kind(term_id: str) -> AssayKind:
    """Tell what an EFO term counts, by its ancestors (sources spec, section 2.2).

    ``unknown`` for assays of other kinds and for terms that are none.
    """
    ancestors = _ancestors(term_id)
    return next((kind for root, kind in _kinds() if root in ancestors), "unknown")


def is_tenx(term_id: str) -> bool:
    """Tell whether an EFO term is a 10x assay of transcripts with UMIs."""
    return assay_kind(term_id) == "umi" and not _ancestors(term_id).isdisjoint(_TENX)


@cache
def _kinds() -> tuple[tuple[str, AssayKind], ...]:
    with (resources.files("sicmir_atlas.data") / "assays.tsv").open() as file:
        rows = csv.DictReader(file, delimiter="\t")  # not pandas: RESOLVE starts in no time
        return tuple((row["term_id"], cast("AssayKind", row["kind"])) for row in rows)


@cache
def _ancestors(term_id: str) -> frozenset[str]:
    parser = ontologies()
    if not (term_id.startswith("EFO:") and parser.is_valid_term_id(term_id)):
        return frozenset()
    return frozenset(parser.get_term_ancestors(term_id, include_self=True))
