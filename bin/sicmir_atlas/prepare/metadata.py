"""What a samplesheet row says of each cell: a value for all, or the column that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd

from sicmir_atlas.errors import ExcludedDataset, InputError
from sicmir_atlas.prepare.ontology import UNKNOWN, Field, lineage_of, map_label
from sicmir_atlas.prepare.organism import require_human_organisms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["cell_labels", "require_human", "require_labels", "require_metadata", "row_filter"]

_OBS = "obs:"
_NO_UMI = {"EFO:0008930", "EFO:0008931", "EFO:0700016"}
_BOOLEANS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
_AS_THEY_ARE = ("sex", "development_stage", "suspension_type")


def row_filter(dataset: Mapping[str, Any], cells: pd.DataFrame) -> NDArray[np.bool_]:
    """Cells that the row's ``filter`` keeps (``obs:KEY=value|value``); all without one."""
    rule = dataset.get("filter")
    if not rule:
        return np.ones(len(cells), bool)
    key, _, values = rule.removeprefix(_OBS).partition("=")
    column = _obs_column(dataset, "filter", key, cells)
    kept: NDArray[np.bool_] = column.isin(values.split("|")).to_numpy(bool)
    if not kept.any():
        seen = ", ".join(sorted(column.dropna().unique())[:5])
        msg = f"{dataset['dataset_id']}: filter {rule!r} keeps no cell; {key} holds: {seen}"
        raise InputError(msg)
    return kept


def require_human(dataset: Mapping[str, Any], cells: pd.DataFrame) -> None:
    """Refuse a dataset whose cells are not all human, or for which nobody names the organism."""
    require_human_organisms(
        _values(dataset, "organism", cells).cat.categories.tolist() or ["not given"]
    )


def require_metadata(dataset: Mapping[str, Any]) -> None:
    """Refuse a dataset whose tissue or disease state is not given, or whose assay counts reads."""
    lacking = [name for name in ("tissue", "disease") if not dataset.get(name)]
    if lacking:
        figure = f"{' and '.join(lacking)} not given; both are asked"
        raise ExcludedDataset("metadata", figure)
    assay = dataset.get("assay")
    if assay and not assay.startswith(_OBS) and map_label("assay", assay).term_id in _NO_UMI:
        raise ExcludedDataset("umi", f"{assay} counts reads; UMI-based assays are included")


def require_labels(labels: pd.DataFrame) -> None:
    """Refuse a dataset whose columns leave tissue or disease empty, or name assays without UMIs.

    Parameters
    ----------
    labels
        What :func:`cell_labels` gives, of the cells that the row's filter keeps.
    """
    lacking = [n for n in ("tissue", "disease") if labels[f"{n}_original"].isna().all()]
    if lacking and len(labels):  # of no cell at all, the rule min_cells speaks
        raise ExcludedDataset("metadata", f"{' and '.join(lacking)} not given for any cell")
    reads = labels["assay_ontology_term_id"].isin(_NO_UMI)
    if reads.any():
        assays = ", ".join(sorted(labels.loc[reads, "assay"].unique()))
        figure = (
            f"{reads.sum():,} of {len(labels):,} cells are of {assays}, which counts reads; "
            "keep the others with `filter`"
        )
        raise ExcludedDataset("umi", figure)


def cell_labels(dataset: Mapping[str, Any], cells: pd.DataFrame) -> pd.DataFrame:
    """Label every cell: the study's own words, and the terms they map to.

    Returns
    -------
    Categorical and boolean columns of table ``cells``, from ``sample_id`` to ``is_primary_data``,
    one row per row of ``cells``.

    Raises
    ------
    InputError
        If the row names a column that the cells do not have.
    """
    out: dict[str, pd.Series[Any]] = {
        "sample_id": _values(dataset, "sample", cells),
        "donor_id": _values(dataset, "donor", cells),
    }
    given: dict[Field, pd.Series[Any]] = {}
    for field in get_args(Field):
        if field in _AS_THEY_ARE:
            given[field] = _standard_column(field, cells)
        else:
            given[field] = _values(dataset, field, cells)
    for field, labels in given.items():
        mapped = {label: map_label(field, label) for label in labels.cat.categories}
        out[f"{field}_ontology_term_id"] = _rename(labels, [m.term_id for m in mapped.values()])
        if field == "cell_type":
            terms = [m.term_id for m in mapped.values()]
            methods = _rename(labels, [m.method for m in mapped.values()])
            out["cell_type_original"] = labels
            out["cell_type"] = _rename(labels, [m.label or UNKNOWN for m in mapped.values()])
            out["lineage"] = _rename(labels, [t and lineage_of(t) for t in terms])
            out["mapping_method"] = _filled(methods, "unlabelled")
        else:
            out[field] = _rename(labels, [m.label or label for label, m in mapped.items()])
        if field in ("tissue", "disease"):
            out[f"{field}_original"] = labels
    for field in ("cell_type", "tissue", "disease"):
        out[field] = _filled(out[field], UNKNOWN)
    out["suspension_type"] = _standard_column("suspension_type", cells)
    primary = _standard_column("is_primary_data", cells).astype(object)
    out["is_primary_data"] = primary.str.lower().map(_BOOLEANS).astype("boolean")
    return pd.DataFrame(out)


def _values(dataset: Mapping[str, Any], field: str, cells: pd.DataFrame) -> pd.Series[Any]:
    given = dataset.get(field)
    if given and given.startswith(_OBS):
        return _obs_column(dataset, field, given.removeprefix(_OBS), cells)
    categories = [given] if given else []
    codes = np.full(len(cells), 0 if given else -1)
    return pd.Series(pd.Categorical.from_codes(codes, categories=categories))


def _obs_column(
    dataset: Mapping[str, Any], field: str, key: str, cells: pd.DataFrame
) -> pd.Series[Any]:
    if key not in cells:
        msg = (
            f"{dataset['dataset_id']}: column {field} names obs:{key}, which the cells lack; "
            f"they have: {', '.join(map(str, cells.columns)) or 'no columns'}"
        )
        raise InputError(msg)
    return _categorical(cells[key])


def _standard_column(name: str, cells: pd.DataFrame) -> pd.Series[Any]:
    return _categorical(cells[name] if name in cells else pd.Series(pd.NA, index=cells.index))


def _categorical(column: pd.Series[Any]) -> pd.Series[Any]:
    values = column.astype("category").cat.remove_unused_categories().reset_index(drop=True)
    text = [str(c).strip() for c in values.cat.categories]
    return _rename(values, [t or None for t in text])


def _rename(labels: pd.Series[Any], names: list[str | None]) -> pd.Series[Any]:
    """Give each category the name at its place; equal names become one, None becomes null."""
    categories = sorted({n for n in names if n is not None})
    position = {n: i for i, n in enumerate(categories)}
    table = np.array([-1 if n is None else position[n] for n in names] + [-1])
    codes = table[labels.cat.codes.to_numpy()]
    return pd.Series(pd.Categorical.from_codes(codes, categories=categories))


def _filled(labels: pd.Series[Any], name: str) -> pd.Series[Any]:
    if not labels.isna().any():
        return labels
    if name not in labels.cat.categories:
        labels = labels.cat.add_categories([name])
    return labels.fillna(name)
