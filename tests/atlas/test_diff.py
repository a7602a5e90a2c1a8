from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow as pa
import pytest

import simulated
from sicmir_atlas.atlas.diff import diff_atlases
from sicmir_atlas.atlas.differences import Change
from sicmir_atlas.atlas.release_note import release_note
from sicmir_atlas.errors import CorruptError, GoneError, InputError


def changed_cell(table, row, **values):
    """The table with other values in one row."""
    rows = table.to_pylist()
    rows[row].update(values)
    return pa.Table.from_pylist(rows, schema=table.schema)


def row_of(table, **values):
    rows = table.to_pylist()
    return next(i for i, row in enumerate(rows) if values.items() <= row.items())


def test_an_atlas_does_not_differ_from_itself(atlas):
    diff = diff_atlases(atlas, atlas)
    assert not diff.different
    assert diff.n_same == 5
    assert diff.files["same"].bytes == sum(p.stat().st_size for p in atlas.rglob("*.parquet"))
    assert diff.as_json()["different"] is False
    assert json.loads(json.dumps(diff.as_json()))["files"]["added"] == {"files": 0, "bytes": 0}
    assert "Nothing differs" in release_note(diff)


def test_a_second_build_from_the_same_shares_does_not_differ(atlas, build, tmp_path):
    diff = diff_atlases(atlas, build(tmp_path / "again"), tolerance=0)
    assert not diff.different
    assert {one.largest for one in diff.predictions} == {0}
    compared = [one.table for one in diff.predictions if one.dataset_id == "labelled"]
    assert compared == ["cell_mirna", "cell_type_mirna", "cells", "pool_mirna"]


def test_datasets_that_are_new_gone_and_of_another_status(atlas, build, tmp_path):
    names = ("labelled", "unlabelled", "refused", "broken")
    late = {"dataset_id": "late", "source": "file", "title": "A <late> *study*"}
    after = build(
        tmp_path / "after",
        datasets=[*({**simulated.ROW, "dataset_id": name} for name in names), late],
        verdicts={"labelled": {"reason": "organism: Mus musculus"}},
        shards=[],
        failures={"broken": "CorruptError: cut short", "late": "GoneError: no such file"},
    )
    diff = diff_atlases(atlas, after)
    assert [one.dataset_id for one in diff.added] == ["late"]
    assert [(one.dataset_id, one.status) for one in diff.removed] == [("silent", "failed")]
    changed = {one.dataset_id: one for one in diff.changed}
    assert set(changed) == {"labelled", "unlabelled", "refused"}
    assert changed["labelled"].status == Change("status", "included", "excluded")
    assert changed["labelled"].reason == "organism: Mus musculus"
    assert changed["labelled"].redone == ("cell_mirna", "cells", "pool_mirna")
    totals = {one.name: (one.before, one.after) for one in diff.totals}
    assert (totals["included"], totals["cells"]) == ((2, 0), (42, 0))
    note = release_note(diff)
    assert r"- `late` (A \<late\> \*study\*): failed: GoneError: no such file" in note
    assert "included → excluded (organism: Mus musculus)" in note


def test_a_dataset_that_was_done_again_says_why_and_by_how_much(tampered, atlas):
    table = tampered.table("datasets")
    i = row_of(table, dataset_id="labelled")
    tampered.rewrite(
        "datasets", changed_cell(table, i, sha256="9" * 64, n_cells_qc=20, qc_profile="case")
    )
    pools = tampered.table("pool_mirna")
    tampered.rewrite("pool_mirna", pools.slice(0, pools.num_rows - 1))
    (one,) = diff_atlases(atlas, tampered.folder).changed
    assert one.dataset_id == "labelled"
    assert one.redone == ("pool_mirna",)
    assert Change("n_cells_qc", 21, 20) in one.columns
    assert one.causes == ("the source's files are others", "QC profile atlas → case")
    note = release_note(diff_atlases(atlas, tampered.folder))
    assert "- `labelled`: done again; cells 21 → 20; because: the source's files" in note


def test_parameters_and_versions_are_causes_of_what_was_done_again(tampered, atlas):
    tampered.rewrite("pool_mirna", tampered.table("pool_mirna").slice(1))
    tampered.edit_manifest(lambda m: m["parameters"].update(seed=1))
    tampered.edit_manifest(lambda m: m.update(processing_version=99))
    diff = diff_atlases(atlas, tampered.folder)
    assert diff.parameters == (Change("seed", 0, 1),)
    assert [one.name for one in diff.versions] == ["processing_version"]
    (one,) = diff.changed
    assert one.causes[0].endswith("→ 99")
    assert one.causes[1] == "seed 0 → 1"
    assert "- What was computed from 1 dataset done again: `labelled`." in release_note(diff)


