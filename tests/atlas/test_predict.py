from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy import sparse

import sicmir_atlas as sa
import simulated
from ensemble import by_hand, ensemble, outside
from sicmir_atlas.atlas.schema import SCHEMA_VERSION
from sicmir_atlas.errors import ExcludedDataset, InputError
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.names import mirnas
from sicmir_atlas.prepare.cluster import ClusterOptions

NO_CLUSTERS = ClusterOptions(when="never")
TYPES = {"B cell": 30, "T cell": 20, "my own": 25, "monocyte": 12}


@pytest.fixture(scope="module")
def adata():
    data = simulated.cells(TYPES)
    data.obs["who"] = np.where(np.arange(data.n_obs) % 2, "d1", "d2")
    return data


@pytest.fixture(scope="module")
def prepared(adata, tmp_path_factory):
    return simulated.prepare(adata, tmp_path_factory.mktemp("cells"), donor="obs:who")


@pytest.fixture(scope="module")
def shard(prepared, tmp_path_factory, model, predictor):
    return simulated.predict(prepared, tmp_path_factory.mktemp("a") / "shard", model, predictor)


@pytest.fixture
def small_groups(monkeypatch):
    monkeypatch.setattr("sicmir_atlas.atlas.files.ROWS_PER_GROUP", 13)


def path_of(shard, name):
    (path,) = [shard.folder / file.path for file in shard.files if file.table == name]
    return path


def table(shard, name):
    return pq.read_table(path_of(shard, name)).to_pandas()


def zscored(means, weights=None):
    """Z-scores by population SD; a constant column gives 0."""
    mean = np.average(means, axis=0, weights=weights)
    sd = np.sqrt(np.average((means - mean) ** 2, axis=0, weights=weights))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.ptp(means, axis=0) > 0, (means - mean) / sd, 0)


def type_means(prepared):
    cells = prepared.cells()
    values = pd.DataFrame(simulated.matrix(prepared).astype(np.float64))
    return values.groupby(cells["cell_type_original"].astype(str)).mean()


# atlas specification, section 3, vector V2
@pytest.mark.parametrize(
    ("types", "rows"),
    [
        ({"a": 401, "b": 400, "c": 90}, {"a": 5, "b": 1, "c": 1}),
        ({"a": 900, "b": 500}, {"a": 9, "b": 5}),
    ],
)
def test_v2_rows(types, rows, tmp_path, model, predictor):
    prepared = simulated.prepare(simulated.cells(types, n_other=1), tmp_path)
    shard = simulated.predict(prepared, tmp_path / "shard", model, predictor, per_cell=False)
    pools = table(shard, "pool_mirna")
    assert pools["cell_type_original"].value_counts().to_dict() == rows
    drawn = {name: n if n <= 400 else int(0.8 * n) for name, n in types.items()}
    assert (pools["n_cells"] == pools["cell_type_original"].map(drawn)).all()
    method = pools["cell_type_original"].map(
        {name: "bootstrap" if n > 400 else "average" for name, n in types.items()}
    )
    assert (pools["method"] == method).all()
    assert shard.dataset["n_pools"] == sum(rows.values())
    assert shard.dataset["pooling"] == ("mixed" if len(rows) == 3 else "bootstrap")


@pytest.mark.parametrize(
    ("types", "figure"),
    [
        ({"a": 300, "b": 90}, "2 pooled rows of 2 cell types"),
        ({"a": 900}, "9 pooled rows of 1 cell types"),
    ],
)
def test_v2_degenerate(types, figure, tmp_path, model, predictor):
    prepared = simulated.prepare(simulated.cells(types, n_other=1), tmp_path)
    with pytest.raises(ExcludedDataset) as excluded:
        simulated.predict(prepared, tmp_path / "shard", model, predictor)
    assert excluded.value.rule == "degenerate_pooling"
    assert figure in excluded.value.figure
    assert excluded.value.facts["n_cells_qc"] == sum(types.values())
    assert excluded.value.facts["tissues"] == ["blood"]
    assert not (tmp_path / "shard").exists()


