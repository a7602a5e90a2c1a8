"""`sicmir-atlas summary`: what an atlas holds, at a glance."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sicmir_atlas.atlas.query import Atlas

__all__ = ["summary"]

_STATUS = """
SELECT dataset_id, status, n_barcodes, n_cells_raw, n_cells_qc, n_cell_types, n_pools,
       coalesce(reason, '') AS reason
FROM datasets ORDER BY status = 'included' DESC, status, dataset_id
"""
# an earlier minor version of the schema lacks some of these
_FLAGS = """
SELECT COLUMNS('^(dataset_id|n_landmarks|is_short_of_landmarks|domain_distance|is_far)$')
FROM datasets ORDER BY dataset_id
"""
_TOP = """
WITH ranked AS (
    SELECT cell_type, mirna, avg(rank_over_types) AS over_types, avg(rank_in_type) AS in_type,
           any_value(reliability) AS reliability, count(DISTINCT dataset_id) AS n_datasets
    FROM cell_type_mirna JOIN mirnas USING (mirna)
    WHERE cell_type <> 'unknown' AND is_trained
    GROUP BY ALL
), best AS (
    SELECT *, row_number() OVER (
        PARTITION BY cell_type ORDER BY over_types, in_type, mirna
    ) AS place
    FROM ranked
)
SELECT cell_type, max(n_datasets) AS datasets,
       string_agg(
           mirna || coalesce(' (' || round(reliability, 2) || ')', ''), ', ' ORDER BY place
       ) AS top_mirnas
FROM best WHERE place <= ? GROUP BY cell_type ORDER BY cell_type
"""


def summary(atlas: str, /, *, top: int = 3) -> None:
    """Print the status of every dataset and the top miRNAs of each cell type.

    A cell type's top miRNAs are those that rank first in it against the dataset's other types, on
    average over datasets, and then highest among all miRNAs of the type; in brackets how far the
    model can be trusted on the miRNA (PCC on held-out bulk samples). Datasets far from the
    training data, or short of landmarks, are named with the figure.

    Parameters
    ----------
    atlas
        Atlas folder, or its http(s) address.
    top
        MiRNAs shown per cell type.
    """
    from sicmir_atlas.cli._open import opened_atlas
    from sicmir_atlas.cli._table import as_text

    with opened_atlas(atlas) as opened:
        status, best = opened.sql(_STATUS), opened.sql(_TOP, [top])
        warnings = _warnings(opened)
    sys.stdout.write("\n".join([as_text(status), *warnings, ""]))
    sys.stdout.write(as_text(best))
    sys.stdout.write("\nIn brackets: reliability, the correlation on held-out bulk samples.\n")


def _warnings(atlas: Atlas) -> list[str]:
    rows = atlas.arrow(_FLAGS).to_pylist()
    far = [f"{r['dataset_id']} {100 * r['domain_distance']:.0f} %" for r in rows if r.get("is_far")]
    short = [
        f"{r['dataset_id']} {r['n_landmarks']}" for r in rows if r.get("is_short_of_landmarks")
    ]
    said = {
        "Far from the training data (variance of landmarks outside it)": far,
        "Short of landmarks (of 977)": short,
    }
    return [f"{what}: {', '.join(named)}\n" for what, named in said.items() if named]
