"""What a samplesheet row says of each cell: a value for all, or the column that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd

from sicmir_atlas.assays import assay_kind
from sicmir_atlas.errors import ExcludedDataset, InputError
from sicmir_atlas.harmonise.mapping import UNKNOWN, Field
from sicmir_atlas.harmonise.overrides import Overrides
from sicmir_atlas.harmonise.rollup import disease_category_of, lineage_of, organ_of
from sicmir_atlas.harmonise.rules import map_given, map_label
from sicmir_atlas.prepare.organism import require_human_organisms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


def cell_labels(
    dataset: Mapping[str, Any],
    cells: pd.DataFrame,
    *,
    overrides: Sequence[Mapping[str, Any]] = (),
) -> pd.DataFrame:
    """Label every cell: the study's own words, and the terms they map to.

    Where ``obs:KEY`` is named and the cells also have ``KEY_ontology_term_id``, as the schema of
    CELLxGENE asks, these terms are taken as they are (sources spec, section 2.2). The tissue comes
    first, since a label such as ``alpha`` says one thing in the pancreas and nothing elsewhere.

    Parameters
    ----------
    overrides
        Decisions of curators beside the package's, see :mod:`.harmonise.overrides`.

    Returns
    -------
    Categorical and boolean columns of table ``cells``, from ``sample_id`` to ``is_primary_data``,
    and ``curator`` and ``curated_on``; one row per row of ``cells``.

    Raises
    ------
    InputError
        If the row names a column that the cells do not have, or cell types are numbers.
    """
    decided = Overrides(overrides, dataset_id=dataset["dataset_id"])
    out: dict[str, pd.Series[Any]] = {
        "sample_id": _values(dataset, "sample", cells),
        "donor_id": _values(dataset, "donor", cells),
        "organ": _no_value(len(cells)),
    }
    for field in sorted(get_args(Field), key=lambda field: field == "cell_type"):
        if field in _AS_THEY_ARE:
            key, labels = field, _standard_column(field, cells)
        else:
            key, labels = _key(dataset, field), _values(dataset, field, cells)
        organs = out["organ"] if field == "cell_type" else _no_value(len(cells))
        ids = _standard_column(f"{key}_ontology_term_id", cells)
        places, known = _together(labels, ids, organs)
        mapped = [
            map_given(field, label, term_id, organ=organ, overrides=decided)
            for label, term_id, organ in known
        ]
        terms = [m.term_id for m in mapped]
        out[f"{field}_ontology_term_id"] = _rename(places, terms)
        if field == "cell_type":
            _require_words(dataset, labels)
            methods = _rename(places, [m.method for m in mapped])
            out["cell_type_original"] = labels
            out["cell_type"] = _rename(places, [m.label or UNKNOWN for m in mapped])
            out["lineage"] = _rename(places, [t and lineage_of(t) for t in terms])
            out["mapping_method"] = _filled(methods, "unlabelled")
            out["curator"] = _rename(places, [m.curator for m in mapped])
            out["curated_on"] = _rename(places, [m.curated_on for m in mapped])
        else:
            named = zip(mapped, known, strict=True)
            out[field] = _rename(places, [m.label or label for m, (label, *_) in named])
        if field == "tissue":
            out["organ"] = _rename(places, [t and organ_of(t) for t in terms])
        if field == "disease":
            out["disease_category"] = _rename(places, [t and disease_category_of(t) for t in terms])
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


def _together(
    *columns: pd.Series[Any],
) -> tuple[pd.Series[Any], list[tuple[str | None, ...]]]:
    """Take columns together: a category for each combination that occurs, and the combinations.

    A cell without label and without term has no category.
    """
    codes = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        codes = codes * (len(column.cat.categories) + 1) + column.cat.codes.to_numpy() + 1
    _, first, places = np.unique(codes, return_index=True, return_inverse=True)
    known = list(zip(*(_values_at(column, first) for column in columns), strict=True))
    empty = np.array([one[:2] == (None, None) for one in known], bool)
    places = np.where(empty[places], -1, places)
    return pd.Series(pd.Categorical.from_codes(places, categories=range(len(known)))), known


def _values_at(column: pd.Series[Any], rows: NDArray[np.intp]) -> list[str | None]:
    names = [*column.cat.categories, None]
    return [names[code] for code in column.cat.codes.to_numpy()[rows]]


def _no_value(n_cells: int) -> pd.Series[Any]:
    return pd.Series(pd.Categorical.from_codes(np.full(n_cells, -1), categories=[]))


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
