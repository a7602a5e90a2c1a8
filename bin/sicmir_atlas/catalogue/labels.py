"""Cell-type labels of the datasets of a samplesheet, from an atlas or from local files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from sicmir_atlas.errors import ExcludedDataset, SicmirError
from sicmir_atlas.harmonise.queue import StudyLabel
from sicmir_atlas.harmonise.rollup import organ_of
from sicmir_atlas.sources.files import local_path, scheme_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sicmir_atlas.atlas.query import Atlas

__all__ = ["StudyLabels", "study_labels"]

_LABELS = """
SELECT dataset_id, organ, cell_type_original AS label, mapping_method, sum(n_cells) AS n_cells
FROM harmonisation GROUP BY ALL
"""
_STATUS = "SELECT dataset_id, status, reason, labels FROM datasets"
_NOT_FREE = {"given_id", "unlabelled"}
_CLUSTERS = "the study names no cell types; its clusters are not asked for"
_NAMELESS = "names no cell types: give column cell_type"
_REMOTE = "not looked at: give --atlas, or run it first"


class StudyLabels(NamedTuple):
    """Labels that stand beside no term, and by dataset what a person should know instead."""

    labels: list[StudyLabel]
    notes: dict[str, str]


def study_labels(
    rows: Sequence[Mapping[str, Any]],
    *,
    atlas: Atlas | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> StudyLabels:
    """Gather the cell-type labels of every dataset of a samplesheet.

    Parameters
    ----------
    rows
        Checked rows of the samplesheet.
    atlas
        Asked first: it knows the cells that passed QC. Of a row that names a collection it knows
        every dataset. Other rows are read from their own local files, all cells that the row's
        filter keeps; the matrix is not read.
    progress
        Called with the name of each dataset whose files are opened.
    """
    gathered = StudyLabels([], {})
    known = _of_atlas(atlas, {str(row["dataset_id"]) for row in rows}) if atlas else {}
    for row in rows:
        name = str(row["dataset_id"])
        if name in known:
            gathered.labels.extend(known[name].labels)
            gathered.notes.update(known[name].notes)
            continue
        paths = _local_paths(row)
        if not paths:
            gathered.notes[name] = _REMOTE
            continue
        progress(name)
        try:
            counted = _of_files(row, paths)
        except (SicmirError, ExcludedDataset) as error:
            gathered.notes[name] = f"not looked at: {error}"
            continue
        gathered.labels.extend(_as_labels(name, counted))
        if set(counted["mapping_method"]) == {"unlabelled"}:
            gathered.notes[name] = _NAMELESS
    return gathered


def _of_atlas(atlas: Atlas, names: set[str]) -> dict[str, StudyLabels]:
    """Labels and notes of each row that came to datasets; a collection's are called ROW.SUFFIX."""
    counted = dict(list(atlas.sql(_LABELS).groupby("dataset_id")))
    known: dict[str, StudyLabels] = {}
    for dataset in atlas.sql(_STATUS).itertuples():
        row = _row_of(dataset.dataset_id, names)
        if row is None or dataset.status == "failed":
            continue
        of_row = known.setdefault(row, StudyLabels([], {}))
        if dataset.status == "excluded":
            of_row.notes[dataset.dataset_id] = f"excluded: {dataset.reason}"
        elif dataset.labels == "clusters":
            of_row.notes[dataset.dataset_id] = _CLUSTERS
        elif dataset.labels == "none":
            of_row.notes[dataset.dataset_id] = _NAMELESS
        else:
            of_row.labels.extend(_as_labels(dataset.dataset_id, counted[dataset.dataset_id]))
    return known


def _row_of(dataset_id: str, names: set[str]) -> str | None:
    while dataset_id not in names:
        dataset_id, dot, _ = dataset_id.rpartition(".")
        if not dot:
            return None
    return dataset_id


def _local_paths(row: Mapping[str, Any]) -> list[Path]:
    """Files of a row that lie on this machine; none where any lies elsewhere."""
    urls = [part.strip() for part in (row.get("url") or "").split("|")]
    if row["source"] != "file" or any(scheme_of(url) != "file" for url in urls):
        return []
    return [local_path(url) for url in urls]


def _of_files(row: Mapping[str, Any], paths: Sequence[Path]) -> pd.DataFrame:
    """Count the cells of each label, organ and rule."""
    from sicmir_atlas.prepare import metadata
    from sicmir_atlas.readers import open_counts

    with open_counts(
        paths,
        format=row.get("format") or "auto",
        layer=row.get("counts_layer"),
        gene_symbols=row.get("gene_symbols"),
    ) as matrix:
        metadata.require_human(row, matrix.cells)
        kept = metadata.row_filter(row, matrix.cells)
        cells = metadata.cell_labels(row, matrix.cells)[kept]
    cells = pd.DataFrame(
        {
            "organ": cells["tissue_ontology_term_id"].map(organ_of, na_action="ignore"),
            "label": cells["cell_type_original"],
            "mapping_method": cells["mapping_method"],
        }
    ).astype(object)
    return cells.groupby(list(cells), dropna=False).size().rename("n_cells").reset_index()


def _as_labels(dataset_id: str, table: pd.DataFrame) -> list[StudyLabel]:
    total = table["n_cells"].sum()
    free = table[~table["mapping_method"].isin(_NOT_FREE)]
    counted = free.groupby(["organ", "label"], dropna=False, sort=False)["n_cells"].sum()
    return [
        StudyLabel(dataset_id, None if pd.isna(organ) else organ, label, int(n), float(n / total))
        for (organ, label), n in counted.items()
    ]
