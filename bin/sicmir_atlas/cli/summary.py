"""`sicmir-atlas summary`: what an atlas holds, at a glance."""

from __future__ import annotations

import sys

__all__ = ["summary"]

_STATUS = """
SELECT dataset_id, status, n_barcodes, n_cells_raw, n_cells_qc, n_cell_types, n_pools,
       coalesce(reason, '') AS reason
FROM datasets ORDER BY status = 'included' DESC, status, dataset_id
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
    model can be trusted on the miRNA (PCC on held-out bulk samples).

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
    sys.stdout.write(as_text(status) + "\n")
    sys.stdout.write(as_text(best))
    sys.stdout.write("\nIn brackets: reliability, the correlation on held-out bulk samples.\n")
