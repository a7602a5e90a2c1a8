"""Small charts as inline SVG: no script, colours by class, every figure also in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Part", "bar", "histogram", "stack"]

_WIDTH, _HEIGHT = 340, 120
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 20, 22
_N_BINS = 24


class Part(NamedTuple):
    """One part of a stacked bar; ``kind`` is the class that colours it."""

    kind: str
    label: str
    n: int


def stack(parts: Sequence[Part], *, title: str = "") -> Markup:
    """One bar over the whole width, divided in proportion; nothing where the parts sum to zero."""
    total = sum(part.n for part in parts)
    if not total:
        return Markup()
    pieces, start = [], 0.0
    for part in parts:
        if part.n:
            width = 100 * part.n / total
            said = f"{part.label}: {part.n:,} ({_percent(part.n / total)})"
            pieces.append(_rect(part.kind, start, width, said))
            start += width
    return _strip(Markup().join(pieces), title)


def bar(share: float, *, start: float = 0.0, kind: str = "main", title: str = "") -> Markup:
    """One bar from ``start`` over a share of the width."""
    drawn = _rect(kind, 100 * start, 100 * share, title) if share > 0 else Markup()
    return _strip(drawn, title)


def histogram(
    series: Sequence[tuple[str, str, Sequence[float]]],
    *,
    low: float,
    high: float,
    title: str,
    ticks: Sequence[tuple[float, str]],
) -> Markup:
    """Numbers of datasets by a figure of theirs, one panel a series, one axis for all.

    Parameters
    ----------
    series
        Class, name and values of each panel.
    ticks
        Places on the axis and what stands there.
    """
    counts = [_binned(values, low, high) for _, _, values in series]
    most = max((n for panel in counts for n in panel), default=0)
    if not most:
        return Markup()
    inner = _WIDTH - _LEFT - _RIGHT
    step, tall = inner / _N_BINS, _HEIGHT - _TOP - _BOTTOM
    height = _HEIGHT * len(series)
    drawn = [Markup("<title>{}</title>").format(title)]
    for i, ((kind, name, values), panel) in enumerate(zip(series, counts, strict=True)):
        floor = _HEIGHT * i + _TOP + tall
        drawn.append(_line("grid", _LEFT, floor - tall, _WIDTH - _RIGHT, floor - tall))
        drawn.append(_line("axis", _LEFT, floor, _WIDTH - _RIGHT, floor))
        drawn.append(_text("end", _LEFT - 5, floor - tall + 9, f"{most:,}"))
        drawn.append(_text("end", _LEFT - 5, floor, "0"))
        for j, n in enumerate(panel):
            if n:
                size = max(tall * n / most, 1.5)
                about = f"{_span(j, low, high)}: {n:,} dataset{'s' * (n != 1)}"
                drawn.append(
                    Markup(
                        '<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}">'
                        "<title>{}</title></rect>"
                    ).format(kind, _LEFT + step * j + 0.75, floor - size, step - 1.5, size, about)
                )
        middle = _LEFT + inner * (_median(values) - low) / (high - low) if values else None
        if middle is not None:
            drawn.append(_line("median", middle, floor - tall, middle, floor + 4))
        if name:
            drawn.append(_text("start strong", _LEFT, floor - tall - 6, name))
        for value, word in ticks:
            place = _LEFT + inner * (value - low) / (high - low)
            anchor = "start" if value == low else "end" if value == high else "middle"
            drawn.append(_text(anchor, place, floor + 16, word))
    return Markup('<svg class="chart" role="img" viewBox="0 0 {} {}">{}</svg>').format(
        _WIDTH, height, Markup().join(drawn)
    )


def _binned(values: Sequence[float], low: float, high: float) -> list[int]:
    counts = [0] * _N_BINS
    for value in values:
        place = int(_N_BINS * (value - low) / (high - low))
        counts[min(max(place, 0), _N_BINS - 1)] += 1
    return counts


def _span(place: int, low: float, high: float) -> str:
    edges = (low + (high - low) * (place + i) / _N_BINS for i in (0, 1))
    return " to ".join(_percent(edge) if high <= 1 else f"{edge:.0f}" for edge in edges)


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _strip(content: Markup, title: str) -> Markup:
    hidden = Markup('role="img" aria-label="{}"').format(title) if title else 'aria-hidden="true"'
    return Markup(
        '<svg class="strip" viewBox="0 0 100 10" preserveAspectRatio="none" {}>{}</svg>'
    ).format(Markup(hidden), content)


def _rect(kind: str, x: float, width: float, title: str) -> Markup:
    return Markup(
        '<rect class="{}" x="{:.3f}" y="0" width="{:.3f}" height="10"><title>{}</title></rect>'
    ).format(kind, x, max(width, 0.15), title)


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        kind, x1, y1, x2, y2
    )


def _text(anchor: str, x: float, y: float, text: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(anchor, x, y, text)
