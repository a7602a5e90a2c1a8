"""`sicmir-atlas diff`: what differs between two atlases, for a terminal, readers or programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sicmir_atlas.atlas.differences import AtlasDiff

__all__ = ["diff"]


def diff(
    before: Path,
    after: Path,
    /,
    *,
    format: Literal["text", "markdown", "json"] = "text",  # noqa: A002  the option's name
    tolerance: float | None = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    exit_code: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Say what differs between two atlases: datasets and why, labels, terms, files, tables.

    Large files are compared by their checksums. Checksums repeat on one type of machine with one
    lock; compare atlases of several machines, or of several versions, with a tolerance.

    Parameters
    ----------
    before
        Atlas folder.
    after
        Atlas folder; the differences are said from `before` to this one.
    format
        text for a terminal; markdown is a release note for those who use the atlas; json is all.
    tolerance
        Open the large tables and compare their values row by row; numbers may differ by so much.
    output
        File for the answer.
    exit_code
        Exit with 1 where anything differs (beyond the tolerance, where one is given).
    """
    from sicmir_atlas.atlas.diff import diff_atlases
    from sicmir_atlas.disk import written_whole
    from sicmir_atlas.errors import InputError

    if tolerance is not None and not tolerance >= 0:
        msg = f"--tolerance {tolerance}: a difference that is allowed is 0 or more, such as 1e-3"
        raise InputError(msg)
    found = diff_atlases(before, after, tolerance=tolerance)
    text = _as(found, format)
    if output is None:
        sys.stdout.write(text)
    else:
        with written_whole(output) as part:
            part.write_text(text, encoding="utf-8")
    if exit_code and found.different:
        sys.exit(1)


def _as(found: AtlasDiff, kind: Literal["text", "markdown", "json"]) -> str:
    if kind == "json":
        return json.dumps(found.as_json(), indent=1, ensure_ascii=False) + "\n"
    if kind == "markdown":
        from sicmir_atlas.atlas.release_note import release_note

        return release_note(found)
    return "".join(f"{line}\n" for line in _lines(found))


def _lines(found: AtlasDiff) -> Iterator[str]:
    for change in (*found.versions, *found.parameters):
        yield f"{change.name}: {change.before} → {change.after}"
    for sign, notes in (("+", found.added), ("-", found.removed)):
        for note in notes:
            cells = f", {note.n_cells_qc} cells" if note.n_cells_qc else ""
            yield f"{sign} {note.dataset_id}: {note.status}{cells}"
    for one in found.changed:
        parts = [f"{c.name} {c.before} → {c.after}" for c in one.columns]
        parts += [f"redone: {', '.join(one.redone)}"] if one.redone else []
        parts += [f"because: {', '.join(one.causes)}"] if one.causes else []
        yield f"~ {one.dataset_id}: {'; '.join(parts)}"
    for label in found.labels:
        terms = " → ".join(term or "unknown" for term in (label.before, label.after))
        yield f"label {label.dataset_id}: {label.cell_type_original!r} {terms}"
    for term in found.terms:
        signed = [*(f"+ {value}" for value in term.new), *(f"- {value}" for value in term.gone)]
        yield f"{term.kind}: {', '.join(signed)}"
    for table in found.schema:
        signed = [*(f"+ {name}" for name in table.added), *(f"- {name}" for name in table.removed)]
        signed += [f"{c.name} {c.before} → {c.after}" for c in table.retyped]
        yield f"table {table.table}: {', '.join(signed)}"
    for values in found.predictions or ():
        said = "within" if values.within else "NOT within"
        alone = values.n_only_before + values.n_only_after
        parts = [f"largest difference {values.largest:.3g} {values.column or ''}".rstrip()]
        parts += [f"{alone} rows on one side only"] if alone else []
        parts += [f"others: {', '.join(values.columns)}"] if values.columns else []
        yield f"{said} {found.tolerance:g}: {values.dataset_id} {values.table}, {', '.join(parts)}"
    counts = (f"{c.files} {name} ({c.bytes / 1e6:.1f} MB)" for name, c in found.files.items())
    yield f"datasets: {found.n_same} the same; files: {', '.join(counts)}"
    yield "different" if found.different else "no difference"