def test_pools_are_means_of_cells_z_scored_and_predicted(prepared, shard, predictor):
    pools = table(shard, "pool_mirna").set_index("cell_type_original")
    means = type_means(prepared)
    expected = predictor.predict(zscored(means.to_numpy()))
    got = pools.loc[means.index, list(mirnas())]
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
    assert pools.loc[means.index, "n_cells"].tolist() == [TYPES[name] for name in means.index]
    assert set(pools["method"]) == {"average"}
    assert pools.loc["T cell", "cell_type_ontology_term_id"] == "CL:0000084"
    assert pools.loc["my own", "cell_type"] == "unknown"


def test_balanced_pools_count_each_type_once(tmp_path, model, predictor):
    prepared = simulated.prepare(simulated.cells({"a": 401, "b": 40, "c": 30}), tmp_path)
    shards = {
        balance: simulated.predict(
            prepared, tmp_path / balance, model, predictor, balance=balance, per_cell=True
        )
        for balance in ("published", "balanced")
    }
    assert shards["balanced"].dataset["balance"] == "balanced"
    a, b = (table(shards[k], "pool_mirna") for k in ("published", "balanced"))
    assert not np.allclose(a[list(mirnas())], b[list(mirnas())], atol=1e-3)
    # the z-scores of the five draws of type a weigh as much as the one row of b, and of c
    cells, values = prepared.cells(), simulated.matrix(prepared).astype(np.float64)
    types = cells["cell_type_original"].astype(str)
    weights = 1 / types.map(types.value_counts()).to_numpy()
    expected = predictor.predict(zscored(values, weights))
    got = table(shards["balanced"], "cell_mirna")[list(mirnas())].to_numpy(np.float32)
    np.testing.assert_allclose(got, expected, rtol=2e-3, atol=2e-3)


def test_balanced_averages_equal_published_ones(prepared, shard, tmp_path, model, predictor):
    other = simulated.predict(prepared, tmp_path / "b", model, predictor, balance="balanced")
    np.testing.assert_allclose(
        table(other, "pool_mirna")[list(mirnas())],
        table(shard, "pool_mirna")[list(mirnas())],
        atol=1e-5,
    )


def test_cells_are_predicted_as_the_library_predicts_them(adata, shard):
    got = table(shard, "cell_mirna").set_index("cell_id")
    expected = sa.predict(adata)
    assert (path_of(shard, "cell_mirna").stat().st_size) > 0
    np.testing.assert_array_equal(
        got.loc[adata.obs_names, list(mirnas())].to_numpy(np.float16),
        expected.to_numpy().astype(np.float16),
    )


def test_cell_predictions_are_float16_in_the_order_of_the_cells(shard, prepared):
    file = pq.ParquetFile(path_of(shard, "cell_mirna"))
    schema = file.schema_arrow
    assert {str(schema.field(name).type) for name in mirnas()} == {"halffloat"}
    assert list(schema.names) == ["dataset_id", "cell_id", "cell_type", *mirnas()]
    cells = prepared.cells()
    got = table(shard, "cell_mirna")
    assert got["cell_id"].tolist() == cells["cell_id"].tolist()
    assert got["cell_type"].tolist() == cells["cell_type"].astype(str).tolist()
    assert table(shard, "cells")["cell_id"].tolist() == cells["cell_id"].tolist()


@pytest.mark.usefixtures("small_groups")
def test_row_groups_do_not_change_cells(prepared, shard, tmp_path, model, predictor):
    other = simulated.predict(prepared, tmp_path / "small", model, predictor)
    assert pq.ParquetFile(path_of(other, "cell_mirna")).num_row_groups == 7
    pd.testing.assert_frame_equal(table(other, "cell_mirna"), table(shard, "cell_mirna"))


