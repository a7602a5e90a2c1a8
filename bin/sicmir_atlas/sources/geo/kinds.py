"""What kind of sample a GSM is: human, sequenced, single cells, expression (section 1.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sicmir_atlas.sources.geo.soft import Entity

__all__ = ["is_array", "is_expression", "is_human", "is_spatial", "other_library", "protocol"]

_SPOTS = re.compile(
    r"tissue_positions|scalefactors|tissue_(hi|low)res|[_.-]spatial[_.]", re.IGNORECASE
)
_OTHER_LIBRARY = re.compile(
    r"(?<![a-z])(v\(?d\)?j|[tb]cr|adt|hto|hashtag|cite|antibod\w*|protein|atac|crispr|s?grna|guide)"
    r"s?(?![a-z])",
    re.IGNORECASE,
)
_PROTOCOL = ("extract_protocol_ch1", "description", "data_processing", "title")


def is_human(sample: Entity) -> bool:
    """Tell whether all that GEO says of a sample's organism is human."""
    names = {name.casefold() for name in sample.all("organism_ch1")}
    taxids = set(sample.all("taxid_ch1"))
    return taxids <= {"9606"} and len(names) <= 1 and (bool(taxids) or names <= {"homo sapiens"})


def is_array(sample: Entity) -> bool:
    """Tell whether a sample was hybridised, not sequenced."""
    sequenced = sample.first("library_strategy") or sample.first("type") in {None, "SRA"}
    return not sequenced


def is_expression(sample: Entity) -> bool:
    """Tell whether a sample is called an RNA library; one that says nothing counts as one."""
    return sample.first("library_strategy") in {None, "RNA-Seq", "ncRNA-Seq", "ssRNA-seq"}


def other_library(sample: Entity) -> bool:
    """Tell whether a sample is called open chromatin, antibodies, receptors or guides."""
    strategy = sample.first("library_strategy") or ""
    genomic = (sample.first("library_source") or "").lower().startswith("genomic")
    named = _OTHER_LIBRARY.search(sample.first("title") or "") is not None
    return not is_expression(sample) and (strategy == "ATAC-seq" or genomic or named)


def is_spatial(sample: Entity, names: Iterable[str]) -> bool:
    """Tell whether a sample is spots on a slide: by its files, or by a protocol without cells."""
    if any(_SPOTS.search(name) for name in names):
        return True
    text = protocol(sample)
    spots = re.search(r"\bvisium\b|space ?ranger", text, re.IGNORECASE)
    cells = re.search(r"single[ -](cell|nucle)|chromium|cell ?ranger", text, re.IGNORECASE)
    return bool(spots and not cells)


def protocol(sample: Entity) -> str:
    """Texts that tell how a library was made and counted."""
    return "\n".join(text for key in _PROTOCOL for text in sample.all(key))
