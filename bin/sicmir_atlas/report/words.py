"""Figures and labels as the page writes them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FILTERS"]

_MINUS = "\N{MINUS SIGN}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,}"


def _percent(share: float | None) -> str:
    if share is None:
        return "–"
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    if share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %" if share < 0.9995 else "> 99.9 %"


def _whole_percent(share: float | None) -> str:
    if share is None or 0 < share < 0.01:
        return _percent(share)
    return f"{100 * share:.0f} %"


def _short(n: int) -> str:
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if n >= size:
            return f"{n / size:.1f}{unit}" if n < 10 * size else f"{n // size}{unit}"
    return str(n)


def _signed(difference: int) -> str:
    return f"{difference:+,}".replace("-", _MINUS) if difference else "same"


def _plain(value: Any) -> str:
    return _number(value) if value is None or isinstance(value, int) else str(value)


def _soft(label: str) -> Markup:
    """Label that may break after a slash."""
    return Markup("/<wbr>").join(escape(part) for part in label.split("/"))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "n": _number,
    "pct": _percent,
    "pct0": _whole_percent,
    "short": _short,
    "signed": _signed,
    "plain": _plain,
    "soft": _soft,
    "sh": shlex.quote,
}
