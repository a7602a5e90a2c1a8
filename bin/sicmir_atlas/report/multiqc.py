"""An atlas's figures as MultiQC reads them: files of its custom content, one a section."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from sicmir_atlas.disk import written_whole
from sicmir_atlas.errors import InputError
from sicmir_atlas.report.losses import BEFORE_QC, QC

if TYPE_CHECKING:
    from pathlib import Path

    from sicmir_atlas.report.contents import Contents, Row

__all__ = ["multiqc_sections", "require_name", "write_multiqc"]

_ENDING = "_mqc.json"
_PARENT = {
    "parent_id": "sicmir_atlas",
    "parent_name": "SiCmiR atlas",
    "parent_description": "Mature-miRNA activity predicted from single-cell mRNA.",
}
_COUNT = {"format": "{:,.0f}", "min": 0}
_SHARE = {"suffix": "%", "format": "{:,.1f}", "min": 0, "max": 100}
_GENERAL: dict[str, dict[str, Any]] = {
    "n_cells_qc": {"title": "Cells", "description": "Cells that passed QC", **_COUNT},
    "kept": {"title": "Kept", "description": "Called cells that passed QC", **_SHARE},
    "n_cell_types": {"title": "Types", "description": "Labels of cell types", **_COUNT},
    "mapped": {"title": "Mapped", "description": "Kept cells with a cell type's term", **_SHARE},
    "n_landmarks": {
        **_COUNT,
        "title": "Landmarks",
        "description": "Landmark genes found, of 977",
        "max": 977,
    },
    "n_pools": {"title": "Pools", "description": "Pools predicted", **_COUNT},
}
_STATUS: dict[str, dict[str, Any]] = {
    "status": {"title": "Status", "description": "How the dataset left the line"},
    "reason": {"title": "Reason", "description": "Rule of an exclusion, or a failure's error"},
    "organ": {"title": "Organ", "description": "Organ of the tissues"},
}


def write_multiqc(contents: Contents, path: Path) -> list[Path]:
    """Write the sections: one at ``path``, the others beside it.

    Returns
    -------
    ``<name>_mqc.json`` (status), ``<name>_cells_mqc.json`` and ``<name>_general_mqc.json``;
    those for which there is no figure are left out.

    Raises
    ------
    InputError
        If the name does not end as MultiQC asks.
    """
    require_name(path)
    stem = path.name.removesuffix(_ENDING)
    made = []
    for name, section in multiqc_sections(contents).items():
        target = path.with_name(f"{stem}{name}{_ENDING}")
        with written_whole(target) as part:
            text = json.dumps(section, indent=1, ensure_ascii=False)
            part.write_text(text + "\n", encoding="utf-8")
        made.append(target)
    return made


def require_name(path: Path) -> None:
    """Refuse a name that MultiQC would pass over.

    Raises
    ------
    InputError
        If it does not end with ``_mqc.json``.
    """
    if not path.name.endswith(_ENDING):
        msg = f"{path}: MultiQC only reads files whose name ends with {_ENDING}"
        raise InputError(msg)


def multiqc_sections(contents: Contents) -> dict[str, dict[str, Any]]:
    """Content of each file, by what is added to its name; a dataset is a sample."""
    rules = {rule: label for rule, label in (BEFORE_QC | QC).items() if contents.lost[rule]}
    sections = {
        "": {
            "id": "sicmir_atlas_status",
            **_PARENT,
            "section_name": "Status",
            "description": "Every dataset, and why it was left out.",
            "plot_type": "table",
            "pconfig": {
                "id": "sicmir_atlas_status_table",
                "title": "SiCmiR atlas: status",
                "col1_header": "Dataset",
                "no_violin": True,
                "sort_rows": False,
            },
            "headers": _STATUS,
            "data": {row["dataset_id"]: _texts(row) for row in contents.datasets},
        },
        "_cells": {
            "id": "sicmir_atlas_cells",
            **_PARENT,
            "section_name": "Cells",
            "description": "Cells kept, and cells lost to each rule.",
            "plot_type": "bargraph",
            "pconfig": {
                "id": "sicmir_atlas_cells_plot",
                "title": "SiCmiR atlas: cells by rule",
                "ylab": "cells",
            },
            "categories": {"kept": {"name": "kept"}, **{r: {"name": n} for r, n in rules.items()}},
            "data": {
                row["dataset_id"]: {"kept": row["n_cells_qc"], **row["lost"]}
                for row in contents.included
                if row["n_cells_qc"] is not None
            },
        },
        "_general": {
            "id": "sicmir_atlas_general",
            "plot_type": "generalstats",
            "headers": {name: {**about, "scale": False} for name, about in _GENERAL.items()},
            "data": {row["dataset_id"]: _figures(row) for row in contents.included},
        },
    }
    return {name: section for name, section in sections.items() if section["data"]}


def _texts(row: Row) -> dict[str, str]:
    # MultiQC writes the text of a table as it is
    return {name: escape(row[name]) for name in _STATUS if row[name]}


def _figures(row: Row) -> dict[str, float]:
    shares = {
        "kept": row["kept_share"],
        "mapped": row["mapped_share"],
    }
    known = {name: row[name] for name in _GENERAL if name in row}
    known |= {name: round(100 * share, 2) for name, share in shares.items() if share is not None}
    return {name: known[name] for name in _GENERAL if known.get(name) is not None}
