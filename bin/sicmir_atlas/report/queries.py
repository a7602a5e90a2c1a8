"""The questions that a report asks of an atlas."""

from __future__ import annotations

__all__ = [
    "CELLS",
    "COUNTS",
    "DATASETS",
    "LOST",
    "MISSING_LANDMARKS",
    "TOP_MIRNAS",
    "UNMAPPED",
]

# an earlier minor version of the schema has fewer columns
DATASETS = "FROM datasets"

LOST = """
SELECT dataset_id, rule, sum(n_lost)::BIGINT AS n_lost
FROM qc_losses GROUP BY ALL ORDER BY ALL
"""

MISSING_LANDMARKS = """
SELECT landmark, count(*) AS n_datasets
FROM missing_landmarks GROUP BY ALL ORDER BY n_datasets DESC, landmark LIMIT ?
"""

CELLS = """
SELECT organ, lineage, disease_category, mapping_method, count(*) AS n
FROM cells GROUP BY ALL ORDER BY ALL
"""

UNMAPPED = """
SELECT cell_type_original AS label, coalesce(h.organ, tissue) AS place,
       sum(n_cells)::BIGINT AS n_cells, count(DISTINCT dataset_id) AS n_datasets
FROM harmonisation AS h JOIN datasets USING (dataset_id)
WHERE mapping_method = 'unmapped' AND labels IS DISTINCT FROM 'clusters'
GROUP BY ALL ORDER BY n_cells DESC, label, place LIMIT ?
"""

COUNTS = """
SELECT
    (SELECT count(DISTINCT cell_type_ontology_term_id) FROM harmonisation) AS n_cell_types,
    (SELECT count(*) FROM mirnas) AS n_mirnas,
    (SELECT count(*) FROM mirnas WHERE is_trained) AS n_trained,
    (SELECT count(DISTINCT (cell_type_original, coalesce(h.organ, tissue)))
     FROM harmonisation AS h JOIN datasets USING (dataset_id)
     WHERE mapping_method = 'unmapped' AND labels IS DISTINCT FROM 'clusters')
    AS n_unmapped_labels,
    (SELECT count(DISTINCT landmark) FROM missing_landmarks) AS n_landmarks_missing
"""

# values differ between datasets, so only places within one are averaged: first over the lineage's
# groups of a dataset, then over datasets, that each dataset counts once
TOP_MIRNAS = """
WITH sizes AS (
    SELECT dataset_id, count(*) AS size FROM cell_type_mirna
    WHERE mirna = (SELECT mirna FROM mirnas WHERE position = 1) GROUP BY ALL
), within AS (
    SELECT lineage, mirna, dataset_id, count(*) AS n_groups, avg(rank_in_type) AS in_type,
           avg((size - rank_over_types) / (size - 1)) AS beaten
    FROM cell_type_mirna JOIN sizes USING (dataset_id)
    WHERE lineage IS NOT NULL AND size > 1
    GROUP BY ALL
), over_datasets AS (
    SELECT lineage, mirna, count(*) AS n_datasets, sum(n_groups)::BIGINT AS n_groups,
           round(avg(beaten), 6) AS beaten, round(avg(in_type), 6) AS in_type
    FROM within GROUP BY ALL
), placed AS (
    SELECT *, row_number() OVER (
        PARTITION BY lineage ORDER BY beaten DESC, in_type, mirna
    ) AS place
    FROM over_datasets JOIN (FROM mirnas SELECT mirna, is_hub, reliability WHERE is_trained)
    USING (mirna)
)
FROM placed WHERE place <= ? ORDER BY n_datasets DESC, lineage, place
"""
