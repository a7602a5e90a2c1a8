from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("matplotlib")

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.learners import LEARNERS
from sicmir_atlas.model.pairs import Pairs
from sicmir_atlas.study.feature_sets import TopVariance, feature_sets, read_wide
from sicmir_atlas.study.result import write_result

pytestmark = pytest.mark.torch

RIDGE = LEARNERS["ridge"]


def _simulated(n=60, genes=12, seed=0):
    """Genes vary the more the later they stand; miRNAs follow the last two."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, genes))
    x = 8 + z * np.geomspace(0.02, 9, genes)
    y = 5 + z[:, -2:] @ rng.normal(size=(2, 4)) + 0.2 * rng.normal(size=(n, 4))
    samples = [f"s{i}" for i in range(n)]
    return Pairs(
        pd.DataFrame(x, samples, [f"G{i}" for i in range(genes)]),
        pd.DataFrame(y, samples, [f"hsa-miR-{i}" for i in range(4)]),
        pd.Series(["a", "b"] * (n // 2), samples),
    )


def test_genes_are_chosen_by_the_training_samples_alone():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 6)) * [1, 5, 1, 4, 1, 1]
    y, cohorts = x[:, [1]] + x[:, [3]], np.full(40, "all")
    predict = TopVariance(RIDGE, 2).fit(x, y, cohorts, seed=0)
    alone = RIDGE.fit(x[:, [1, 3]], y, cohorts, seed=0)
    rows = rng.normal(size=(9, 6)) * [900, 1, 900, 1, 900, 900]
    np.testing.assert_array_equal(predict(rows), alone(rows[:, [1, 3]]))


def test_more_genes_than_carry_the_signal_do_not_help():
    pairs = _simulated()
    wide = pairs.mrna.iloc[::-1, ::-1].add_prefix("W")
    result = feature_sets(pairs, RIDGE, wide=wide, sizes=(1, 2, 6, 500))
    table = result.table
    assert table[["genes", "n_genes"]].to_numpy().tolist() == [
        [name, n] for name in ("landmarks", "variable") for n in (1, 2, 6, 12)
    ]
    by_size = table[table["genes"] == "landmarks"].set_index("n_genes")["pcc_within_cohort"]
    assert by_size[2] > 0.8
    assert by_size[2] > by_size[1] + 0.1
    assert by_size[2] > by_size[12]
    assert result.summary["best"] == {"genes": "landmarks", "n_genes": 2}
    # the same genes in the same samples, whatever their order
    halves = [rows["pcc_pooled"].to_numpy() for _, rows in table.groupby("genes")]
    np.testing.assert_allclose(*halves, atol=1e-9)
    assert (table["difference_low"] <= table["difference"]).all()
    assert table["difference"][3] == 0


def test_the_same_seed_gives_the_same_files(tmp_path):
    for folder in ("a", "b"):
        write_result(feature_sets(_simulated(), RIDGE, sizes=(5,)), tmp_path / folder)
    for suffix in ("csv", "json", "svg"):
        first, second = (tmp_path / folder / f"features.{suffix}" for folder in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()


def test_a_size_of_none_is_refused():
    with pytest.raises(InputError, match="0 genes are no feature set"):
        feature_sets(_simulated(), RIDGE, sizes=(0, 3))


def test_whole_numbers_of_a_wide_table_are_hundredths(tmp_path):
    frame = pd.DataFrame({"A": [411, 0], "B": [1, 250]}, index=["s1", "s2"])
    frame.astype(np.int16).to_parquet(tmp_path / "whole.parquet")
    frame.astype(float).to_parquet(tmp_path / "log2.parquet")
    samples = pd.Index(["s2", "s1"])
    whole = read_wide(tmp_path / "whole.parquet", samples)
    assert whole.to_numpy().tolist() == [[0, 2.5], [4.11, 0.01]]
    assert read_wide(tmp_path / "log2.parquet", samples).to_numpy().tolist() == [[0, 250], [411, 1]]


def test_wide_tables_that_do_not_fit(tmp_path):
    path = tmp_path / "wide.parquet"
    with pytest.raises(InputError, match="no file"):
        read_wide(path, pd.Index(["s1"]))
    path.write_text("gene,s1\n")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_wide(path, pd.Index(["s1"]))
    pd.DataFrame({"A": [1.0, np.nan]}, index=["s1", "s2"]).to_parquet(path)
    with pytest.raises(InputError, match="lacks 1 of 2 samples, such as s3"):
        read_wide(path, pd.Index(["s1", "s3"]))
    with pytest.raises(InputError, match="no value for sample s2, gene A"):
        read_wide(path, pd.Index(["s2"]))
    pd.DataFrame({"A": [1.0, 2.0]}, index=["s1", "s1"]).to_parquet(path)
    with pytest.raises(InputError, match="sample s1 occurs twice"):
        read_wide(path, pd.Index(["s1"]))
    pd.DataFrame({"A": ["x"]}, index=["s1"]).to_parquet(path)
    with pytest.raises(InputError, match="column A is not numeric"):
        read_wide(path, pd.Index(["s1"]))


@pytest.mark.real
def test_the_wide_table_of_tcga_agrees_with_its_landmarks(shared_data):
    bulk = shared_data / "bulk"
    narrow = pd.read_csv(bulk / "tcga_rnaseq_log2_977.csv.gz", index_col=0)
    wide = read_wide(bulk / "tcga_rnaseq_log2x100_top5000_variable.parquet", narrow.index[::-1])
    both = narrow.columns.intersection(wide.columns)
    assert len(both) > 100
    np.testing.assert_allclose(wide.loc[narrow.index, both], narrow[both], atol=0.01)
