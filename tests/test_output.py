from __future__ import annotations

import re

import anndata as ad
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import sicmir_atlas as sa
import simulated
from ensemble import UNMEASURED, ensemble
from sicmir_atlas.cli.app import main
from sicmir_atlas.errors import InputError
from sicmir_atlas.model.weights import DEFAULT_MODEL, save_model
from sicmir_atlas.names import landmarks, mirnas
from sicmir_atlas.output import output_format, write_prediction
from sicmir_atlas.prediction import Block, Prediction
from sicmir_atlas.trust import DomainMeter, mirna_table


@pytest.fixture(scope="module")
def adata():
    data = simulated.cells({"b": 30, "a": 20, "c": 25})
    data.obs["score"] = np.linspace(0, 1, 75)
    data.var["length"] = np.arange(data.n_vars)
    data.layers["twice"] = data.X * 2
    data.obsm["X_umap"] = np.random.default_rng(0).normal(size=(75, 2))
    data.uns["title"] = "mine"
    return data


@pytest.fixture(scope="module")
def source(adata, tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "my.h5ad"
    adata.write_h5ad(path)
    return path


@pytest.fixture
def predict(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main(["predict", *map(str, arguments)])
        captured = capsys.readouterr()
        assert stopped.value.code == 0, captured.err
        assert captured.out == ""
        return captured.err

    return run


@pytest.fixture
def small_blocks(monkeypatch):
    """Read and write a few rows at a time."""
    from sicmir_atlas.readers.h5ad import H5adMatrix

    blocks = H5adMatrix.blocks
    monkeypatch.setattr(H5adMatrix, "blocks", lambda self: blocks(self, 7))
    monkeypatch.setattr("sicmir_atlas.output._ROWS_AT_ONCE", 20)


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """A model of several members, and its folder."""
    folder = tmp_path_factory.mktemp("model") / "ensemble"
    save_model(ensemble(), folder)
    return folder


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.h5ad", "h5ad"), ("a.b.parquet", "parquet"), ("a.csv", "csv"), ("a.csv.gz", "csv")],
)
def test_the_ending_says_the_format(tmp_path, name, kind):
    assert output_format(tmp_path / name) == kind


@pytest.mark.parametrize("name", ["a", "a.tsv", "a.h5ad.gz", "a.parquet.gz", "csv", "a.CSV.bz2"])
def test_other_endings(tmp_path, name):
    with pytest.raises(InputError, match=r"\.h5ad, \.parquet, \.csv or \.csv\.gz"):
        output_format(tmp_path / name)


def test_h5ad_keeps_everything_and_adds_mirnas(predict, source, adata, tmp_path):
    before = source.read_bytes()
    assert "75 rows × 1298" in predict(source, "-o", tmp_path / "out.h5ad")
    got = ad.read_h5ad(tmp_path / "out.h5ad")
    pd.testing.assert_frame_equal(got.obsm["mirna"], sa.predict(adata), check_names=False)
    assert (got.X != adata.X).nnz == 0
    assert (got.layers["twice"] != adata.layers["twice"]).nnz == 0
    pd.testing.assert_frame_equal(got.obs, adata.obs)
    pd.testing.assert_frame_equal(got.var, adata.var)
    np.testing.assert_array_equal(got.obsm["X_umap"], adata.obsm["X_umap"])
    assert set(got.obsm) - {"mirna_sd"} == {"X_umap", "mirna"}
    assert got.uns["title"] == "mine"
    assert got.uns["sicmir"]["model_id"] == DEFAULT_MODEL
    assert list(got.uns["sicmir"]["missing_landmarks"]) == []
    assert source.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out.h5ad"]


def test_a_second_run_replaces_the_first(predict, source, adata, tmp_path):
    first, second = tmp_path / "1.h5ad", tmp_path / "2.h5ad"
    predict(source, "-o", first)
    few = ad.read_h5ad(first)[:, 10:].copy()
    few.write_h5ad(first)
    predict(first, "-o", second)
    got = ad.read_h5ad(second)
    expected = sa.predict(adata[:, 10:].copy())
    pd.testing.assert_frame_equal(got.obsm["mirna"], expected, check_names=False)
    assert list(got.uns["sicmir"]["missing_landmarks"]) == list(landmarks()[:10])
    predict(second, "-o", second)  # onto itself
    again = ad.read_h5ad(second)
    pd.testing.assert_frame_equal(again.obsm["mirna"], got.obsm["mirna"])


def test_h5ad_of_groups(predict, source, adata, tmp_path):
    predict(source, "--by", "label", "-o", tmp_path / "out.h5ad")
    got = ad.read_h5ad(tmp_path / "out.h5ad")
    assert list(got.obs_names) == ["a_average", "b_average", "c_average"]
    assert got.obs["group"].tolist() == ["a", "b", "c"]
    assert got.obs["n_cells"].tolist() == [20, 30, 25]
    np.testing.assert_array_equal(got.obsm["mirna"], sa.predict(adata, by="label"))


def test_h5ad_from_a_table_keeps_its_cells(predict, adata, tmp_path):
    counts = pd.DataFrame(adata.X.T.toarray().astype(int), adata.var_names, adata.obs_names)
    counts.to_csv(tmp_path / "counts.csv")
    predict(tmp_path / "counts.csv", "-o", tmp_path / "out.h5ad")
    got = ad.read_h5ad(tmp_path / "out.h5ad")
    assert list(got.obs_names) == list(adata.obs_names)
    np.testing.assert_allclose(got.obsm["mirna"], sa.predict(adata), atol=1e-6)


@pytest.mark.parametrize("name", ["out.parquet", "out.csv", "out.csv.gz"])
@pytest.mark.usefixtures("small_blocks")
def test_tables_of_cells(predict, source, adata, tmp_path, name):
    path = tmp_path / name
    predict(source, "-o", path)
    if name == "out.parquet":
        got = pq.read_table(path).to_pandas().set_index("cell_id")
        assert pq.ParquetFile(path).num_row_groups > 1
    else:
        got = pd.read_csv(path, index_col="cell_id")
    assert list(got.index) == list(adata.obs_names)
    assert list(got.columns) == list(mirnas())
    np.testing.assert_allclose(got, sa.predict(adata), atol=2e-5, rtol=1e-5)


def test_tables_of_groups(predict, source, adata, tmp_path):
    predict(source, "--by", "label", "-o", tmp_path / "out.csv")
    got = pd.read_csv(tmp_path / "out.csv", index_col="pool_id")
    np.testing.assert_allclose(got, sa.predict(adata, by="label"), rtol=1e-5, atol=1e-6)


def test_parquet_states_the_model(predict, source, tmp_path):
    predict(source, "-o", tmp_path / "out.parquet")
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert schema.metadata[b"sicmir_atlas.model_id"].decode() == DEFAULT_MODEL
    assert {str(schema.field(name).type) for name in mirnas()} == {"float"}


def test_bulk_and_scaled(predict, adata, tmp_path):
    values = np.log1p(pd.DataFrame(adata.X[:8].toarray(), adata.obs_names[:8], adata.var_names))
    expected = sa.predict(values, kind="bulk")
    scores = (values - values.mean()) / values.std(ddof=0).replace(0, 1)
    values.T.to_csv(tmp_path / "bulk.csv")
    scores.to_csv(tmp_path / "scaled.csv")
    for kind in ("bulk", "scaled"):
        predict(f"--{kind}", tmp_path / f"{kind}.csv", "-o", tmp_path / "out.csv")
        got = pd.read_csv(tmp_path / "out.csv", index_col=0)
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_missing_landmarks_are_said(predict, adata, tmp_path, caplog):
    adata[:, 7:].copy().write_h5ad(tmp_path / "few.h5ad")
    with caplog.at_level("INFO"):
        predict(tmp_path / "few.h5ad", "-o", tmp_path / "out.csv")
    (message,) = [r.getMessage() for r in caplog.records if "missing" in r.getMessage()]
    assert message.startswith("few.h5ad: 7 of 977 landmark genes are missing: PSME1, CISD1")
    assert message.endswith(", …")


def test_a_folder_that_is_not_there_is_said_before_anything_is_read(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["predict", "gone.h5ad", "-o", str(tmp_path / "new/out.parquet")])
    assert stopped.value.code == 66
    assert "new: no such folder" in capsys.readouterr().err


def test_a_failure_leaves_nothing_and_keeps_what_was(source, tmp_path, capsys):
    target = tmp_path / "out.csv"
    target.write_text("earlier")
    with pytest.raises(SystemExit) as stopped:
        main(["predict", str(source), "-o", str(target), "--by", "nothing"])
    assert stopped.value.code == 64
    assert "it has: label, score" in capsys.readouterr().err
    assert target.read_text() == "earlier"
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


def test_a_failure_while_writing_leaves_nothing(source, tmp_path, monkeypatch):
    def broken(*_):
        msg = "disk full"
        raise RuntimeError(msg)

    monkeypatch.setattr("sicmir_atlas.output._batches", broken)
    with pytest.raises(SystemExit) as stopped:
        main(["predict", str(source), "-o", str(tmp_path / "out.h5ad")])
    assert stopped.value.code == 70
    assert not list(tmp_path.iterdir())


def test_what_a_killed_run_left_is_not_built_upon(tmp_path, model):
    stale = ad.AnnData(obs=pd.DataFrame({"of": "another run"}, index=["x", "y"]))
    stale.write_h5ad(tmp_path / ".part-out.h5ad")
    pools = pd.DataFrame({"pool_id": ["a", "b"], "n_cells": [3, 4]})
    made = Prediction(
        rows=pools,
        mirna_table=mirna_table(model).head(1),
        blocks_with_sd=iter([Block(np.ones((2, 1), np.float32))]),
        missing={},
        model_id="m",
        pooled=True,
        has_sd=False,
        meter=DomainMeter(model),
        is_judged=True,
    )
    write_prediction(made, tmp_path / "out.h5ad")
    written = ad.read_h5ad(tmp_path / "out.h5ad")
    assert list(written.obs_names) == ["a", "b"]
    assert list(written.obs) == ["n_cells"]
    assert [path.name for path in tmp_path.iterdir()] == ["out.h5ad"]


@pytest.mark.usefixtures("small_blocks")
def test_h5ad_of_an_ensemble(predict, source, adata, several, tmp_path):
    predict(source, "--model", several, "-o", tmp_path / "out.h5ad")
    got = ad.read_h5ad(tmp_path / "out.h5ad")
    mean, sd = sa.predict_with_sd(adata, model=several)
    np.testing.assert_allclose(got.obsm["mirna"], mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got.obsm["mirna_sd"], sd, rtol=1e-4, atol=1e-5)
    assert list(got.obsm["mirna_sd"].columns) == list(mirnas())
    about = got.uns["sicmir"]
    assert 0 < about["domain_distance"] < 1
    assert "is_far" not in about  # single cells are not judged
    known = sa.mirna_table(several).set_index("mirna")
    pd.testing.assert_frame_equal(about["mirnas"], known, check_names=False, check_dtype=False)
    assert np.isnan(about["mirnas"].loc[UNMEASURED, "reliability_high"])


def test_one_member_takes_the_spread_of_another_run_away(predict, source, several, tmp_path):
    save_model(ensemble(n_members=1), tmp_path / "one")
    predict(source, "--model", several, "-o", tmp_path / "out.h5ad")
    predict(tmp_path / "out.h5ad", "--model", tmp_path / "one", "-o", tmp_path / "out.h5ad")
    assert set(ad.read_h5ad(tmp_path / "out.h5ad").obsm) == {"X_umap", "mirna"}


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz"])
@pytest.mark.usefixtures("small_blocks")
def test_tables_of_the_spread_and_of_mirnas(predict, source, several, tmp_path, ending):
    paths = [tmp_path / f"{name}.{ending}" for name in ("out", "sd", "mirnas")]
    predict(source, "--model", several, "-o", paths[0], "--sd", paths[1], "--mirnas", paths[2])
    out, sd, table = (pd.read_parquet(p) if ending == "parquet" else pd.read_csv(p) for p in paths)
    expected = sa.predict_with_sd(source, model=several)
    for got, wanted in zip((out, sd), expected, strict=True):
        np.testing.assert_allclose(got.set_index("cell_id"), wanted, rtol=1e-4, atol=2e-5)
    known = sa.mirna_table(several)
    assert list(table) == list(known)
    for name in known:
        pd.testing.assert_series_equal(
            table[name].astype(known[name].dtype), known[name], check_exact=False, rtol=1e-5
        )
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in paths)


