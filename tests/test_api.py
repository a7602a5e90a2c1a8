from __future__ import annotations

import gzip
from dataclasses import replace

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import mmwrite

import sicmir_atlas as sa
import simulated
from ensemble import by_hand, ensemble, outside
from sicmir_atlas.errors import GoneError, InputError
from sicmir_atlas.model.weights import load_model, save_model
from sicmir_atlas.names import landmarks, mirnas, read_data_table


@pytest.fixture(scope="module")
def adata():
    data = simulated.cells({"b": 30, "a": 20, "c": 25})
    return data[np.random.default_rng(1).permutation(data.n_obs)].copy()


def logged(adata):
    counts = adata.X.toarray().astype(np.float64)
    values = np.log(counts / counts.sum(axis=1, keepdims=True) * 1e4 + 1)
    return pd.DataFrame(values, adata.obs_names, adata.var_names)[list(landmarks())]


def z(values, weights=None):
    values = np.asarray(values, np.float64)
    mean = np.average(values, axis=0, weights=weights)
    sd = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
    return np.divide(values - mean, sd, out=np.zeros_like(values), where=sd > 0)


def test_cells(adata, predictor):
    before = adata.copy()
    got = sa.predict(adata)
    assert list(got.columns) == list(mirnas())
    assert list(got.index) == list(adata.obs_names)
    assert set(got.dtypes) == {np.dtype("float32")}
    expected = predictor.predict(z(logged(adata)))
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)
    pd.testing.assert_frame_equal(adata.obs, before.obs)
    assert (adata.X != before.X).nnz == 0
    assert adata.obs_names.name == before.obs_names.name


def test_groups(adata, predictor):
    got = sa.predict(adata, by="label")
    assert got.index.names == ["label", "pool_id"]
    assert list(got.index.get_level_values("label")) == ["a", "b", "c"]
    means = logged(adata).groupby(adata.obs["label"].astype(str)).mean()
    np.testing.assert_allclose(got, predictor.predict(z(means)), rtol=1e-4, atol=1e-4)


def test_bootstrap_and_average_by_word(adata):
    drawn = sa.predict(adata, by="label", mode="bootstrap")
    assert [name.rsplit("_", 2)[1] for name in drawn.index.get_level_values("pool_id")] == [
        "bootstrap"
    ] * 3
    assert not np.allclose(drawn, sa.predict(adata, by="label", mode="bootstrap", seed=1))
    pd.testing.assert_frame_equal(drawn, sa.predict(adata, by="label", mode="bootstrap"))
    pd.testing.assert_frame_equal(
        sa.predict(adata, by="label", mode="average"), sa.predict(adata, by="label")
    )


def test_auto_bootstraps_above_400_cells():
    data = simulated.cells({"a": 401, "b": 400, "c": 3}, n_other=1)
    got = sa.predict(data, by="label")
    groups = got.index.get_level_values("label")
    assert [list(groups).count(name) for name in "abc"] == [5, 1, 1]


def test_per_cell_with_groups_balanced(adata, predictor):
    got = sa.predict(adata, by="label", mode="percell", balance="balanced")
    types = adata.obs["label"].astype(str)
    weights = 1 / types.map(types.value_counts())
    expected = predictor.predict(z(logged(adata), weights))
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)
    assert not np.allclose(got, sa.predict(adata), atol=1e-3)


def test_sparse_dense_and_any_type_give_the_same(adata):
    expected = sa.predict(adata)
    for values in (
        adata.X.toarray(),
        adata.X.astype(np.int64),
        adata.X.astype(np.uint16).toarray(),
        adata.X.tocsc(),
        sparse.csr_array(adata.X),
    ):
        other = ad.AnnData(values, obs=adata.obs, var=adata.var)
        pd.testing.assert_frame_equal(sa.predict(other), expected)


def test_views_and_backed_files(adata, tmp_path):
    some = adata[10:40, ::-1]
    expected = sa.predict(some.copy())
    pd.testing.assert_frame_equal(sa.predict(some), expected)
    some.copy().write_h5ad(tmp_path / "some.h5ad")
    backed = ad.read_h5ad(tmp_path / "some.h5ad", backed="r")
    pd.testing.assert_frame_equal(sa.predict(backed), expected)
    backed.file.close()


def write_h5ad(adata, folder):
    adata.write_h5ad(folder / "my.h5ad")
    return folder / "my.h5ad"


def write_triplet(adata, folder):
    folder = folder / "triplet"
    folder.mkdir()
    with gzip.open(folder / "matrix.mtx.gz", "wb") as file:
        mmwrite(file, adata.X.T.tocoo().astype(np.int64))
    names = pd.DataFrame({"id": adata.var_names, "symbol": adata.var_names, "t": "Gene Expression"})
    names.to_csv(folder / "features.tsv.gz", sep="\t", header=False, index=False)
    adata.obs_names.to_frame().to_csv(
        folder / "barcodes.tsv.gz", sep="\t", header=False, index=False
    )
    return folder