def test_a_parameter_that_is_a_column_too_is_said_once(tampered, atlas):
    table = tampered.table("datasets")
    i = row_of(table, dataset_id="labelled")
    tampered.rewrite("datasets", changed_cell(table, i, balance="balanced"))
    tampered.edit_manifest(lambda m: m["parameters"].update(balance="balanced"))
    (one,) = diff_atlases(atlas, tampered.folder).changed
    assert (one.redone, one.causes) == ((), ("weights of pools published → balanced",))
    note = release_note(diff_atlases(atlas, tampered.folder))
    assert "- `labelled`: its predictions are the same; weights of pools published" in note
    assert "What to do again" not in note


def test_what_only_describes_a_dataset_is_no_new_work(tampered, atlas):
    table = tampered.table("datasets")
    i = row_of(table, dataset_id="labelled")
    tampered.rewrite("datasets", changed_cell(table, i, title="Another title"))
    diff = diff_atlases(atlas, tampered.folder)
    (one,) = diff.changed
    assert (one.columns, one.redone, one.causes) == (
        (Change("title", None, "Another title"),),
        (),
        (),
    )
    assert "described otherwise: `title`" in release_note(diff)


def test_labels_that_map_to_another_term(tampered, atlas):
    table = tampered.table("harmonisation")
    i = row_of(table, dataset_id="labelled", cell_type_original="own")
    mapped = {
        "cell_type": "natural killer cell",
        "cell_type_ontology_term_id": "CL:0000623",
        "mapping_method": "override",
        "organ": "blood",
    }
    tampered.rewrite("harmonisation", changed_cell(table, i, **mapped))
    diff = diff_atlases(atlas, tampered.folder)
    (one,) = diff.labels
    assert (one.dataset_id, one.cell_type_original, one.n_cells) == ("labelled", "own", 6)
    assert (one.before, one.after, one.mapping_method) == (None, "CL:0000623", "override")
    terms = {term.kind: (term.new, term.gone) for term in diff.terms}
    assert terms["cell types"] == (("natural killer cell",), ())
    note = release_note(diff)
    assert "| `labelled` | own | none | natural killer cell (CL:0000623) | override | 6 |" in note
    assert "by `cell_type`" in note


def test_a_label_that_moves_to_another_tissue_still_maps_to_its_term(tampered, atlas):
    table = tampered.table("harmonisation")
    i = row_of(table, dataset_id="labelled", cell_type_original="T cell")
    tampered.rewrite("harmonisation", changed_cell(table, i, tissue="lung"))
    assert diff_atlases(atlas, tampered.folder).labels == ()


def former_version(tampered):
    """As schema 1.1.0 had it: no table harmonisation, fewer columns."""
    datasets = tampered.table("datasets").drop_columns(["organ", "labels", "sparsity_cells"])
    tampered.rewrite("datasets", datasets)
    tampered.rewrite("cells", tampered.table("cells").drop_columns(["organ"]))
    tampered.path("harmonisation").unlink()

    def change(manifest):
        manifest["schema_version"] = "1.1.0"
        manifest["files"] = [f for f in manifest["files"] if f["table"] != "harmonisation"]

    tampered.edit_manifest(change)


def test_minor_versions_of_the_schema_are_compared(tampered, atlas):
    former_version(tampered)
    diff = diff_atlases(tampered.folder, atlas, tolerance=1e-3)
    tables = {one.table: one for one in diff.schema}
    assert tables["datasets"].added == ("organ", "labels", "sparsity_cells")
    assert tables["cells"].added == ("organ",)
    assert "cell_type_original" in tables["harmonisation"].added
    assert diff.labels == ()
    assert {one.kind for one in diff.terms} <= {"organs"}
    changed = {one.dataset_id: one for one in diff.changed}
    assert Change("labels", None, "study") in changed["labelled"].columns
    assert "labels of none → study" in changed["labelled"].causes
    back = diff_atlases(atlas, tampered.folder)
    assert {one.table: one.removed for one in back.schema}["cells"] == ("organ",)
    assert "Queries that name a column that went" in release_note(back)


def test_major_versions_are_not(tampered, atlas):
    tampered.edit_manifest(lambda m: m.update(schema_version="2.0.0"))
    with pytest.raises(InputError, match=r"schema 2\.0\.0; this version of sicmir-atlas reads 1\."):
        diff_atlases(atlas, tampered.folder)


def test_what_is_no_atlas(atlas, tampered, tmp_path):
    with pytest.raises(GoneError, match="nothing: no atlas here"):
        diff_atlases(tmp_path / "nothing", atlas)
    (tampered.folder / "datasets.parquet").unlink()
    with pytest.raises(GoneError, match=r"datasets\.parquet: is in the manifest but not there"):
        diff_atlases(atlas, tampered.folder)
    (tampered.folder / "manifest.json").write_text('{"schema_version": "1.0.0", "files": [{}]}')
    with pytest.raises(CorruptError, match="cannot be read"):
        diff_atlases(atlas, tampered.folder)


