from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

pytest.importorskip("xgboost")

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.model import metrics
from sicmir_atlas.model.mirscape import Mirscape, Settings, train
from sicmir_atlas.model.mirscape_input import standardise_samples
from sicmir_atlas.model.mirscape_output import (
    importance,
    load_mirscape,
    per_mirna,
    predict_clusters,
    predict_table,
    save_mirscape,
)

pytestmark = pytest.mark.torch

GENES = [f"G{i}" for i in range(12)]
MIRNAS = [f"hsa-miR-{i}" for i in range(5)]


def _simulated(n=80, seed=0):
    """Genes on a log2 scale; every miRNA follows one gene, the last one nothing."""
    rng = np.random.default_rng(seed)
    x = pd.DataFrame(rng.gamma(4, 2, (n, 12)), columns=GENES)
    y = np.log(2) * (x.to_numpy()[:, :5] / 2 + 0.2 * rng.normal(size=(n, 5)))
    y[:, 4] = rng.normal(size=n)
    return x, y


@pytest.fixture(scope="module")
def trained():
    x, y = _simulated()
    return train(standardise_samples(x, "log2"), y, genes=GENES, mirnas=MIRNAS)


@pytest.mark.parametrize("method", ["exact", "hist"])
@pytest.mark.parametrize(
    ("base", "rounds", "expected"),
    [
        (0.5, 1, [0.6, 0.6, 1.2, 1.2]),
        (0.5, 2, [0.68, 0.68, 1.76, 1.76]),
        ("mean", 1, [2.2, 2.2, 2.8, 2.8]),
    ],
)
def test_spec_v2(method, base, rounds, expected):
    settings = Settings(max_depth=1, base_score=base, rounds=rounds, tree_method=method)
    x, y = np.arange(4.0)[:, None], np.array([[1.0], [1], [3], [5]])
    model = train(x, y, genes=["G"], mirnas=["m"], settings=settings)
    np.testing.assert_allclose(model.predict(x)[:, 0], expected, atol=1e-6)


def test_a_constant_mirna_moves_from_the_base_towards_the_constant():
    """No split gains anything: every round adds .3 * n / (n + 1) of what is missing."""
    x = np.random.default_rng(0).normal(size=(9, 3))
    model = train(x, np.full((9, 1), 4.0), genes=["A", "B", "C"], mirnas=["m"])
    expected = 4 - 3.5 * (1 - 0.3 * 9 / 10) ** 20
    np.testing.assert_allclose(model.predict(x), expected, atol=1e-5)


def test_number_of_jobs_changes_nothing(trained):
    x, y = _simulated()
    y[::4, 1] = np.nan
    z = standardise_samples(x, "log2")
    one, three = (train(z, y, genes=GENES, mirnas=MIRNAS, jobs=jobs) for jobs in (1, 3))
    assert np.array_equal(one.predict(z), three.predict(z))
    assert np.array_equal(one.predict(z)[:, [0, 2, 3, 4]], trained.predict(z)[:, [0, 2, 3, 4]])


def test_a_sample_without_a_value_is_left_out_for_that_mirna_only(trained):
    x, y = _simulated()
    z = standardise_samples(x, "log2")
    holes = y.copy()
    holes[:30, 2] = np.nan
    holes[:, 3] = np.nan
    predicted = train(z, holes, genes=GENES, mirnas=MIRNAS).predict(z)
    alone = train(z[30:], y[30:, [2]], genes=GENES, mirnas=["m"])
    assert np.array_equal(predicted[:, 2], alone.predict(z)[:, 0])
    assert np.isnan(predicted[:, 3]).all()
    assert np.array_equal(predicted[:, 0], trained.predict(z)[:, 0])


def test_order_of_genes_does_not_matter(trained):
    x, _ = _simulated(seed=1)
    expected = predict_table(trained, x, "log2")
    turned = predict_table(trained, x[[*GENES[::-1]]].assign(OTHER=1.0), "log2")
    pd.testing.assert_frame_equal(turned, expected, check_exact=True)
    with pytest.raises(InputError, match="2 of the model's 12 genes are missing, such as G3"):
        predict_table(trained, x.drop(columns=["G3", "G7"]), "log2")