def write_prefixed_triplet(adata, folder):
    for path in sorted(write_triplet(adata, folder).iterdir()):
        path.rename(folder / f"GSM1_{path.name}")
    (folder / "GSM1_notes.docx").touch()
    (folder / "GSM12_matrix.mtx.gz").touch()
    return folder / "GSM1_matrix.mtx.gz"


def write_plain_matrix(adata, folder):
    inside = write_triplet(adata, folder)
    (inside / "old.h5ad").touch()
    return inside / "matrix.mtx.gz"


def write_csv(adata, folder):
    table = pd.DataFrame(
        adata.X.T.toarray().astype(int), adata.var_names.rename("gene"), adata.obs_names
    )
    table.to_csv(folder / "counts.csv.gz")
    return folder / "counts.csv.gz"


@pytest.mark.parametrize(
    "write", [write_h5ad, write_triplet, write_prefixed_triplet, write_plain_matrix, write_csv]
)
def test_files_give_what_memory_gives(adata, tmp_path, write):
    path = write(adata, tmp_path)
    expected = sa.predict(adata)
    pd.testing.assert_frame_equal(sa.predict(path), expected, check_names=False)
    pd.testing.assert_frame_equal(sa.predict(str(path)), expected, check_names=False)


def test_a_data_frame_of_counts(adata):
    frame = pd.DataFrame(adata.X.toarray(), adata.obs_names, adata.var_names)
    pd.testing.assert_frame_equal(sa.predict(frame), sa.predict(adata), check_names=False)


def test_layers_and_raw(adata):
    expected = sa.predict(adata)
    other = adata.copy()
    other.layers["umi"] = other.X
    other.X = np.log1p(other.X)
    with pytest.raises(InputError, match=r"AnnData: the matrix looks log-normalised.*--layer"):
        sa.predict(other)
    pd.testing.assert_frame_equal(sa.predict(other, layer="umi"), expected)
    raw = adata.copy()
    raw.raw = adata
    raw = raw[:, :500].copy()
    raw.X = np.log1p(raw.X)
    pd.testing.assert_frame_equal(sa.predict(raw), expected)
    pd.testing.assert_frame_equal(sa.predict(raw, layer="raw.X"), expected)
    with pytest.raises(InputError, match="no layer 'counts'; it has: X, raw"):
        sa.predict(raw, layer="counts")


def test_gene_symbols(adata):
    other = adata.copy()
    other.var["mine"] = adata.var_names
    other.var_names = [f"g{i}" for i in range(adata.n_vars)]
    with pytest.raises(InputError, match="977 of 977 landmark genes are missing"):
        sa.predict(other)
    pd.testing.assert_frame_equal(sa.predict(other, gene_symbols="mine"), sa.predict(adata))
    with pytest.raises(InputError, match="var has no column 'yours'; it has: mine"):
        sa.predict(other, gene_symbols="yours")


def test_a_column_that_is_not_there_names_those_that_are(adata):
    with pytest.raises(InputError, match="no column 'celltype' to pool by; it has: label"):
        sa.predict(adata, by="celltype")


@pytest.mark.parametrize("mode", ["average", "bootstrap"])
def test_pools_need_a_column(adata, mode):
    with pytest.raises(InputError, match=f"mode {mode} pools cells: say by which column"):
        sa.predict(adata, mode=mode)


def test_fewer_than_three_pools(adata):
    two = adata[adata.obs["label"] != "c"].copy()
    with pytest.raises(InputError, match="label gives 2 pools; z-scores need at least 3"):
        sa.predict(two, by="label")


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("kind", ["counts", "bulk"])
def test_fewer_than_three_rows(adata, kind, rows):
    frame = pd.DataFrame(adata.X[:rows].toarray(), columns=adata.var_names)
    with pytest.raises(InputError, match=f"{rows} rows?; z-scores need at least 3"):
        sa.predict(frame, kind=kind)
    assert len(sa.predict(frame, kind="scaled")) == rows


def test_no_rows(adata):
    with pytest.raises(InputError, match="0 rows"):
        sa.predict(adata[:0].copy())


def test_labels_that_are_missing_or_no_text(adata, predictor):
    other = adata.copy()
    other.obs["n"] = np.where(other.obs["label"] == "c", np.nan, np.arange(75) % 3)
    got = sa.predict(other, by="n")
    kept = other.obs["n"].notna()
    means = logged(other)[kept].groupby(other.obs["n"][kept]).mean()
    np.testing.assert_allclose(got, predictor.predict(z(means)), rtol=1e-4, atol=1e-4)
    other.obs["cluster"] = pd.Categorical((np.arange(75) % 3).astype(int), categories=range(9))
    by_number = sa.predict(other, by="cluster")
    assert len(by_number) == 3  # categories without a cell are no pools
    other.obs["flag"] = pd.Categorical(np.array(["x", "y", "z"])[np.arange(75) % 3])
    np.testing.assert_array_equal(by_number, sa.predict(other, by="flag"))
    percell = sa.predict(other, by="n", mode="percell", balance="balanced")
    assert np.isfinite(percell).all(axis=None)


