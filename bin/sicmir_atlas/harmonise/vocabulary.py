"""Names of an ontology's terms, in the forms in which labels are looked up."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from sicmir_atlas.harmonise.rollup import organs
from sicmir_atlas.harmonise.text import fold, unordered, without_cell
from sicmir_atlas.names import ontologies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Form", "Named", "is_tissue", "look_up"]

Form = Literal["as_is", "folded", "cell", "unordered"]

_FORMS: dict[Form, Callable[[str], str]] = {
    "as_is": lambda name: name.strip().casefold(),
    "folded": fold,
    "cell": lambda name: without_cell(fold(name)),
    "unordered": lambda name: unordered(fold(name)),
}
_ABBREVIATION = re.compile(r"(?!.*[a-z]{3})\S{1,6}")
_OTHER_SPECIES = re.compile(r"\(Mmus\)|\(Primate\)|, mouse$|\(sensu (?!Vertebrata)")
_STAGE = re.compile(r"^(?:fetal|adult|neonatal|embryonic) ")


class Named(NamedTuple):
    """The term of a name, and whether the name is its label or a synonym."""

    term_id: str
    is_label: bool


def look_up(ontology: str, form: Form, text: str) -> Named | None:
    """Find the one term that has a name of this form; labels come before synonyms."""
    return _names(ontology, form).get(text)


def is_tissue(text: str) -> bool:
    """Whether a text names a tissue or an organ, at some stage of life perhaps."""
    return _STAGE.sub("", fold(text)) in _tissues()


@cache
def _names(ontology: str, form: Form) -> dict[str, Named]:
    """Terms by name, but for names that several terms share, and for deprecated terms.

    Of CL, terms of other species do not count, nor synonyms that are abbreviations: `DC2` is a
    plasmacytoid dendritic cell there, and a conventional one in most studies.
    """
    shape = _FORMS[form]
    labels: dict[str, set[str]] = defaultdict(set)
    synonyms: dict[str, set[str]] = defaultdict(set)
    for label, term in _terms(ontology):
        labels[shape(label)].add(term)
        for synonym in ontologies().get_term_synonyms(term):
            if not (ontology == "CL" and _ABBREVIATION.fullmatch(synonym)):
                synonyms[shape(synonym)].add(term)
    named = {n: Named(min(t), is_label=False) for n, t in synonyms.items() if len(t) == 1}
    for name, terms in labels.items():
        if len(terms) == 1:
            named[name] = Named(min(terms), is_label=True)
        else:
            named.pop(name, None)
    named.pop("", None)
    return named


def _terms(ontology: str) -> Iterator[tuple[str, str]]:
    parser = ontologies()
    for label, term in parser.get_term_label_to_id_map(ontology).items():
        foreign = ontology == "CL" and _OTHER_SPECIES.search(label)
        if term.startswith(f"{ontology}:") and not parser.is_term_deprecated(term) and not foreign:
            yield label, term


@cache
def _tissues() -> frozenset[str]:
    names = [name for organ in organs() for name in organ.split("/")]
    for label, term in _terms("UBERON"):
        names += [label, *ontologies().get_term_synonyms(term)]
    return frozenset(map(fold, names))
