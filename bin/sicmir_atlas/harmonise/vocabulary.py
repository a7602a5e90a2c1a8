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

__all__ = ["Form", "Named", "is_tissue", "look_up", "shared_synonyms", "terms_of"]

Form = Literal["as_is", "folded", "cell", "unordered"]

_FORMS: dict[Form, Callable[[str], str]] = {
    "as_is": lambda name: name.strip().casefold(),
    "folded": fold,
    "cell": lambda name: without_cell(fold(name)),
    "unordered": lambda name: unordered(fold(name)),
}
_OTHER_LABELS = {  # of other species, and `lungs`
    "CL": re.compile(r"\(Mmus\)|\(Primate\)|, mouse$|\(sensu (?!Vertebrata)"),
    "UBERON": re.compile(r"^pair of "),
    "PATO": re.compile(r"^(?!(?:normal|female|male|hermaphrodite)$)"),
}
_OTHER_SYNONYMS = {  # abbreviations, and a name that studies give to the non-classical monocyte
    "CL": re.compile(r"(?!.*[a-z]{3})\S{1,6}$|CD16\+ monocyte$"),
    "MONDO": re.compile(r"\S{1,2}$"),
    "UBERON": re.compile(r"skin$"),  # a zone of it there
}
_ABBREVIATION = re.compile(r"(?!.*[a-z]{3})")
_NONE = re.compile(r"(?!)")
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

    Names that would mislead do not count: terms of other species, qualities that are no sex and
    no state of health, and abbreviations. `DC2` is a plasmacytoid dendritic cell in CL and a
    conventional one in most studies; `MM` is Miyoshi myopathy in MONDO.
    """
    shape = _FORMS[form]
    labels: dict[str, set[str]] = defaultdict(set)
    synonyms: dict[str, set[str]] = defaultdict(set)
    misleading = {""}
    for label, term in terms_of(ontology):
        labels[shape(label)].add(term)
        for synonym in ontologies().get_term_synonyms(term):
            synonyms[shape(synonym)].add(term)
            if _misleads(ontology, form, synonym):
                misleading.add(shape(synonym))
    named = {
        name: Named(min(terms), is_label=False)
        for name, terms in synonyms.items()
        if len(terms) == 1 and name not in misleading
    }
    for name, terms in labels.items():
        named[name] = Named(min(terms), is_label=True)
        if len(terms) > 1 or not name:
            del named[name]
    return named


def _misleads(ontology: str, form: Form, synonym: str) -> bool:
    plural = form != "as_is" and ontology != "CL"  # `PDS` would be a plural
    return bool(
        _OTHER_SYNONYMS.get(ontology, _NONE).match(synonym)
        or (plural and _ABBREVIATION.match(synonym))
    )


@cache
def shared_synonyms(ontology: str) -> frozenset[str]:
    """Synonyms of several terms, as they are: what they mean is never guessed."""
    terms: dict[str, set[str]] = defaultdict(set)
    for _, term in terms_of(ontology):
        for synonym in ontologies().get_term_synonyms(term):
            terms[_FORMS["as_is"](synonym)].add(term)
    return frozenset(name for name, known in terms.items() if len(known) > 1)


def terms_of(ontology: str) -> Iterator[tuple[str, str]]:
    """Labels and terms, but for deprecated ones and those of other species."""
    parser = ontologies()
    misleading = _OTHER_LABELS.get(ontology, _NONE)
    for label, term in parser.get_term_label_to_id_map(ontology).items():
        own = term.startswith(f"{ontology}:") and not misleading.search(label)
        if own and not parser.is_term_deprecated(term):
            yield label, term


@cache
def _tissues() -> frozenset[str]:
    names = [name for organ in organs() for name in organ.split("/")]
    for label, term in terms_of("UBERON"):
        names += [label, *ontologies().get_term_synonyms(term)]
    return frozenset(map(fold, names))
