"""Rows of samplesheets that hold the same data, told by what they say of themselves."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Duplicate", "find_duplicates"]

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DOI = re.compile(r"\b10\.\d{4,9}/\S+")
_TABULA_SAPIENS = "tabula sapiens"
_LEAST_WORDS = 4  # 'Lung' or 'Human kidney atlas' may be the title of two studies
_LEAST_CELLS = 1000  # small round numbers meet by chance
_LEAST_SHARED = 2
_GENERIC = frozenset({
    "analysis", "atlas", "cell", "cells", "data", "dataset", "datasets", "expression", "from",
    "gene", "human", "landscape", "nuclei", "nucleus", "profiling", "reveals", "sample", "samples",
    "sapiens", "sequencing", "single", "snrna", "scrna", "study", "tissue", "transcriptome",
    "transcriptomic", "transcriptomics", "with",
})  # fmt: skip


class Duplicate(NamedTuple):
    """A row that holds data of an earlier one.

    Parameters
    ----------
    position, of
        Positions of the row and of the earlier one.
    reason
        What they have in common.
    certain
        False where only a part may be shared, or it is not known how much.
    """

    position: int
    of: int
    reason: str
    certain: bool


class _Signs(NamedTuple):
    """What may tell that two rows are the same data."""

    name: str
    source: str
    own: frozenset[str]
    related: frozenset[str]
    study: frozenset[str]
    files: frozenset[str]
    title: str
    tissue: str
    n_cells: int


def find_duplicates(rows: Sequence[Mapping[str, Any]]) -> list[Duplicate]:
    """Find rows that hold data of an earlier row; the earlier one counts as the original.

    Within a source only accessions count, or files where there are none, and for CELLxGENE equal
    names and titles, which are two versions of a dataset. Across sources, any of these is enough:
    an accession that is the other's, or is all that the other names in same_as; the publication
    (DOI or PubMed id); a title of four words or more; the number of cells, 1,000 or more, with
    the tissue or two telling words of the title. A row is compared with duplicates, too.
    """
    signs = [_signs(row) for row in rows]
    index: dict[tuple[str, object], list[int]] = defaultdict(list)
    original: dict[int, int] = {}
    found = []
    for i, row in enumerate(signs):
        keys = _keys(row)
        near = sorted({j for key in keys for j in index[key]})
        told = [(j, *said) for j in near for said in _compare(row, signs[j])]
        if told:
            j, reason, certain = next((one for one in told if one[2]), told[0])
            found.append(Duplicate(i, original.get(j, j), reason, certain=certain))
            if certain:
                original[i] = original.get(j, j)
        for key in keys:
            index[key].append(i)
    return found


def _signs(row: Mapping[str, Any]) -> _Signs:
    source, title = str(row["source"]), _plain(row.get("title"))
    own = {_accession(part) for part in _split(row.get("accession"))}
    if source == "tabula_sapiens":  # parts of a collection of CELLxGENE, called by name
        source = "cellxgene"
        own = {name if _UUID.fullmatch(name) else _part(name) for name in own}
    if source == "cellxgene" and title.startswith(_TABULA_SAPIENS):
        own.add(title)
    same = _split(row.get("same_as"))
    study = {part.lower() for part in same if part.upper().startswith("PMID:")}
    related = {_accession(part) for part in same} - study
    study |= {doi.rstrip(".,;)").lower() for doi in _DOI.findall(row.get("doi") or "")}
    plain = str(row.get("tissue") or "").casefold()
    return _Signs(
        name=str(row["dataset_id"]).lower(),
        source=source,
        own=frozenset(own),
        related=frozenset(related),
        study=frozenset(study),
        files=frozenset(_split(row.get("sha256")) or _split(row.get("url"))),
        title=title,
        tissue="" if plain.startswith("obs:") else plain,
        n_cells=int(row.get("n_cells") or 0),
    )


def _keys(row: _Signs) -> list[tuple[str, object]]:
    """Rows that share none of these have nothing in common."""
    keys: list[tuple[str, object]] = [("accession", part) for part in row.own | row.related]
    keys += [("study", part) for part in row.study]
    keys += [("file", part) for part in row.files]
    keys += [("name", row.name), ("title", row.title), ("n_cells", row.n_cells)]
    return [key for key in keys if key[1]]


def _compare(row: _Signs, other: _Signs) -> Iterator[tuple[str, bool]]:
    """Give each thing that two rows have in common, and whether it proves one to hold the other."""
    across = row.source != other.source
    if not across and row.source in {"file", "url"}:
        # one accession may be cited for several files of a study
        if shared := row.files & other.files:
            yield "the same files", row.files <= other.files
        return
    same_words = (row.name, row.title) == (other.name, other.title)
    related = row.own & other.related | row.related & other.own
    if across:
        related |= row.related & other.related
    if shared := row.own & other.own:
        yield f"accession {_shown(shared)}", row.own <= other.own or row.source == "cellxgene"
    elif related:
        yield f"{_shown(related)} in same_as; how much they share is not known", False
    if across:
        yield from _across(row, other)
    elif row.source == "cellxgene" and row.title and same_words:
        yield "another version of it, by its name and title", True


def _across(row: _Signs, other: _Signs) -> Iterator[tuple[str, bool]]:
    """Signs that count between sources, as no study is split into rows of two sources."""
    if row.own and row.own <= other.related:
        yield f"accession {_shown(row.own)} is in its same_as", True
    if row.related and row.related <= other.own:
        yield f"its accession {_shown(row.related)} is in same_as", True
    if shared := row.study & other.study:
        yield f"publication {_shown(shared)}", True
    if row.title == other.title and len(row.title.split()) >= _LEAST_WORDS:
        yield "the same title", True
    if row.n_cells == other.n_cells and row.n_cells >= _LEAST_CELLS:
        words = _telling(row.title) & _telling(other.title)
        if len(words) >= _LEAST_SHARED:
            yield f"{row.n_cells} cells, and {_shown(words)} in the title", True
        elif row.tissue and row.tissue == other.tissue:
            yield f"{row.n_cells} cells of {row.tissue}", True


def _accession(text: str) -> str:
    plain = text.casefold()
    found: list[str] = _UUID.findall(plain)
    return found[-1] if found else plain


def _part(name: str) -> str:
    plain = _plain(name.removeprefix("tabula sapiens - "))
    return f"{_TABULA_SAPIENS} {'all cells' if plain == 'all' else plain}"


def _split(text: object) -> list[str]:
    return [part.strip() for part in str(text or "").split("|") if part.strip()]


def _plain(title: object) -> str:
    text = unicodedata.normalize("NFKD", str(title or "")).casefold()
    return " ".join(re.findall(r"[^\W_]+", text))


def _telling(title: str) -> set[str]:
    return {word for word in title.split() if len(word) >= 4} - _GENERIC


def _shown(parts: frozenset[str] | set[str]) -> str:
    listed = sorted(part.upper() if part.startswith("gs") else part for part in parts)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(listed[:3]) + more
