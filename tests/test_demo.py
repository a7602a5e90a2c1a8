from __future__ import annotations

import hashlib
import json
import shutil

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import sicmir_atlas as sa
from sicmir_atlas.cli.app import main
from sicmir_atlas.demo import DATASETS, simulate
from sicmir_atlas.names import landmarks


def stamps(folder):
    return {p.name: (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.iterdir()}


def test_a_second_writing_mends_what_is_damaged_and_leaves_the_rest(demo_data, tmp_path, capsys):
    folder = tmp_path / "demo"
    shutil.copytree(demo_data, folder)
    before = stamps(folder)
    (folder / "demo_blood.h5ad").write_bytes(b"x")
    with pytest.raises(SystemExit) as stopped:
        main(["demo", str(folder)])
    assert stopped.value.code == 0
    assert str(folder / "datasets.csv") in capsys.readouterr().out
    after = stamps(folder)
    assert set(after) == set(before)
    assert {name for name in after if after[name] != before[name]} == {"demo_blood.h5ad"}
    mended = (folder / "demo_blood.h5ad").read_bytes()
    assert mended == (demo_data / "demo_blood.h5ad").read_bytes()


def test_the_samplesheet_states_the_files(demo_data, root):
    sheet = pd.read_csv(demo_data / "datasets.csv", dtype=str)
    assert list(sheet["dataset_id"]) == [dataset.name for dataset in DATASETS]
    listed = []
    for row in sheet.itertuples():
        for name, digest in zip(row.url.split("|"), row.sha256.split("|"), strict=True):
            assert hashlib.sha256((demo_data / name).read_bytes()).hexdigest() == digest
            listed.append(name)
    assert {*listed, "datasets.csv"} == {p.name for p in demo_data.iterdir()}
    assert all("imulated" in title for title in sheet["title"])
    properties = json.loads((root / "assets/schema_input.json").read_text())["items"]["properties"]
    assert set(sheet) <= set(properties)


def test_counts_are_as_described():
    for number, dataset in enumerate(DATASETS[:2]):
        counts, cells = simulate(dataset, np.random.default_rng(number))
        assert cells["cell_type"].value_counts().to_dict() == dict(dataset.cells)
        assert set(cells["donor"]) == {"donor_1", "donor_2"}
        assert (counts.data > 0).all()
        assert (counts.data == np.rint(counts.data)).all()


def test_the_mouse_has_no_human_names(demo_data):
    names = ad.read_h5ad(demo_data / "demo_mouse.h5ad", backed="r").var_names
    assert len(set(names) & set(landmarks())) < 5


def test_statuses_and_rows_of_the_demo_atlas(demo_atlas):
    """Atlas specification, section 9, as far as the demo plants it."""
    with sa.open_atlas(demo_atlas) as atlas:
        got = atlas.sql("SELECT dataset_id, status, reason, n_pools FROM datasets")
        found = got.set_index("dataset_id")
        assert found["status"].to_dict() == {
            "demo_blood": "included",
            "demo_colon": "included",
            "demo_kidney": "included",
            "demo_lung": "included",
            "demo_mouse": "excluded",
            "demo_two_types": "excluded",
        }
        assert found.loc["demo_mouse", "reason"].startswith("organism: Mus musculus")
        assert found.loc["demo_two_types", "reason"].startswith("degenerate_pooling: 2 pooled rows")
        # one dataset's pools hold that dataset's cells and no others
        pools = atlas.sql(
            "SELECT dataset_id, method, sum(n_cells) AS n FROM pool_mirna GROUP BY ALL"
        ).set_index(["dataset_id", "method"])["n"]
        kept = atlas.sql("SELECT dataset_id, count(*) AS n FROM cells GROUP BY ALL").set_index(
            "dataset_id"
        )["n"]
        assert pools["demo_lung", "average"] == kept["demo_lung"]
        n_t = atlas.sql(
            "SELECT count(*) FROM cells WHERE dataset_id = 'demo_blood' AND cell_type = 'T cell'"
        ).iat[0, 0]
        assert pools["demo_blood", "average"] == kept["demo_blood"] - n_t
        assert found.loc["demo_blood", "n_pools"] == 2 + -(-n_t // 100)


def test_labels_of_one_type_meet_under_one_term(demo_atlas):
    with sa.open_atlas(demo_atlas) as atlas:
        got = atlas.sql(
            "SELECT DISTINCT cell_type_original, cell_type, lineage FROM cells ORDER BY ALL"
        )
    named = {row.cell_type_original: (row.cell_type, row.lineage) for row in got.itertuples()}
    t_cell = ("T cell", "T cell/natural killer")
    assert named["T cell"] == named["T-cell"] == named["T lymphocyte"] == t_cell
    assert named["B cell"] == named["B lymphocyte"] == ("B cell", "B cell")
    assert "unknown" not in set(got["cell_type"])


def test_types_are_alike_over_datasets(demo_atlas):
    """The programme of genes planted in a type is seen in its miRNAs, whatever the dataset."""
    with sa.open_atlas(demo_atlas) as atlas:
        got = atlas.sql(
            "SELECT dataset_id, cell_type, mirna, avg(mean) AS mean "
            "FROM cell_type_mirna JOIN mirnas USING (mirna) WHERE is_trained GROUP BY ALL"
        )
    wide = got.pivot_table(index=["dataset_id", "cell_type"], columns="mirna", values="mean")
    alike = wide.T.corr().to_numpy()
    types = wide.index.get_level_values("cell_type").to_numpy()
    datasets = wide.index.get_level_values("dataset_id").to_numpy()
    elsewhere = datasets[:, None] != datasets
    same = types[:, None] == types
    assert alike[elsewhere & same].min() > 0.1
    assert alike[elsewhere & same].mean() > alike[elsewhere & ~same].mean() + 0.15
