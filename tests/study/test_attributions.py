from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.study.attributions import (
    attributions,
    draw_stratified,
    read_attributions,
    write_attributions,
)
from sicmir_atlas.study.expected_gradients import Attributions

GENES, MIRNAS = ["A", "B", "C"], ["m1", "m2", "m3"]
ABSOLUTE = np.array([[0.1, 9.0, 0.3], [0.5, 9.0, 0.5], [0.2, 0.0, 0.2]])


def _found(total=None):
    expected = np.array([[3.0, -4.0, 0.0], [0.0, 5.0, 0.0]])
    return Attributions(-ABSOLUTE, ABSOLUTE, expected if total is None else total, expected)


def test_genes_are_ranked_by_their_mean_over_the_hubs():
    result = attributions(_found(), GENES, MIRNAS, ["m1", "m3"])
    assert result.table.to_dict("list") == {
        "gene": ["B", "A", "C"],
        "importance": [0.5, 0.2, 0.2],
        "rank": [1, 2, 3],
    }
    assert result.summary["n_hubs"] == 2
    assert result.summary["n_genes_of_half_the_importance"] == 1
    assert result.summary["completeness"]["relative_error"] == 0


def test_completeness_is_told_as_a_figure():
    off = _found(_found().expected + np.array([[1.0, 0, 0], [0, 0, 0]]))
    told = attributions(off, GENES, MIRNAS, ["m1"]).summary["completeness"]
    assert told["rms_expected"] == pytest.approx(np.sqrt(50 / 6), abs=1e-5)
    assert told["rms_error"] == pytest.approx(np.sqrt(1 / 6), abs=1e-5)
    assert told["mean_error"] == pytest.approx(1 / 6, abs=1e-5)
    assert told["relative_error"] == pytest.approx(np.sqrt(1 / 50), abs=1e-5)


def test_without_hubs_there_is_no_ranking():
    with pytest.raises(InputError, match=r"no miRNA of the model is a hub.*--threshold"):
        attributions(_found(), GENES, MIRNAS, [])


def test_each_cohort_gives_its_share():
    cohorts = np.array(["a"] * 60 + ["b"] * 30 + ["c"] * 9 + ["d"])
    drawn = draw_stratified(cohorts, 20, seed=0)
    counts = pd.Series(cohorts[drawn]).value_counts()
    assert counts.to_dict() == {"a": 12, "b": 6, "c": 2}
    assert len(set(drawn)) == 20
    np.testing.assert_array_equal(drawn, draw_stratified(cohorts, 20, seed=0))
    assert not np.array_equal(drawn, draw_stratified(cohorts, 20, seed=1))
    np.testing.assert_array_equal(draw_stratified(cohorts, 200, seed=0), np.arange(100))


def test_what_is_written_is_read_back_and_nothing_else(tmp_path):
    path = tmp_path / "shap_abs_mean.parquet"
    write_attributions(ABSOLUTE, GENES, MIRNAS, path)
    found = read_attributions(path)
    expected = pd.DataFrame(ABSOLUTE.astype(np.float32), columns=MIRNAS, index=GENES)
    pd.testing.assert_frame_equal(found, expected.rename_axis("gene"))
    with pytest.raises(InputError, match=r"no file .*none\.parquet"):
        read_attributions(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("gene,m1\n")
    with pytest.raises(InputError, match=r"text\.parquet is no Parquet file"):
        read_attributions(tmp_path / "text.parquet")
    expected.to_parquet(tmp_path / "other.parquet", index=False)
    with pytest.raises(InputError, match="column gene"):
        read_attributions(tmp_path / "other.parquet")
