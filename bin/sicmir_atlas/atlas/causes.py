"""Why a dataset is another than in the atlas before, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sicmir_atlas.atlas.differences import Change

__all__ = ["causes_of"]

_OF_ITSELF = {
    "sha256": "the source's files are others",
    "version": "source version {before} → {after}",
    "qc_profile": "QC profile {before} → {after}",
    "balance": "weights of pools {before} → {after}",
    "labels": "labels of {before} → {after}",
}
_OF_THE_BUILD = {
    "model_id": "model {before} → {after}",
    "processing_version": "processing {before} → {after}",
    "schema_version": "schema {before} → {after}",
    "pipeline_version": "pipeline {before} → {after}",
}
_UNRECORDED = "its row of the samplesheet, or the machine that computed it (see --tolerance)"


def causes_of(
    columns: Sequence[Change],
    redone: Sequence[str],
    *,
    versions: Sequence[Change],
    parameters: Sequence[Change],
    n_labels: int,
) -> tuple[str, ...]:
    """Causes of a dataset's change, those of its own first.

    Parameters
    ----------
    columns
        Columns of its row in ``datasets`` that differ.
    redone
        Tables of which it has another file.
    versions, parameters
        What differs between the builds.
    n_labels
        Labels of it that map to other cell types now.
    """
    found = list(_said(columns, _OF_ITSELF))
    if n_labels:
        found.append(f"{n_labels} label{'s map' if n_labels > 1 else ' maps'} to other cell types")
    if redone:
        found += _said(versions, _OF_THE_BUILD)
        said = {change.name for change in columns}
        rest = [one for one in parameters if one.name not in said]
        found += [f"{one.name} {_value(one.before)} → {_value(one.after)}" for one in rest]
        if not found:
            found.append(_UNRECORDED)
    return tuple(found)


def _said(changes: Sequence[Change], words: dict[str, str]) -> Iterator[str]:
    known = {change.name: change for change in changes}
    for name, text in words.items():
        if name in known:
            one = known[name]
            yield text.format(before=_value(one.before), after=_value(one.after))


def _value(value: object) -> object:
    return "none" if value is None else value