def test_bulk_and_scaled(adata, predictor):
    values = logged(adata)
    bulk = sa.predict(values, kind="bulk")
    np.testing.assert_allclose(bulk, predictor.predict(z(values)), rtol=1e-4, atol=1e-5)
    scaled = sa.predict(pd.DataFrame(z(values), values.index, values.columns), kind="scaled")
    np.testing.assert_allclose(scaled, bulk, rtol=1e-4, atol=1e-5)
    assert list(scaled.index) == list(values.index)


def test_bulk_scale_cancels(adata):
    """A gene's unit is lost in its z-score: log2 for ln, another zero."""
    values = logged(adata)
    np.testing.assert_allclose(
        sa.predict(values / np.log(2) + 3, kind="bulk"), sa.predict(values, kind="bulk"), atol=1e-4
    )


def test_scaled_cannot_be_pooled(adata):
    with pytest.raises(InputError, match="z-scored already cannot be pooled; leave out `by`"):
        sa.predict(adata, kind="scaled", by="label")


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("ids", "ending"),
    [("symbol", "csv"), ("ensembl", "tsv"), ("versioned", "csv.gz"), ("versioned", "parquet")],
)
def test_bulk_tables_in_both_orientations(adata, tmp_path, ids, turned, ending):
    values = logged(adata).iloc[:6].astype(np.float32)
    expected = sa.predict(values, kind="bulk")
    panel = read_data_table("landmarks.tsv")["ensembl_gene_id"]
    names = {"symbol": values.columns, "ensembl": panel, "versioned": panel + ".7"}[ids]
    values.columns = list(names)
    table = values.T if turned else values
    path = tmp_path / f"bulk.{ending}"
    if ending == "parquet":
        table.rename_axis("name").reset_index().to_parquet(path, index=False)
    else:
        table.to_csv(path, sep="\t" if ending == "tsv" else ",", index_label="name")
    got = sa.predict(path, kind="bulk")
    assert list(got.index) == list(expected.index)
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_a_parquet_that_pandas_wrote_with_its_index(adata, tmp_path):
    values = logged(adata).iloc[:6].astype(np.float32)
    values.to_parquet(tmp_path / "bulk.parquet")
    got = sa.predict(tmp_path / "bulk.parquet", kind="bulk")
    pd.testing.assert_frame_equal(got, sa.predict(values, kind="bulk"), check_names=False)


@pytest.mark.parametrize("sep", ["\t", ";"])
def test_a_bulk_table_as_r_writes_it(adata, tmp_path, sep):
    """The header is one field short."""
    values = logged(adata).iloc[:6]
    text = values.T.to_csv(sep=sep).removeprefix(sep)
    (tmp_path / "bulk.txt").write_text(text)
    got = sa.predict(tmp_path / "bulk.txt", kind="bulk")
    pd.testing.assert_frame_equal(got, sa.predict(values, kind="bulk"), check_names=False)


def test_samples_named_by_numbers(adata, tmp_path):
    values = logged(adata).iloc[:6].set_axis(range(10, 16))
    values.to_csv(tmp_path / "bulk.csv")
    assert list(sa.predict(tmp_path / "bulk.csv", kind="bulk").index) == [*map(str, range(10, 16))]


def test_text_in_a_bulk_table_is_named(adata, tmp_path):
    table = logged(adata).iloc[:6].T
    table.insert(0, "description", "a gene")
    table.to_csv(tmp_path / "bulk.csv")
    with pytest.raises(InputError, match=r"bulk\.csv: column 'description' holds text"):
        sa.predict(tmp_path / "bulk.csv", kind="bulk")


@pytest.mark.parametrize("content", ["", "no table at all"])
def test_what_is_no_table(tmp_path, content):
    (tmp_path / "bulk.csv").write_text(content)
    with pytest.raises(InputError, match=r"bulk\.csv"):
        sa.predict(tmp_path / "bulk.csv", kind="bulk")


def test_a_table_that_is_no_parquet(tmp_path):
    (tmp_path / "bulk.parquet").write_text("no")
    with pytest.raises(InputError, match=r"bulk\.parquet: cannot be read as a table"):
        sa.predict(tmp_path / "bulk.parquet", kind="bulk")