def test_cell_type_means_and_ranks_are_pandas(tmp_path, model, predictor):
    prepared = simulated.prepare(simulated.cells({"a": 401, "b": 402, "c": 30}), tmp_path)
    shard = simulated.predict(prepared, tmp_path / "shard", model, predictor, per_cell=False)
    pools = table(shard, "pool_mirna")
    by_type = pools.groupby("cell_type_original")[list(mirnas())]
    mean, sd = by_type.mean(), by_type.std(ddof=1)
    got = table(shard, "cell_type_mirna")
    assert len(got) == 3 * 1298

    def wide(column):
        return got.pivot_table(
            index="cell_type_original", columns="mirna", values=column, dropna=False
        )[list(mirnas())]

    np.testing.assert_allclose(wide("mean"), mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(wide("sd").loc[["a", "b"]], sd.loc[["a", "b"]], rtol=1e-4, atol=1e-6)
    assert got.loc[got["cell_type_original"] == "c", "sd"].isna().all()
    exact = mean.to_numpy(np.float64)
    for column, axis in (("rank_in_type", 1), ("rank_over_types", 0)):
        ranks = pd.DataFrame(exact, mean.index, mean.columns).rank(
            axis=axis, ascending=False, method="min"
        )
        differ = (wide(column) != ranks).to_numpy()
        assert differ.mean() < 0.002  # float32 ties of the stored values
    assert got.groupby("cell_type_original")["n_cells"].first().to_dict() == {
        "a": 401,
        "b": 402,
        "c": 30,
    }
    assert got.groupby("cell_type_original")["n_pools"].first().to_dict() == {
        "a": 5,
        "b": 5,
        "c": 1,
    }
    assert got["tissue"].unique().tolist() == ["blood"]


def test_groups_are_types_by_tissue_and_disease(tmp_path, model, predictor):
    data = simulated.cells({"a": 24, "b": 16})
    data.obs["state"] = np.where(np.arange(40) % 2, "normal", "glioblastoma")
    prepared = simulated.prepare(data, tmp_path, disease="obs:state")
    shard = simulated.predict(prepared, tmp_path / "shard", model, predictor)
    pools = table(shard, "pool_mirna")
    got = set(zip(pools["cell_type_original"], pools["disease"], pools["n_cells"], strict=True))
    states = ("glioblastoma", "normal")
    assert got == {(t, s, n) for t, n in (("a", 12), ("b", 8)) for s in states}
    means = table(shard, "cell_type_mirna")
    assert means.groupby(["cell_type_original", "disease"]).size().tolist() == [1298] * 4
    assert set(means["rank_over_types"]) == {1, 2, 3, 4}


def test_pools_by_donor(prepared, tmp_path, model, predictor):
    shard = simulated.predict(prepared, tmp_path / "s", model, predictor, pool_by_donor=True)
    pools = table(shard, "pool_mirna")
    assert len(pools) == 8
    assert pools.groupby("donor_id")["n_cells"].sum().to_dict() == {"d1": 43, "d2": 44}
    means = table(shard, "cell_type_mirna")
    assert len(means) == 4 * 1298
    assert set(means["n_pools"]) == {2}
    assert means.groupby("cell_type_original")["n_cells"].first().to_dict() == TYPES
    one = pools[pools["cell_type_original"] == "T cell"]
    got = means[means["cell_type_original"] == "T cell"].set_index("mirna")["mean"]
    np.testing.assert_allclose(got[list(mirnas())], one[list(mirnas())].mean(), atol=1e-6)


def test_pools_are_of_no_donor_unless_asked(shard):
    assert table(shard, "pool_mirna")["donor_id"].isna().all()


def test_cells_without_a_label_are_in_no_pool(tmp_path, model, predictor):
    data = simulated.cells({"a": 20, "b": 20, "c": 20})
    data.obs["label"] = data.obs["label"].astype(object).where(np.arange(60) % 4 > 0, None)
    data.obs["label"] = data.obs["label"].astype("category")
    prepared = simulated.prepare(data, tmp_path)
    shard = simulated.predict(prepared, tmp_path / "shard", model, predictor)
    assert table(shard, "pool_mirna")["n_cells"].tolist() == [15, 15, 15]
    assert len(table(shard, "cell_mirna")) == 60
    means = type_means(prepared)
    assert set(means.index) == {"a", "b", "c", "nan"}
    expected = predictor.predict(zscored(means.loc[["a", "b", "c"]].to_numpy()))
    got = table(shard, "pool_mirna")[list(mirnas())]
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_a_dataset_without_labels_is_predicted_per_cell(adata, tmp_path, model, predictor):
    prepared = simulated.prepare(adata, tmp_path, cell_type=None, clustering=NO_CLUSTERS)
    shard = simulated.predict(prepared, tmp_path / "shard", model, predictor)
    tables = {file.table for file in shard.files}
    assert tables == {"cells", "cell_mirna", "harmonisation", "qc_losses", "missing_landmarks"}
    about = shard.dataset
    assert (about["pooling"], about["n_pools"], about["n_cell_types"]) == ("none", 0, 0)
    expected = sa.predict(adata).to_numpy().astype(np.float16)
    got = table(shard, "cell_mirna").set_index("cell_id").loc[adata.obs_names]
    np.testing.assert_array_equal(got[list(mirnas())].to_numpy(np.float16), expected)


def test_no_labels_and_no_cells_leaves_nothing_to_predict(adata, tmp_path, model, predictor):
    prepared = simulated.prepare(adata, tmp_path, cell_type=None, clustering=NO_CLUSTERS)
    with pytest.raises(ExcludedDataset, match="cell_type: no cell has a label"):
        simulated.predict(prepared, tmp_path / "shard", model, predictor, per_cell=False)


def test_the_seed_moves_only_bootstrapped_groups(tmp_path, model, predictor):
    data = simulated.cells({"a": 420, "b": 30, "c": 30}, n_other=1)
    prepared = simulated.prepare(data, tmp_path)
    pools = [
        table(
            simulated.predict(
                prepared, tmp_path / f"s{seed}", model, predictor, seed=seed, per_cell=False
            ),
            "pool_mirna",
        )
        for seed in (0, 0, 1)
    ]
    pd.testing.assert_frame_equal(pools[0], pools[1])
    change = abs(pools[0][list(mirnas())] - pools[2][list(mirnas())]).max(axis=1)
    drawn = pools[0]["method"] == "bootstrap"
    # the averages themselves do not move, only the mean and SD that they are z-scored by
    assert change[drawn].min() > 2 * change[~drawn].max() > 0


def test_options_of_the_bootstrap(prepared, tmp_path, model, predictor):
    shard = simulated.predict(
        prepared, tmp_path / "s", model, predictor, bootstrap_above=20, max_draws=1, per_cell=False
    )
    pools = table(shard, "pool_mirna").set_index("cell_type_original")
    assert pools["method"].to_dict() == {
        "B cell": "bootstrap",
        "T cell": "average",
        "monocyte": "average",
        "my own": "bootstrap",
    }
    assert pools["n_cells"].to_dict() == {"B cell": 24, "T cell": 20, "monocyte": 12, "my own": 20}


def test_the_same_bytes_again(prepared, shard, tmp_path, model, predictor):
    again = simulated.predict(prepared, tmp_path / "again", model, predictor)

    def files(folder):
        return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    assert files(again.folder) == files(shard.folder)


def test_the_order_of_cells_in_the_input_does_not_matter(tmp_path, model, predictor):
    data = simulated.cells({"a": 410, "b": 30, "c": 30}, n_other=1)
    order = np.random.default_rng(0).permutation(data.n_obs)
    shards = [
        simulated.predict(
            simulated.prepare(each, tmp_path / name), tmp_path / name / "s", model, predictor
        )
        for name, each in (("one", data), ("two", data[order].copy()))
    ]
    for name in ("pool_mirna", "cell_type_mirna", "cells"):
        pd.testing.assert_frame_equal(table(shards[0], name), table(shards[1], name))


def test_groups_do_not_touch_each_others_draws(tmp_path, model):
    """Leaving a type out changes the scaling, but not which cells of another are drawn."""

    class Echo:
        def predict_with_sd(self, z):
            seen.append(z)
            return np.zeros((len(z), 1298), np.float32), None

    seen: list[np.ndarray] = []
    data = simulated.cells({"a": 410, "b": 30, "c": 30, "z": 430}, n_other=1)
    for name, each in (("all", data), ("less", data[data.obs["label"] != "z"].copy())):
        simulated.predict(
            simulated.prepare(each, tmp_path / name),
            tmp_path / name / "s",
            model,
            Echo(),
            per_cell=False,
        )
    # differences between draws of one type, in units that do not depend on the others
    a, b = (np.diff(z[:5], axis=0) for z in seen)
    changing = (b != 0).all(axis=0)
    assert changing.sum() > 900
    ratio = a[:, changing] / b[:, changing]
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[0], ratio.shape), rtol=1e-4)