def test_large_files_are_not_opened_without_a_tolerance(tampered, atlas):
    for name in ("cells", "cell_mirna", "pool_mirna"):
        path = tampered.path(name)
        path.unlink()
        path.write_bytes(b"not opened")
    assert not diff_atlases(atlas, tampered.folder).different


def test_a_former_build_of_a_published_atlas_finds_its_large_files(atlas, tmp_path):
    shutil.copytree(atlas, tmp_path / "atlas")
    build = tmp_path / "atlas/builds/0123456789ab"
    build.mkdir(parents=True)
    for path in [*atlas.glob("*.parquet"), atlas / "manifest.json"]:
        shutil.move(tmp_path / "atlas" / path.name, build / path.name)
    assert not diff_atlases(build, atlas, tolerance=0).different


def compared(diff, table):
    """How the first dataset's rows of a table compare."""
    return next(o for o in diff.predictions if (o.dataset_id, o.table) == ("labelled", table))


def with_values(table, column, change):
    i = table.schema.get_field_index(column)
    kind = table.schema.field(i).type
    values = change(table[column].to_numpy().astype(np.float64))
    array = pa.array(values.astype(kind.to_pandas_dtype()), kind)
    return table.set_column(i, table.schema.field(i), array)


@pytest.mark.parametrize(("shift", "within"), [(5e-4, True), (5e-3, False)])
def test_values_are_compared_by_key_within_a_tolerance(tampered, atlas, shift, within):
    pools = with_values(
        tampered.table("pool_mirna"), "hsa-miR-21-5p", lambda v: np.r_[v[0] + shift, v[1:]]
    )
    tampered.rewrite("pool_mirna", pools.take(np.arange(pools.num_rows)[::-1]))
    diff = diff_atlases(atlas, tampered.folder, tolerance=1e-3)
    pool = compared(diff, "pool_mirna")
    assert pool.largest == pytest.approx(shift, abs=1e-5)
    assert (pool.column, pool.n_rows, pool.within) == ("hsa-miR-21-5p", 3, within)
    assert diff.different is not within
    assert [one.redone for one in diff.changed] == ([] if within else [("pool_mirna",)])
    assert diff_atlases(atlas, tampered.folder).different, "other bytes are another file"


def test_float16_may_differ_by_one_step(tampered, atlas):
    cells = tampered.table("cell_mirna")
    values = cells["hsa-miR-21-5p"].to_numpy()
    largest = int(np.argmax(np.abs(values)))
    step = np.spacing(np.abs(values[largest])).astype(np.float64)
    for n_steps, within in ((1, True), (2, False)):
        moved = with_values(
            cells,
            "hsa-miR-21-5p",
            lambda v, n=n_steps: v + n * step * (np.arange(len(v)) == largest),
        )
        tampered.rewrite("cell_mirna", moved)
        diff = diff_atlases(atlas, tampered.folder, tolerance=step / 100)
        one = compared(diff, "cell_mirna")
        assert one.largest == pytest.approx(n_steps * step)
        assert one.within is within


def test_rows_of_one_side_and_other_text_are_not_within(tampered, atlas):
    cells = tampered.table("cells")
    other = changed_cell(cells.slice(1), 0, donor_id="somebody else")
    tampered.rewrite("cells", other)
    diff = diff_atlases(atlas, tampered.folder, tolerance=1)
    one = compared(diff, "cells")
    assert (one.n_only_before, one.n_only_after, one.columns) == (1, 0, ("donor_id",))
    assert not one.within
    assert "**no**" in release_note(diff)


def test_values_that_became_null_are_not_within(tampered, atlas):
    cells = tampered.table("cells")
    tampered.rewrite("cells", changed_cell(cells, 3, pct_mt=None))
    diff = diff_atlases(atlas, tampered.folder, tolerance=1)
    one = compared(diff, "cells")
    assert (one.columns, one.within) == (("pct_mt",), False)


def test_means_of_cell_types(tampered, atlas):
    means = tampered.table("cell_type_mirna")
    rows = np.arange(means.num_rows)
    moved = with_values(means, "mean", lambda v: v + 0.25 * (rows == 7))
    tampered.rewrite("cell_type_mirna", moved.slice(1))
    diff = diff_atlases(atlas, tampered.folder, tolerance=0.1)
    one = compared(diff, "cell_type_mirna")
    assert one.largest == pytest.approx(0.25, abs=1e-6)
    of_it = sum(name == "labelled" for name in means["dataset_id"].to_pylist())
    assert (one.n_only_before, one.n_rows) == (1, of_it - 1)
    assert not one.within
