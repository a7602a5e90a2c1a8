"""What each label of a study was taken for: a dataset's rows of table ``harmonisation``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["label_table"]

_KEY = ["cell_type_original", "tissue"]
_MAPPED = [
    "organ",
    "cell_type",
    "cell_type_ontology_term_id",
    "lineage",
    "mapping_method",
    "curator",
    "curated_on",
]


def label_table(cells: pd.DataFrame) -> pd.DataFrame:
    """Count the cells of every label in every tissue, with the term that it maps to.

    Where a study gives one label several terms, the term of most cells stands for it.

    Parameters
    ----------
    cells
        Kept cells, as PREPARE leaves them.

    Returns
    -------
    Columns of table ``harmonisation`` but ``dataset_id``, ordered by label and tissue.
    """
    rows = cells[[*_KEY, *_MAPPED]].astype(object)
    rows["cell_type_original"] = rows["cell_type_original"].fillna("unlabelled")
    counted = rows.groupby([*_KEY, *_MAPPED], dropna=False, sort=True).size()
    counted = counted.rename("n_here").reset_index()
    counted["n_cells"] = counted.groupby(_KEY)["n_here"].transform("sum")
    counted = counted.sort_values([*_KEY, "n_here"], ascending=[True, True, False], kind="stable")
    return counted.drop_duplicates(_KEY).drop(columns="n_here").reset_index(drop=True)