def test_versions_are_in_every_file(shard, model):
    for file in shard.files:
        metadata = pq.read_schema(shard.folder / file.path).metadata
        assert metadata[b"sicmir_atlas.schema_version"].decode() == SCHEMA_VERSION
        assert metadata[b"sicmir_atlas.model_id"].decode() == model.model_id
        assert metadata[b"sicmir_atlas.dataset_sha256"].decode() == "0" * 64


def test_file_names_carry_their_checksum(shard):
    for file in shard.files:
        path = shard.folder / file.path
        assert path.stat().st_size == file.bytes
        assert pq.ParquetFile(path).metadata.num_rows == file.rows
        if "/" in file.path:
            assert path.name == f"d1-{file.sha256[:12]}.parquet"


def test_facts_of_the_dataset(shard, model):
    about = shard.dataset
    assert about["status"] == "included"
    assert (about["n_barcodes"], about["n_cells_raw"], about["n_cells_qc"]) == (87, 87, 87)
    assert (about["n_donors"], about["n_cell_types"], about["n_landmarks"]) == (2, 4, 977)
    assert (about["tissues"], about["diseases"]) == (["blood"], ["normal"])
    assert (about["n_pools"], about["pooling"]) == (4, "average")
    assert about["model_id"] == model.model_id


def test_a_model_of_other_panels_is_refused(prepared, tmp_path, model, predictor):
    class Other:
        model_id, landmarks, mirnas = "other", model.landmarks[::-1], model.mirnas

    with pytest.raises(InputError, match="model other: its genes or miRNAs are not"):
        simulated.predict(prepared, tmp_path / "s", Other(), predictor)