def test_saved_is_loaded_again(trained, tmp_path):
    x, y = _simulated(seed=1)
    y[:, 1] = np.nan
    z = standardise_samples(x, "log2")
    model = train(z, y, genes=GENES, mirnas=MIRNAS, settings=replace(Settings(), rounds=3))
    save_mirscape(model, tmp_path / "a.zip")
    loaded = load_mirscape(tmp_path / "a.zip")
    assert (loaded.genes, loaded.mirnas, loaded.settings) == (
        model.genes,
        model.mirnas,
        model.settings,
    )
    assert np.array_equal(loaded.predict(z), model.predict(z), equal_nan=True)
    save_mirscape(loaded, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    (tmp_path / "c.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:-40])
    with pytest.raises(CorruptError, match=r"c\.zip is no saved miRSCAPE model"):
        load_mirscape(tmp_path / "c.zip")


def test_importance_names_the_gene_that_was_followed(trained):
    table = importance(trained)
    first = table.groupby("mirna", sort=False).first()
    assert first["gene"].tolist()[:4] == GENES[:4]
    np.testing.assert_allclose(table.groupby("mirna")["gain"].sum(), 1)
    assert (table.groupby("mirna")["gain"].diff().dropna() <= 0).all()


def test_per_mirna_agrees_with_scipy(trained):
    x, y = _simulated(seed=2)
    y[:7, 0] = np.nan
    predicted = predict_table(trained, x, "log2").to_numpy(dtype=float)
    table = per_mirna(trained, y, predicted)
    assert table["mirna"].tolist() == MIRNAS
    for k in range(5):
        rows = ~np.isnan(y[:, k])
        pair = (y[rows, k], predicted[rows, k])
        assert table["pearson"][k] == pytest.approx(stats.pearsonr(*pair)[0])
        assert table["spearman"][k] == pytest.approx(stats.spearmanr(*pair)[0])
        assert table["mse"][k] == pytest.approx(np.mean((pair[0] - pair[1]) ** 2))
    assert (table["seconds"] > 0).all()


def test_clusters_of_cells(trained):
    """A sum and a mean over the same cells standardise to the same values."""
    rng = np.random.default_rng(3)
    cells = pd.DataFrame(rng.gamma(2, 1, (30, 12)), columns=GENES)
    clusters = ["a", "b", "c"] * 10
    table = predict_clusters(trained, cells, clusters)
    assert (table.index.tolist(), table.columns.tolist()) == (MIRNAS, ["a", "b", "c"])
    means = cells.groupby(clusters).mean()
    expected = predict_table(trained, means, "ln").T
    np.testing.assert_allclose(table, expected, atol=1e-5)
    drawn = predict_clusters(trained, cells, clusters, method="bootstrap80_mean", seed=1)
    assert not np.array_equal(drawn, table)
    as_they_are = predict_clusters(trained, cells, clusters, scaled=True)
    sums = cells.groupby(clusters).sum().to_numpy()
    np.testing.assert_array_equal(as_they_are.T, trained.predict(sums))


def test_learner_predicts_in_units_of_the_training_scores():
    x, y = _simulated(200)
    y[:, 3] = np.nan
    values, log2 = x.to_numpy(), y / np.log(2)
    predict = Mirscape(jobs=2).fit(values, log2, np.full(200, "all"), seed=0)
    predicted = predict(values)
    assert (metrics.pcc_per_mirna(log2[:, :3], predicted[:, :3]) > 0.9).all()
    np.testing.assert_allclose(predicted[:, :3].mean(axis=0), 0, atol=0.05)
    assert (predicted[:, :3].std(axis=0) > 0.7).all()
    assert (predicted[:, 3] == 0).all()


def test_learner_takes_only_its_features():
    x, y = _simulated()
    values, cohorts = x.to_numpy(), np.full(80, "all")
    chosen = Mirscape(features=(1, 4, 5)).fit(values, y, cohorts, seed=0)
    alone = Mirscape().fit(values[:, [1, 4, 5]], y, cohorts, seed=0)
    assert np.array_equal(chosen(values), alone(values[:, [1, 4, 5]]))


def test_shapes_and_jobs_that_do_not_fit(trained):
    with pytest.raises(InputError, match="do not fit 2 genes and 1 miRNAs"):
        train(np.zeros((3, 3)), np.zeros((3, 1)), genes=["A", "B"], mirnas=["m"])
    with pytest.raises(InputError, match="0 jobs train nothing"):
        train(np.zeros((3, 2)), np.zeros((3, 1)), genes=["A", "B"], mirnas=["m"], jobs=0)
    with pytest.raises(InputError, match="the model takes samples × 12 genes"):
        trained.predict(np.zeros((3, 11)))
