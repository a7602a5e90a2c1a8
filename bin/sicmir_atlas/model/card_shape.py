"""The shape that the entries of a model's card must have to be read; their sense is not judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["misshapen"]


def misshapen(card: Mapping[str, Any]) -> str | None:
    """Name the first entry of a card that cannot be read; None when all can, or are absent."""
    for key, (fits, what) in _ENTRIES.items():
        if key in card and not fits(card[key]):
            return f"{key} is not {what}"
    return None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_architecture(value: object) -> bool:
    members = value.get("members", []) if isinstance(value, dict) else None
    return isinstance(members, list) and all(map(_is_object, members))


def _is_domain(value: object) -> bool:
    return isinstance(value, dict) and _is_number(value.get("limit"))


def _is_interval(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


def _by_mirna(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    def all_fit(value: object) -> bool:
        return isinstance(value, dict) and all(v is None or fits(v) for v in value.values())

    return all_fit


_FIGURES = _by_mirna(_is_number), "a number or null by miRNA"
_INTERVALS = _by_mirna(_is_interval), "two numbers or null by miRNA"
_ENTRIES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "model_id": (_is_text, "a text"),
    "architecture": (_is_architecture, "an object with a list of members"),
    "landmarks": (_is_names, "a list of names"),
    "mirnas": (_is_names, "a list of names"),
    "mirnas_untrained": (_is_names, "a list of names"),
    "metrics": (_is_object, "an object"),
    "domain": (_is_domain, "an object with a number called limit"),
    "reliability": _FIGURES,
    "reliability_interval": _INTERVALS,
    "reliability_within_cohort": _FIGURES,
    "reliability_within_cohort_interval": _INTERVALS,
}