def test_a_failure_leaves_no_shard(prepared, tmp_path, model):
    class Broken:
        def predict_with_sd(self, _):
            msg = "out of memory"
            raise MemoryError(msg)

    with pytest.raises(MemoryError):
        simulated.predict(prepared, tmp_path / "s", model, Broken())
    assert not (tmp_path / "s").exists()


def test_a_name_with_a_bar_keeps_groups_apart(tmp_path, model, predictor):
    data = simulated.cells({"a": 10, "a|b": 12, "c": 8})
    data.obs["where"] = np.where(data.obs["label"] == "a", "b|x", "x")
    prepared = simulated.prepare(data, tmp_path, tissue="obs:where")
    pools = table(simulated.predict(prepared, tmp_path / "s", model, predictor), "pool_mirna")
    got = set(zip(pools["cell_type_original"], pools["tissue"], pools["n_cells"], strict=True))
    assert got == {("a", "b|x", 10), ("a|b", "x", 12), ("c", "x", 8)}
    assert pools["pool_id"].is_unique


def test_a_planted_marker_is_recovered(tmp_path, model):
    """Atlas specification, section 9: a gene planted in one type, with a network that copies."""

    class Copy:
        def predict(self, z):
            out = np.full((len(z), 1298), -9, np.float32)
            out[:, :977] = z
            return out

        def predict_with_sd(self, z):
            return self.predict(z), None

    data = simulated.cells({"a": 420, "b": 40, "c": 40}, n_other=1)
    counts = data.X.toarray()
    counts[data.obs["label"] == "b", 123] = 30
    data.X = sparse.csr_matrix(counts)
    prepared = simulated.prepare(data, tmp_path)
    for balance in ("published", "balanced"):
        shard = simulated.predict(prepared, tmp_path / balance, model, Copy(), balance=balance)
        marker = table(shard, "cell_type_mirna").query(f"mirna == '{mirnas()[123]}'")
        over_types = marker.set_index("cell_type_original")["rank_over_types"]
        assert over_types["b"] == 1
        cells = table(shard, "cell_mirna").merge(prepared.cells(), on="cell_id")
        by_type = cells.groupby("cell_type_original", observed=True)[mirnas()[123]].min()
        assert by_type["b"] > cells.loc[cells["cell_type_original"] != "b", mirnas()[123]].max()


