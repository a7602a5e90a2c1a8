"""What a label may map to, and how that is written down."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

__all__ = ["METHODS", "ONTOLOGIES", "UNKNOWN", "Field", "Mapping", "Method"]

Field = Literal["cell_type", "tissue", "disease", "assay", "sex", "development_stage"]
Method = Literal[
    "given_id", "exact_label", "unique_synonym", "normalised_text", "override", "unmapped"
]

METHODS: tuple[Method, ...] = get_args(Method)
"""Rules in the order in which they are asked."""

UNKNOWN = "unknown"

ONTOLOGIES: dict[Field, tuple[str, ...]] = {
    "cell_type": ("CL",),
    "tissue": ("UBERON",),
    "disease": ("MONDO", "PATO"),
    "assay": ("EFO",),
    "sex": ("PATO",),
    "development_stage": ("HsapDv",),
}
"""Where the terms of a field come from."""


class Mapping(NamedTuple):
    """What a label maps to: term, the term's label, and the rule that found it.

    ``curator`` and ``curated_on`` say who decided and when, where the rule is an override.
    """

    term_id: str | None
    label: str | None
    method: Method
    curator: str | None = None
    curated_on: str | None = None
