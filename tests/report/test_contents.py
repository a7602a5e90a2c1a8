"""What the report says is what the tables hold, counted anew with pandas."""

from __future__ import annotations

import pandas as pd
import pyarrow.parquet as pq
import pytest

from report_atlases import cells, contents_of, dataset, panel_of, write_atlas
from sicmir_atlas.atlas.schema import TABLES
from sicmir_atlas.names import mirnas
from sicmir_atlas.report import losses


@pytest.fixture(scope="module")
def table(demo_atlas):
    """Read a table of the demo from its own files."""

    def read(name):
        paths = sorted(demo_atlas.glob(f"{name}/*.parquet")) or [demo_atlas / f"{name}.parquet"]
        return pd.concat([pq.ParquetFile(path).read().to_pandas() for path in paths])

    return read


def test_datasets_that_need_someone_come_first(tmp_path):
    rows = [
        dataset("a"),
        dataset("b", status="excluded", reason="r"),
        dataset("z", status="failed", reason="e"),
        dataset("c", status="failed", reason="e"),
    ]
    found = contents_of(write_atlas(tmp_path / "atlas", rows)).datasets
    assert [row["dataset_id"] for row in found] == ["c", "z", "b", "a"]


def test_totals(contents, table):
    datasets = table("datasets")
    included = datasets[datasets["status"] == "included"]
    assert len(contents.included) == len(included)
    for column in ("n_cells_raw", "n_cells_qc", "n_donors", "n_pools"):
        assert contents.total(column) == included[column].sum()
    assert contents.total("n_cells_qc") == len(table("cells"))
    terms = table("cells")["cell_type_ontology_term_id"]
    assert contents.counts["n_cell_types"] == terms.nunique()
    assert contents.n_simulated == len(datasets)


@pytest.mark.parametrize("column", ["organ", "lineage", "disease_category", "mapping_method"])
def test_cells_by_group(contents, table, column):
    counted = table("cells")[column].value_counts(dropna=False)
    found = {name if name is not None else "none": n for name, n in contents.cells_by(column)}
    assert found == {name if pd.notna(name) else "none": n for name, n in counted.items()}


def test_groups_come_by_size_and_the_unassigned_last(tmp_path):
    kept = pd.concat([cells("a", 9), cells("b", 2, organ="lung"), cells("c", 4, organ="eye")])
    rows = [dataset(name) for name in "abc"]
    found = contents_of(write_atlas(tmp_path / "atlas", rows, cells=kept))
    assert found.cells_by("organ") == [("eye", 4), ("lung", 2), (None, 9)]
    assert found.organs_by_lineage() is None


def test_cells_of_each_organ_and_lineage(contents, table):
    grid = contents.organs_by_lineage()
    counted = table("cells").groupby(["organ", "lineage"]).size()
    for organ, counts in grid.rows:
        for lineage, n in zip(grid.lineages, counts, strict=True):
            if organ and lineage:
                assert n == counted.get((organ, lineage), 0)
    assert sum(n for _, counts in grid.rows for n in counts) == len(table("cells"))


def test_rules_take_away_all_that_is_lost(contents, table):
    steps = losses.qc_steps(contents)
    datasets = table("datasets").query("status == 'included'")
    assert steps[0].n == datasets["n_cells_raw"].sum()
    assert steps[-1].n == datasets["n_cells_qc"].sum()
    assert steps[0].n - sum(s.n for s in steps[1:-1]) == steps[-1].n
    lost = table("qc_losses").groupby("rule")["n_lost"].sum()
    assert {s.n for s in steps[1:-1]} == set(lost[lost > 0])


def test_every_rule_has_words():
    values = {c.name: c.values for c in TABLES["qc_losses"].columns}
    assert set(losses.BEFORE_QC | losses.QC) == set(values["rule"])


def test_barcodes_that_no_rule_explains_are_said(tmp_path):
    rule = {"dataset_id": "a", "cell_type_original": "t", "n_cells": 90, "n_fail": 20}
    lost = [{**rule, "rule": "primary", "n_lost": 20}, {**rule, "rule": "max_genes", "n_lost": 3}]
    rows = [
        dataset("a", n_barcodes=100, n_cells_raw=10, n_cells_qc=7),
        dataset("b", n_barcodes=None, n_cells_raw=5, n_cells_qc=5),
        dataset("c", n_barcodes=50, n_cells_raw=50, status="excluded"),
    ]
    found = contents_of(write_atlas(tmp_path / "atlas", rows, qc_losses=lost))
    calling, qc = losses.calling_steps(found), losses.qc_steps(found)
    assert [(s.kind, s.n) for s in calling] == [
        ("whole", 100),
        ("lost", 20),
        ("lost", 70),
        ("kept", 10),
    ]
    assert [(s.kind, s.n) for s in qc] == [("whole", 15), ("lost", 3), ("kept", 12)]
    lost_step = calling[1]
    assert (lost_step.start, lost_step.share) == (0.8, 0.2)
    assert [p.n for p in losses.parts_of(found.datasets[-2])][:3] == [7, 0, 3]