def test_the_spread_of_an_ensembles_members_is_averaged_over_pools(tmp_path):
    several = ensemble()
    prepared = simulated.prepare(simulated.cells({"a": 410, "b": 30, "c": 30}, n_other=1), tmp_path)
    shard = simulated.predict(
        prepared, tmp_path / "s", several, load_predictor(several), per_cell=False
    )
    got = table(shard, "cell_type_mirna").pivot_table(
        index="cell_type_original", columns="mirna", values="model_sd"
    )[list(mirnas())]
    pools = table(shard, "pool_mirna")
    predicted = pools[list(mirnas())].to_numpy(np.float64)
    # members are linear, so the z-scores follow from two predictions that are known to be theirs
    weights = np.mean([m.weight.astype(np.float64) for m in several.members], axis=0)
    bias = np.mean([m.bias.astype(np.float64) for m in several.members], axis=0)
    z = np.linalg.lstsq(weights.T, (predicted - bias).T, rcond=None)[0].T
    _, sd = by_hand(several, z)
    expected = pd.DataFrame(sd).groupby(pools["cell_type_original"]).mean()
    np.testing.assert_allclose(got, expected, rtol=5e-3)
    # of groups averaged in one pool there is a spread over members, not over pools
    over_pools = table(shard, "cell_type_mirna").set_index("cell_type_original")["sd"]
    assert over_pools.loc["b"].isna().all()
    assert (got.loc["b"] > 0).all()


def test_one_member_has_no_spread(prepared, tmp_path):
    one = ensemble(n_members=1)
    shard = simulated.predict(prepared, tmp_path / "s", one, load_predictor(one), per_cell=False)
    assert table(shard, "cell_type_mirna")["model_sd"].isna().all()


@pytest.mark.parametrize("limit", [0.5, 0.99])
def test_distance_of_a_datasets_pools(prepared, tmp_path, limit):
    several = ensemble(limit=limit)
    shard = simulated.predict(prepared, tmp_path / "s", several, load_predictor(several))
    share = outside(several, zscored(type_means(prepared).to_numpy()))
    assert shard.dataset["domain_distance"] == pytest.approx(share, abs=1e-4)
    assert shard.dataset["is_far"] is (share > limit)


def test_distance_of_cells_where_there_are_no_pools(adata, tmp_path, monkeypatch):
    from sicmir_atlas.readers.h5ad import H5adMatrix

    blocks = H5adMatrix.blocks
    monkeypatch.setattr(H5adMatrix, "blocks", lambda self: blocks(self, 7))
    several = ensemble()
    prepared = simulated.prepare(adata, tmp_path, cell_type=None, clustering=NO_CLUSTERS)
    shard = simulated.predict(prepared, tmp_path / "s", several, load_predictor(several))
    share = outside(several, zscored(simulated.matrix(prepared).astype(np.float64)))
    assert shard.dataset["domain_distance"] == pytest.approx(share, abs=1e-4)
    assert shard.dataset["is_far"] is None  # most of the variance of single cells is chance


@pytest.mark.parametrize(("n_missing", "short"), [(48, False), (49, True)])
def test_short_of_landmarks(adata, tmp_path, n_missing, short):
    several = ensemble()
    prepared = simulated.prepare(adata[:, n_missing:].copy(), tmp_path)
    shard = simulated.predict(
        prepared, tmp_path / "s", several, load_predictor(several), per_cell=False
    )
    assert shard.dataset["n_landmarks"] == 977 - n_missing
    assert shard.dataset["is_short_of_landmarks"] is short
