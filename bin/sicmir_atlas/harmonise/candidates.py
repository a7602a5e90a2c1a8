"""Terms that a label of a cell type may mean, by likeness of names, for a person to choose from."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sicmir_atlas.harmonise.rollup import organ_of
from sicmir_atlas.harmonise.text import expanded, fold
from sicmir_atlas.harmonise.vocabulary import terms_of
from sicmir_atlas.names import ontologies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Candidate", "candidates"]

_OF_A_PART = 0.95  # likeness to a part of a label counts a little less
_OF_A_SYNONYM = 0.97
_IN_ORGAN = 0.15  # at most
_UNSEEN = 0.3  # weight of what no name has, beside that of what one name has
_LONGEST_PLACE = 4
_WORD = 2.0  # weight of a word, beside its beginning and its trigrams
_PARTS = re.compile(r"[_/()\[\]|,;:]+")
_ROOT = "CL:0000000"  # cell


class Candidate(NamedTuple):
    """A term that a label may mean; likeness from 0 to 1, and the name that is like the label."""

    term_id: str
    label: str
    score: float
    why: str


class _Name(NamedTuple):
    term_id: str
    text: str
    is_label: bool


class _Index(NamedTuple):
    """Names of cell types by feature, with each feature's weight and each name's norm."""

    names: list[_Name]
    rows: dict[str, NDArray[np.int64]]
    weights: dict[str, float]
    norms: NDArray[np.float64]
    factors: NDArray[np.float64]


def candidates(label: str, *, organ: str | None = None, n: int = 5) -> list[Candidate]:
    """Rank the terms of CL by the one of their names that is most like a label.

    Compared are words, their beginnings and their trigrams: cosine, the rarer the heavier. A label
    is also read in parts, with abbreviations written out. The less any name is like the
    label, the more it counts that a term's names, definition or ancestors place it in ``organ``.
    """
    index = _index()
    texts = dict.fromkeys(_parts(label), _OF_A_PART) | {fold(label): 1.0}
    score = np.max([weight * _likeness(text, index) for text, weight in texts.items()], axis=0)
    score *= index.factors
    bonus = _IN_ORGAN * (1.0 - min(float(score.max()), 0.95))
    best: dict[str, tuple[float, _Name]] = {}
    for row in np.argsort(-score, kind="stable")[: 50 * n]:
        name = index.names[row]
        found = float(score[row]) + bonus * (organ in _organs_of(name.term_id))
        if score[row] > 0 and name.term_id not in best:
            best[name.term_id] = (found, name)
    ranked = sorted(best.values(), key=lambda found: -found[0])[:n]
    return [_candidate(name, score, organ) for score, name in ranked]


def _parts(label: str) -> Iterator[str]:
    """Words of a label between brackets, slashes and the like, if they name no tissue."""
    for part in (label, *_PARTS.split(label)):
        folded = fold(part)
        if re.search("[A-Za-z]{2}", part) and folded not in _places():
            yield from (folded, expanded(folded))


def _candidate(name: _Name, score: float, organ: str | None) -> Candidate:
    why = "label" if name.is_label else f"synonym {name.text}"
    if organ in _organs_of(name.term_id):
        why += f"; in {organ}"
    label = ontologies().get_term_label(name.term_id)
    return Candidate(name.term_id, label, round(min(score, 1.0), 3), why)


def _likeness(folded: str, index: _Index) -> NDArray[np.float64]:
    """Cosine of a text with every name."""
    score = np.zeros(len(index.names))
    unseen = _UNSEEN * np.log(len(index.names))
    squared = 0.0
    for feature, count in Counter(_features(folded)).items():
        weight = index.weights.get(feature, unseen * _weight(feature))
        squared += (count * weight) ** 2
        if feature in index.rows:
            score[index.rows[feature]] += count * weight**2
    score /= index.norms * max(squared, 1e-12) ** 0.5
    return score


def _features(folded: str) -> Iterator[str]:
    """Words (``=``), their beginnings (``^``) and their trigrams."""
    for word in folded.split():
        yield f"={word}"
        yield f"^{word[:5]}"
        padded = f" {word} "
        yield from (padded[start : start + 3] for start in range(len(word)))


def _weight(feature: str) -> float:
    return _WORD if feature[0] == "=" else 1.0


@cache
def _index() -> _Index:
    names = list(_names())
    features = [Counter(_features(fold(name.text))) for name in names]
    rows: dict[str, list[int]] = defaultdict(list)
    for row, found in enumerate(features):
        for feature in found:
            rows[feature].append(row)
    weights = {
        feature: float(np.log(len(names) / len(found))) * _weight(feature)
        for feature, found in rows.items()
    }
    squared = [sum(weights[feature] ** 2 for feature in found) for found in features]
    return _Index(
        names=names,
        rows={feature: np.array(found, np.int64) for feature, found in rows.items()},
        weights=weights,
        norms=np.sqrt(np.maximum(squared, 1e-12)),
        factors=np.array([1.0 if name.is_label else _OF_A_SYNONYM for name in names]),
    )


def _names() -> Iterator[_Name]:
    for label, term_id in terms_of("CL"):
        if term_id != _ROOT:
            yield _Name(term_id, label, is_label=True)
            for synonym in ontologies().get_term_synonyms(term_id):
                yield _Name(term_id, synonym, is_label=False)


@cache
def _organs_of(term_id: str) -> frozenset[str]:
    """Organs that a cell type's names, definition or ancestors mention."""
    parser = ontologies()
    texts = [parser.get_term_label(term_id), *parser.get_term_synonyms(term_id)]
    texts += [parser.get_term_label(ancestor) for ancestor in parser.get_term_ancestors(term_id)]
    texts.append(parser.get_term_description(term_id) or "")
    return frozenset(organ for text in texts for organ in _mentioned(text))


@cache
def _mentioned(text: str) -> tuple[str, ...]:
    places, words = _places(), fold(text).split()
    spans = (
        " ".join(words[start : start + length])
        for start in range(len(words))
        for length in range(1, _LONGEST_PLACE + 1)
    )
    return tuple({places[span] for span in spans if span in places})


@cache
def _places() -> dict[str, str]:
    """Organs by the names of the tissues that roll up to them."""
    parser = ontologies()
    places: dict[str, str] = {}
    for label, term_id in parser.get_term_label_to_id_map("UBERON").items():
        organ = organ_of(term_id) if term_id.startswith("UBERON:") else None
        if organ:
            names = (label, *parser.get_term_synonyms(term_id))
            places |= {fold(name): organ for name in names}
    return places
