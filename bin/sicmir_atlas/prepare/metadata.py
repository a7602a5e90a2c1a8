"""What a samplesheet row says of each cell: a value for all, or the column that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd

from sicmir_atlas.assays import assay_kind
from sicmir_atlas.errors import ExcludedDataset, InputError
from sicmir_atlas.harmonise.mapping import UNKNOWN, Field
from sicmir_atlas.harmonise.rollup import lineage_of
from sicmir_atlas.harmonise.rules import map_given, map_label
from sicmir_atlas.prepare.organism import require_human_organisms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["cell_labels", "require_human", "require_labels", "require_metadata", "row_filter"]

_OBS = "obs:"
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
    """Refuse a dataset whose tissue or disease is not given, or whose assay counts no UMIs."""
    lacking = [name for name in ("tissue", "disease") if not dataset.get(name)]
    if lacking:
        figure = f"{' and '.join(lacking)} not given; both are asked"
        raise ExcludedDataset("metadata", figure)
    assay = dataset.get("assay")
    if assay and not assay.startswith(_OBS):
        kind = assay_kind(map_label("assay", assay).term_id or "")
        if kind == "reads":
            raise ExcludedDataset("umi", f"{assay} counts reads; UMI-based assays are included")
        if kind == "spatial":
            raise ExcludedDataset("spatial", f"{assay} counts spots of tissue, not cells")


def require_labels(labels: pd.DataFrame) -> None:
    """Refuse a dataset whose columns leave tissue or disease empty.

    Parameters
    ----------
    labels
        What :func:`cell_labels` gives, of the cells that are wanted.
    """
    lacking = [n for n in ("tissue", "disease") if labels[f"{n}_original"].isna().all()]
    if lacking and len(labels):  # of no cell at all, the rule min_cells speaks
        raise ExcludedDataset("metadata", f"{' and '.join(lacking)} not given for any cell")


def cell_labels(dataset: Mapping[str, Any], cells: pd.DataFrame) -> pd.DataFrame:
    """Label every cell: the study's own words, and the terms they map to.

    Where ``obs:KEY`` is named and the cells also have ``KEY_ontology_term_id``, as the schema of
    CELLxGENE asks, these terms are taken as they are (sources spec, section 2.2).

    Returns
    -------
    Categorical and boolean columns of table ``cells``, from ``sample_id`` to ``is_primary_data``,
    one row per row of ``cells``.

    Raises
    ------
    InputError
        If the row names a column that the cells do not have, or cell types are numbers.
    """
    out: dict[str, pd.Series[Any]] = {
        "sample_id": _values(dataset, "sample", cells),
        "donor_id": _values(dataset, "donor", cells),
    }
    for field in get_args(Field):
        if field in _AS_THEY_ARE:
            key, labels = field, _standard_column(field, cells)
        else:
            key, labels = _key(dataset, field), _values(dataset, field, cells)
        pairs, known = _paired(labels, _standard_column(f"{key}_ontology_term_id", cells))
        mapped = [map_given(field, label, term_id) for label, term_id in known]
        terms = [m.term_id for m in mapped]
        out[f"{field}_ontology_term_id"] = _rename(pairs, terms)
        if field == "cell_type":
            _require_words(dataset, labels)
            methods = _rename(pairs, [m.method for m in mapped])
            out["cell_type_original"] = labels
            out["cell_type"] = _rename(pairs, [m.label or UNKNOWN for m in mapped])
            out["lineage"] = _rename(pairs, [t and lineage_of(t) for t in terms])
            out["mapping_method"] = _filled(methods, "unlabelled")
        else:
            named = zip(mapped, known, strict=True)
            out[field] = _rename(pairs, [m.label or label for m, (label, _) in named])
        if field in ("tissue", "disease"):
            out[f"{field}_original"] = labels
    for field in ("cell_type", "tissue", "disease"):
        out[field] = _filled(out[field], UNKNOWN)
    out["suspension_type"] = _standard_column("suspension_type", cells)
    primary = _standard_column("is_primary_data", cells).astype(object)
    out["is_primary_data"] = primary.str.lower().map(_BOOLEANS).astype("boolean")
    return pd.DataFrame(out)


def _key(dataset: Mapping[str, Any], field: str) -> str:
    given = dataset.get(field) or ""
    return given.removeprefix(_OBS) if given.startswith(_OBS) else ""


def _paired(
    labels: pd.Series[Any], ids: pd.Series[Any]
) -> tuple[pd.Series[Any], list[tuple[str | None, str | None]]]:
    """Pair labels with term ids: a category for each pair that occurs, and the pairs."""
    names, terms = [None, *labels.cat.categories], [None, *ids.cat.categories]
    codes = (labels.cat.codes.to_numpy(np.int64) + 1) * len(terms) + ids.cat.codes.to_numpy() + 1
    values, places = np.unique(codes, return_inverse=True)
    pairs = [(names[value // len(terms)], terms[value % len(terms)]) for value in values]
    empty = np.array([pair == (None, None) for pair in pairs], bool)
    places = np.where(empty[places], -1, places)
    categories = pd.Categorical.from_codes(places, categories=range(len(pairs)))
    return pd.Series(categories), pairs


def _require_words(dataset: Mapping[str, Any], labels: pd.Series[Any]) -> None:
    """Refuse numbers for cell types: they are clusters."""
    numbers = pd.to_numeric(pd.Series(labels.cat.categories, dtype=object), errors="coerce")
    if len(numbers) and numbers.notna().all():
        msg = (
            f"{dataset['dataset_id']}: column cell_type names {dataset['cell_type']}, which holds "
            f"numbers ({', '.join(labels.cat.categories[:3])}): clusters are no cell types; name a "
            "column of labels, or leave cell_type empty"
        )
        raise InputError(msg)


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