def test_landmarks_missing_most_often(contents, table):
    counted = table("missing_landmarks").groupby("landmark").size()
    for row in contents.missing_landmarks:
        assert row["n_datasets"] == counted[row["landmark"]]
    assert contents.counts["n_landmarks_missing"] == len(counted)


def test_labels_without_a_term_come_by_cells(tmp_path):
    def label(dataset_id, name, n, **more):
        row = {"cell_type_original": name, "tissue": "t", "organ": "eye", "cell_type": "unknown"}
        how = {"mapping_method": "unmapped", "n_cells": n}
        return {"dataset_id": dataset_id, **row, **how, **more}

    labels = [
        label("a", "x", 2),
        label("b", "x", 3),
        label("a", "y", 4),
        label("a", "z", 9, mapping_method="exact_label", cell_type="z"),
        label("b", "y", 1, organ=None, tissue="odd"),
    ]
    rows = [dataset("a"), dataset("b")]
    found = contents_of(write_atlas(tmp_path / "atlas", rows, harmonisation=labels))
    assert [(r["label"], r["place"], r["n_cells"], r["n_datasets"]) for r in found.unmapped] == [
        ("x", "eye", 5, 2),
        ("y", "eye", 4, 1),
        ("y", "odd", 1, 1),
    ]
    assert found.counts["n_unmapped_labels"] == 3


def test_top_mirnas_are_those_of_the_demo_by_rank(contents, table):
    groups = table("cell_type_mirna").merge(table("mirnas").query("is_trained"), on="mirna")
    key = ["dataset_id", "cell_type_original", "tissue", "disease"]
    size = groups.drop_duplicates(key).groupby("dataset_id").size().rename("size")
    groups = groups.join(size, on="dataset_id").dropna(subset="lineage")
    groups["beaten"] = (groups["size"] - groups["rank_over_types"]) / (groups["size"] - 1)
    figures = {"beaten": ("beaten", "mean"), "in_type": ("rank_in_type", "mean")}
    within = groups.groupby(["lineage", "mirna", "dataset_id"]).agg(**figures)
    over = within.groupby(["lineage", "mirna"]).mean().round(6).reset_index()
    assert set(contents.top_mirnas) == set(over["lineage"])
    for lineage, rows in contents.top_mirnas.items():
        best = over[over["lineage"] == lineage].sort_values(
            ["beaten", "in_type", "mirna"], ascending=[False, True, True]
        )
        assert [row["mirna"] for row in rows] == list(best["mirna"][:8])
        assert [row["in_type"] for row in rows] == pytest.approx(list(best["in_type"][:8]))


def group(name, cell_type, lineage, ranks, places):
    return pd.DataFrame({"mirna": mirnas()[:2], "rank_over_types": ranks}).assign(
        dataset_id=name,
        cell_type_original=cell_type,
        cell_type=cell_type,
        lineage=lineage,
        tissue="t",
        disease="normal",
        mean=0.0,
        rank_in_type=places,
        n_pools=1,
        n_cells=1,
    )


def test_each_dataset_counts_once_however_many_groups_it_has(tmp_path):
    one, two = mirnas()[:2]
    rows = [
        # three groups of a lineage that put the second miRNA first, in one dataset
        *(group("a", f"m{i}", "myeloid", [i + 2, i + 1], [2, 1]) for i in range(3)),
        group("a", "n", "neuron", [1, 4], [1, 2]),
        *(
            part
            for name in ("b", "c")
            for part in (
                group(name, "m", "myeloid", [1, 2], [1, 2]),
                group(name, "n", "neuron", [2, 1], [2, 1]),
            )
        ),
    ]
    datasets = [dataset(name) for name in "abc"]
    atlas = write_atlas(tmp_path / "atlas", datasets, cell_type_mirna=pd.concat(rows))
    best = contents_of(atlas).top_mirnas["myeloid"]
    assert [row["mirna"] for row in best] == [one, two]
    assert best[0]["beaten"] == pytest.approx((1 / 3 + 1 + 1) / 3)
    assert best[1]["beaten"] == pytest.approx((2 / 3 + 0 + 0) / 3)
    assert (best[0]["n_datasets"], best[0]["n_groups"]) == (3, 5)


def test_an_untrained_mirna_is_never_a_top_one(tmp_path):
    panel = panel_of()
    panel["is_trained"] = panel["position"] != 1
    rows = [group("a", "m", "myeloid", [1, 1], [1, 2]), group("a", "n", "neuron", [2, 2], [1, 2])]
    atlas = write_atlas(
        tmp_path / "atlas", [dataset("a")], cell_type_mirna=pd.concat(rows), mirnas=panel
    )
    top = contents_of(atlas).top_mirnas
    assert {row["mirna"] for rows in top.values() for row in rows} == {mirnas()[1]}
