"""A difference between two atlases as a note to those who use them, in Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sicmir_atlas.atlas.differences import (
        AtlasDiff,
        Change,
        DatasetChange,
        DatasetNote,
        TableChange,
    )

__all__ = ["release_note"]

_MOST = 50  # lines of a list that a reader still reads
_COUNTS = {"n_cells_qc": "cells", "n_cell_types": "labels", "n_pools": "pools"}


def release_note(diff: AtlasDiff) -> str:
    """Release note of the atlas after: what is new, what changed and why, what to do again."""
    lines = ["# Release note", "", _first_line(diff), ""]
    if not diff.different:
        lines += ["Nothing differs from the atlas before.", ""]
    for title, found in (
        ("In numbers", list(_numbers(diff))),
        ("New datasets", _shortened([_note(one) for one in diff.added])),
        ("Changed datasets", _shortened([_changed(one) for one in diff.changed])),
        ("Datasets that went", _shortened([_gone(one) for one in diff.removed])),
        ("Labels that map to another cell type", list(_labels(diff))),
        ("New and gone terms", list(_terms(diff))),
        ("Tables", [_table(one) for one in diff.schema]),
        ("What to do again", list(_again(diff)) if diff.different else []),
        ("Versions and parameters", [_change(c) for c in (*diff.versions, *diff.parameters)]),
        ("Values compared", list(_compared(diff))),
    ):
        if found:
            lines += [f"## {title}", "", *found, ""]
    return "\n".join(lines)


def _first_line(diff: AtlasDiff) -> str:
    after = {one.name: one.after for one in diff.totals}
    types = "" if after["cell types"] is None else f", {_many(after['cell types'], 'cell type')}"
    return (
        f"{_many(after['included'], 'dataset')} with {_many(after['cells'], 'cell')}{types}. "
        f"{len(diff.added)} new, {len(diff.changed)} changed, {len(diff.removed)} gone, "
        f"{diff.n_same} as before."
    )


def _numbers(diff: AtlasDiff) -> Iterator[str]:
    yield "| | before | after |"
    yield "|---|---:|---:|"
    for one in diff.totals:
        values = ("" if value is None else f"{value:,}" for value in (one.before, one.after))
        yield f"| {one.name} | {' | '.join(values)} |"


def _note(one: DatasetNote) -> str:
    what = f"{one.n_cells_qc:,} cells of {one.n_cell_types} labels" if one.n_cells_qc else ""
    if one.status != "included":
        what = f"{one.status}: {_text(one.reason)}"
    about = ", ".join(_text(part) for part in (one.title, one.accession) if part)
    return f"- `{one.dataset_id}`{f' ({about})' if about else ''}: {what}"


def _gone(one: DatasetNote) -> str:
    title = f" ({_text(one.title)})" if one.title else ""
    cells = f", with {one.n_cells_qc:,} cells" if one.n_cells_qc else ""
    return f"- `{one.dataset_id}`{title}: it was {one.status}{cells}"


def _changed(one: DatasetChange) -> str:
    causes = ", ".join(_text(cause) for cause in one.causes)
    counts = [change for change in one.columns if change.name in _COUNTS]
    parts = []
    if one.status:
        reason = f" ({_text(one.reason)})" if one.reason else ""
        parts.append(f"{one.status.before} → {one.status.after}{reason}")
    elif one.redone:
        parts.append("done again")
    elif causes:
        parts += ["its predictions are the same", causes]
    elif not counts:
        names = ", ".join(f"`{change.name}`" for change in one.columns)
        parts.append(f"described otherwise: {names}")
    parts += [f"{_COUNTS[change.name]} {_pair(change)}" for change in counts]
    if causes and (one.status or one.redone):
        parts.append(f"because: {causes}")
    return f"- `{one.dataset_id}`: {'; '.join(parts)}"


def _labels(diff: AtlasDiff) -> Iterator[str]:
    if not diff.labels:
        return
    yield "| dataset | label | before | now | rule | cells |"
    yield "|---|---|---|---|---|---:|"
    for one in sorted(diff.labels, key=lambda label: -label.n_cells)[:_MOST]:
        terms = (
            f"{_text(label)} ({term})" if term else "none"
            for term, label in ((one.before, one.before_label), (one.after, one.after_label))
        )
        cells = [f"`{one.dataset_id}`", _text(one.cell_type_original), *terms]
        yield f"| {' | '.join(cells)} | {one.mapping_method} | {one.n_cells:,} |"
    if len(diff.labels) > _MOST:
        yield f"\n… and {len(diff.labels) - _MOST} labels of fewer cells."


def _terms(diff: AtlasDiff) -> Iterator[str]:
    for one in diff.terms:
        for word, values in (("new", one.new), ("gone", one.gone)):
            if values:
                shown = ", ".join(_text(value) for value in values[:_MOST])
                more = len(values) - _MOST
                yield f"- {one.kind} {word}: {shown}{f' … and {more} more' if more > 0 else ''}"


def _table(one: TableChange) -> str:
    parts = []
    for word, names in (("new", one.added), ("gone", one.removed)):
        if names:
            shown = ", ".join(f"`{name}`" for name in names[:_MOST])
            parts.append(f"{word} {shown}{' …' if len(names) > _MOST else ''}")
    parts += [f"`{c.name}` {c.before} → {c.after}" for c in one.retyped]
    return f"- `{one.table}`: {'; '.join(parts)}"


def _again(diff: AtlasDiff) -> Iterator[str]:
    redone = [f"`{one.dataset_id}`" for one in diff.changed if one.redone and not one.status]
    versions = {one.name for one in diff.versions}
    if redone:
        shown = ", ".join(redone[:_MOST]) + (" …" if len(redone) > _MOST else "")
        yield f"- What was computed from {_many(len(redone), 'dataset')} done again: {shown}."
    if redone and "schema_version" in versions and diff.tolerance is None:
        yield (
            "- Files of another schema version are others even where no value differs: "
            "`sicmir-atlas diff --tolerance` tells which do."
        )
    lost = [one for one in diff.changed if one.status and one.status.before == "included"]
    if lost or diff.removed:
        yield "- What used the datasets that went or are no longer included."
    if diff.labels:
        yield "- Selections and averages by `cell_type` or `lineage` that the labels above concern."
    if any(one.removed or one.retyped for one in diff.schema):
        yield "- Queries that name a column that went or has another type."
    if diff.added:
        yield "- Rankings and counts over all datasets: there are more of them."


def _compared(diff: AtlasDiff) -> Iterator[str]:
    if not diff.predictions:
        return
    yield f"Within {diff.tolerance:g}, by key; float16 values may differ by one step of the type."
    yield ""
    yield "| dataset | table | rows | only before | only after | largest difference | within |"
    yield "|---|---|---:|---:|---:|---:|---|"
    for one in diff.predictions:
        where = f" ({one.column})" if one.column else ""
        said = "yes" if one.within else "**no**"
        yield (
            f"| `{one.dataset_id}` | {one.table} | {one.n_rows:,} | {one.n_only_before:,} "
            f"| {one.n_only_after:,} | {one.largest:.3g}{where} | {said} |"
        )


def _shortened(lines: list[str]) -> list[str]:
    rest = len(lines) - _MOST
    return [*lines[:_MOST], f"- … and {rest} more"] if rest > 0 else lines


def _many(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def _change(one: Change) -> str:
    return f"- {one.name}: {_pair(one)}"


def _pair(one: Change) -> str:
    return f"{_value(one.before)} → {_value(one.after)}"


def _value(value: object) -> str:
    if value is None:
        return "none"
    counted = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:,}" if counted else _text(str(value))


def _text(text: str | None) -> str:
    """Text of a study as Markdown that shows it as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", " ".join((text or "").split()))
