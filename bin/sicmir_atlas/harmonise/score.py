"""Score the rules on labels that curators mapped, each study held out in turn."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from sicmir_atlas.harmonise.overrides import ANY, Override, Overrides
from sicmir_atlas.harmonise.readings import is_mixture
from sicmir_atlas.harmonise.rules import Found, find
from sicmir_atlas.harmonise.text import fold
from sicmir_atlas.names import ontologies

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "BAR",
    "Curated",
    "Relation",
    "Scored",
    "agreement",
    "consensus",
    "current",
    "held_out",
    "relation",
]

Relation = Literal["same", "broader", "narrower", "other"]

BAR = 0.95
"""Precision below which a rule is not applied."""

_WORD = re.compile(r"[a-z]{4}")


class Curated(NamedTuple):
    """A study's label, and the term that its curators chose; None where they left it unknown."""

    study: str
    organ: str | None
    label: str
    term_id: str | None


class Scored(NamedTuple):
    """What the rules make of a label, and how that stands to the curators' term."""

    curated: Curated
    found: Found | None
    relation: Relation | None


@cache
def relation(ours: str, theirs: str) -> Relation:
    """Whether our term is theirs, an ancestor of theirs (broader), a descendant, or neither."""
    parser = ontologies()
    if ours == theirs:
        return "same"
    if ours in parser.get_term_ancestors(theirs):
        return "broader"
    return "narrower" if theirs in parser.get_term_ancestors(ours) else "other"


@cache
def current(term_id: str) -> str:
    """The term that CL replaces a deprecated one by, or asks to consider; else the term itself."""
    parser = ontologies()
    if not parser.is_term_deprecated(term_id):
        return term_id
    instead = parser.get_term_replacement(term_id)
    considered = (parser.get_term_metadata(term_id) or {}).get("consider") or []
    if not instead and len(considered) == 1:
        instead = considered[0].removeprefix("obo.").replace("_", ":")
    return instead if instead and parser.is_valid_term_id(instead) else term_id


def consensus(labels: Iterable[Curated]) -> list[Override]:
    """Decisions that two studies or more agree on, and none contradicts.

    In an organ, two of its studies have to agree. Anywhere, two of different organs, or of no one
    organ if the label has a word in it and not mere abbreviations (`IP`). No decision is made on
    mixtures, nor where CL's own names or the other rules lead to this term or a finer one.
    """
    terms: dict[tuple[str, str], dict[str, set[tuple[str, str | None]]]] = defaultdict(dict)
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for one in labels:
        text = fold(one.label)
        if one.term_id and not text.isdigit() and not is_mixture(one.label):
            spellings[text][one.label.strip()] += 1
            for scope in (one.organ, ANY) if one.organ else (ANY,):
                of_term = terms[scope, text].setdefault(current(one.term_id), set())
                of_term.add((one.study, one.organ))
    decisions = []
    for (scope, text), choices in sorted(terms.items()):
        (term, studies), *others = choices.items()
        label = min(spellings[text].items(), key=lambda item: (-item[1], item[0]))[0]
        agreed = len({study for study, _ in studies}) > 1 and not others
        if agreed and (scope != ANY or _anywhere(text, studies)) and _adds(label, term):
            decisions.append(Override("cell_type", scope, label, term))
    return decisions


def _anywhere(text: str, studies: set[tuple[str, str | None]]) -> bool:
    """Whether studies that agree on a text speak for all organs."""
    organs = {organ for _, organ in studies if organ}
    of_none = sum(organ is None for _, organ in studies)
    return len(organs) > 1 or bool(of_none > 1 and _WORD.search(text))


def _adds(label: str, term: str) -> bool:
    """Whether a decision tells more than the rules find."""
    if not label or ontologies().is_term_deprecated(term):
        return False
    found = _by_rule(label)
    named = found is not None and found.method in ("exact_label", "unique_synonym")
    return not named and not (found and relation(term, found.term_id) in ("same", "broader"))


def held_out(labels: Sequence[Curated]) -> list[Scored]:
    """Map the labels of each study by the rules, and by what the other studies agree on."""
    by_study: dict[str, list[Curated]] = defaultdict(list)
    for one in labels:
        by_study[one.study].append(one)
    scored = []
    for study, own in by_study.items():
        learnt = consensus(one for one in labels if one.study != study)
        overrides = Overrides((row._asdict() for row in learnt), package=False)
        for one in own:
            text = one.label.strip()
            found = find("cell_type", text, organ=one.organ, overrides=overrides) if text else None
            how = relation(found.term_id, current(one.term_id)) if found and one.term_id else None
            scored.append(Scored(one, found, how))
    return scored


def agreement(labels: Sequence[Curated], *, same_organ: bool) -> Counter[Relation]:
    """How the curators of two studies agree on a label that both have, counted by pairs.

    ``broader`` and ``narrower`` are one here, and called ``broader``.
    """
    groups: dict[tuple[str | None, str], list[Curated]] = defaultdict(list)
    for one in labels:
        if one.term_id and fold(one.label) and (one.organ or not same_organ):
            groups[one.organ if same_organ else None, fold(one.label)].append(one)
    counted: Counter[Relation] = Counter()
    for group in groups.values():
        for place, one in enumerate(group):
            for other in group[:place]:
                if one.study != other.study and one.term_id and other.term_id:
                    how = relation(current(one.term_id), current(other.term_id))
                    counted["broader" if how == "narrower" else how] += 1
    return counted


@cache
def _by_rule(label: str) -> Found | None:
    return find("cell_type", label, organ=None, overrides=Overrides(package=False))