@pytest.mark.parametrize("kind", ["bulk", "scaled"])
def test_values_that_are_missing_are_named(adata, kind):
    values = logged(adata).iloc[:6]
    values.iloc[2, 5] = np.nan
    expected = f"{values.index[2]}, {landmarks()[5]} is not a number"
    with pytest.raises(InputError, match=expected):
        sa.predict(values, kind=kind)


def test_a_file_that_is_not_there(tmp_path):
    for kind in ("counts", "bulk"):
        with pytest.raises(GoneError, match="no such file"):
            sa.predict(tmp_path / "gone.csv", kind=kind)


def test_repeated_cells_are_refused(adata):
    twice = adata[:5].copy()
    twice.obs_names = ["a", "a", "b", "c", "d"]
    with pytest.raises(InputError, match="1 cell ids occur more than once"):
        sa.predict(twice)


def test_missing_landmarks_are_constant(adata, predictor):
    few = adata[:, 300:].copy()
    got = sa.predict(few)
    counts = few.X.toarray().astype(np.float64)
    values = np.zeros((75, 977))
    values[:, 300:] = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)[:, :677]
    np.testing.assert_allclose(got, predictor.predict(z(values)), rtol=1e-3, atol=1e-4)


def test_blocks_do_not_matter(adata, monkeypatch, tmp_path):
    adata.write_h5ad(tmp_path / "my.h5ad")
    expected = sa.predict(tmp_path / "my.h5ad")
    from sicmir_atlas.readers.h5ad import H5adMatrix

    blocks = H5adMatrix.blocks
    monkeypatch.setattr(H5adMatrix, "blocks", lambda self: blocks(self, 7))
    np.testing.assert_allclose(sa.predict(tmp_path / "my.h5ad"), expected, rtol=1e-4, atol=1e-5)


def test_an_unknown_name_of_the_package():
    with pytest.raises(AttributeError, match="nothing"):
        _ = sa.nothing


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "ensemble"
    save_model(ensemble(), folder)
    return folder


def test_the_spread_of_the_members(adata, several):
    expected = by_hand(ensemble(), z(logged(adata)))
    for got, wanted in zip(sa.predict_with_sd(adata, model=several), expected, strict=True):
        assert list(got.index) == list(adata.obs_names)
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4)
    means = logged(adata).groupby(adata.obs["label"].astype(str)).mean()
    pooled = sa.predict_with_sd(adata, model=several, by="label")
    for got, wanted in zip(pooled, by_hand(ensemble(), z(means)), strict=True):
        assert got.index.names == ["label", "pool_id"]
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4)
    pd.testing.assert_frame_equal(pooled[0], sa.predict(adata, model=several, by="label"))


def test_one_member_has_no_spread(adata, tmp_path):
    save_model(ensemble(n_members=1), tmp_path / "one")
    mean, sd = sa.predict_with_sd(adata, model=tmp_path / "one")
    assert sd is None
    pd.testing.assert_frame_equal(mean, sa.predict(adata, model=tmp_path / "one"))


def warnings(caplog):
    return [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]


def test_pools_and_samples_far_from_the_training_data(adata, several, caplog):
    sa.predict(adata, model=several)
    assert not warnings(caplog)  # single cells are not judged
    means = logged(adata).groupby(adata.obs["label"].astype(str)).mean()
    sa.predict(adata, model=several, by="label")
    sa.predict(logged(adata), kind="bulk", model=several)
    for said, values in zip(warnings(caplog), (means, logged(adata)), strict=True):
        share = outside(ensemble(), z(values))
        assert f"far from what ensemble was trained on: {100 * share:.0f} %" in said


def test_samples_of_the_training_domain(several, caplog):
    model = ensemble()
    inside = np.random.default_rng(2).normal(size=(9, 50)) @ model.scaling["domain_directions"]
    sa.predict(pd.DataFrame(inside, columns=landmarks()), kind="scaled", model=several)
    assert not warnings(caplog)


@pytest.mark.real
def test_scaled_input_reproduces_scaling_of_the_published_demo(shared_data):
    """Published landmarks z-score to the published z-scores, so both predict the same."""
    parity = shared_data / "parity"
    own = sa.predict(parity / "gbm_pooled_landmarks.parquet", kind="bulk")
    given = sa.predict(parity / "gbm_pooled_landmarks_zscored.parquet", kind="scaled")
    assert own.shape == (38, 1298)
    np.testing.assert_allclose(own, given, atol=1e-4)


def test_a_model_of_other_genes_is_refused(adata, tmp_path):
    """Its columns would be read as the published landmarks', and predicted without a word."""
    model = load_model()
    turned = replace(model, landmarks=tuple(reversed(model.landmarks)), model_id="turned")
    save_model(turned, tmp_path / "turned")
    with pytest.raises(InputError, match="model turned: its genes are not the 977 published"):
        sa.predict(adata, model=tmp_path / "turned")