@pytest.mark.parametrize(
    ("companion", "said"),
    [
        (("--sd", "sd.h5ad"), r"sd\.h5ad: a table goes to \.parquet, \.csv or \.csv\.gz"),
        (("--mirnas", "m.tsv"), "the ending says the format"),
        (("--sd", "out.csv"), "name one file twice"),
        (("--sd", "sd.csv"), "model ensemble has one member, so there is no spread"),
    ],
)
def test_companions_that_cannot_be(source, tmp_path, capsys, companion, said):
    save_model(ensemble(n_members=1), tmp_path / "one")
    option, name = companion
    files = ["-o", str(tmp_path / "out.csv"), option, str(tmp_path / name)]
    with pytest.raises(SystemExit) as stopped:
        main(["predict", str(source), "--model", str(tmp_path / "one"), *files])
    assert stopped.value.code == 64
    assert re.search(said, capsys.readouterr().err)
    assert [p.name for p in tmp_path.iterdir()] == ["one"]


def test_what_the_model_was_not_made_for_is_said_with_the_number(
    predict, source, several, tmp_path, caplog
):
    predict(source, "--model", several, "--by", "label", "-o", tmp_path / "out.h5ad")
    about = ad.read_h5ad(tmp_path / "out.h5ad").uns["sicmir"]
    assert about["is_far"]
    (said,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    percent = f"{100 * about['domain_distance']:.0f} %"
    assert f"my.h5ad: far from what ensemble was trained on: {percent} of the variance" in said
    assert "at most 60 % did" in said
    caplog.clear()
    ad.read_h5ad(source)[:, 100:].write_h5ad(tmp_path / "few.h5ad")
    predict(tmp_path / "few.h5ad", "--model", several, "-o", tmp_path / "out.h5ad")
    (said,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert said.startswith("few.h5ad: 100 of 977 landmark genes are missing")
