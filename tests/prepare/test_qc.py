from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.errors import ExcludedDataset
from sicmir_atlas.prepare import qc

ATLAS, CASE, ADAPTIVE = (qc.PROFILES[name] for name in ("atlas", "case", "adaptive"))


def figures(n_genes, pct_mt, n_counts=None):
    n_genes = np.asarray(n_genes)
    return pd.DataFrame(
        {
            "n_genes": n_genes,
            "pct_mt": pct_mt,
            "n_counts": 2 * n_genes if n_counts is None else n_counts,
        }
    )


def passing(cells, profile):
    kept, _ = qc.losses(cells, pd.Series(["a"] * len(cells)), qc.qc_rules(cells, profile))
    return kept.tolist()


# atlas specification, section 2, vector V1
V1 = figures([150, 200, 201, 2500, 2499, 800], [1.0, 1.0, 4.9, 2.0, 4.99, 5.0])


def test_v1_atlas():
    assert passing(V1, ATLAS) == [False, False, True, False, True, False]


def test_v1_case():
    assert passing(V1, CASE) == [False, True, True, True, True, True]


def test_case_keeps_its_bounds_and_has_no_upper_one():
    cells = figures([199, 200, 30_000, 500, 500], [0.0, 0.0, 0.0, 10.0, 10.000001])
    assert passing(cells, CASE) == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"min_genes": 100}, 2), ({"max_genes": 2501}, 3), ({"max_pct_mt": 5.1}, 3)],
)
def test_a_threshold_given_replaces_the_profiles_and_keeps_its_strictness(given, expected):
    kept = passing(V1, ATLAS.with_thresholds(**given))
    assert sum(kept) == {"min_genes": 4}.get(next(iter(given)), expected)
    assert passing(V1, ATLAS.with_thresholds(min_genes=None)) == passing(V1, ATLAS)


def test_adaptive_bounds_are_three_mads_on_log_scale():
    rng = np.random.default_rng(0)
    n_genes = rng.lognormal(7, 0.5, 400).round()
    n_counts = (n_genes * rng.lognormal(1, 0.4, 400)).round()
    pct_mt = rng.gamma(2, 2, 400)
    cells = figures(n_genes, pct_mt, n_counts)

    def within(values, *, upper_only=False):
        logged = np.log(values + 1)
        distance = logged - np.median(logged)
        reach = 3 * np.median(abs(distance))
        return distance <= reach if upper_only else abs(distance) <= reach

    expected = (
        (n_genes >= 200) & within(n_genes) & within(n_counts) & within(pct_mt, upper_only=True)
    )
    assert 0 < expected.sum() < 400
    assert passing(cells, ADAPTIVE) == expected.tolist()


def test_adaptive_never_loosens_a_fixed_bound():
    cells = figures([150, 240, 300, 600, 1000], [1.0] * 5)
    thresholds = {rule.name: rule.threshold for rule in qc.qc_rules(cells, ADAPTIVE)}
    assert thresholds["min_genes"] == 200  # the MADs alone would go below it
    assert passing(cells, ADAPTIVE) == [False, True, True, True, True]


def test_adaptive_bounds_hold_on_the_bound_itself():
    # logarithms at -2, -1, 0, 1 and 3 MADs of the median
    exact = np.expm1(np.log(2) * np.array([8, 9, 10, 11, 13]))
    cells = figures(exact, [1.0] * 5, n_counts=np.full(5, 10.0))
    assert passing(cells, ADAPTIVE) == [True] * 5


def test_adaptive_sets_no_bound_where_half_of_the_cells_are_alike():
    """Nuclei: most without a mitochondrial count; the few that have one are no outliers."""
    cells = figures([500, 600, 700, 800, 900, 1000], [0, 0, 0, 0, 0.3, 0.5])
    assert passing(cells, ADAPTIVE) == [True] * 6


@pytest.mark.parametrize("value", [700, 743, 1234, 2047])
def test_adaptive_keeps_cells_that_are_all_alike(value):
    cells = figures([value] * 5, [3.3] * 5)
    assert passing(cells, ADAPTIVE) == [True] * 5


def test_losses_add_up_per_type():
    cells = figures([100, 150, 300, 300, 5000, 600, 5000, 150], [9.0, 1, 9, 1, 9, 1, 1, 1])
    types = pd.Series(["a", "a", "a", "a", "b", "b", None, None])
    kept, table = qc.losses(cells, types, qc.qc_rules(cells, ATLAS))
    assert kept.tolist() == [False, False, False, True, False, True, False, False]
    got = {
        (r.cell_type_original, r.rule): (r.n_cells, r.n_fail, r.n_lost) for r in table.itertuples()
    }
    assert got == {
        ("a", "min_genes"): (4, 2, 2),
        ("a", "max_genes"): (4, 0, 0),
        ("a", "max_pct_mt"): (4, 2, 1),
        ("b", "min_genes"): (2, 0, 0),
        ("b", "max_genes"): (2, 1, 1),
        ("b", "max_pct_mt"): (2, 1, 0),
        ("unlabelled", "min_genes"): (2, 1, 1),
        ("unlabelled", "max_genes"): (2, 1, 1),
        ("unlabelled", "max_pct_mt"): (2, 0, 0),
    }
    assert table["n_lost"].sum() == len(cells) - kept.sum()
    assert dict(zip(table["rule"], table["threshold"], strict=True)) == {
        "min_genes": 200,
        "max_genes": 2500,
        "max_pct_mt": 5,
    }


def test_without_mitochondrial_genes_there_is_no_mitochondrial_rule():
    cells = figures([300, 300], [np.nan, np.nan])
    for profile in (ATLAS, CASE, ADAPTIVE):
        assert "max_pct_mt" not in {rule.name for rule in qc.qc_rules(cells, profile)}
        assert passing(cells, profile) == [True, True]


def test_a_cell_without_counts_does_not_pass_for_want_of_a_share():
    cells = figures([0, 300], [np.nan, 1.0])
    assert passing(cells, CASE.with_thresholds(min_genes=0)) == [False, True]


def test_no_rules_lose_nothing():
    cells = figures([1, 2], [1.0, 2.0])
    kept, table = qc.losses(cells, pd.Series(["a", "b"]), [])
    assert kept.all()
    assert table.empty
    assert list(table) == ["cell_type_original", "rule", "threshold", "n_cells", "n_fail", "n_lost"]


@pytest.mark.parametrize(
    ("counts", "how", "called"),
    [
        ([3, 4, 499, 500, 900], "always", [False, False, False, True, True]),
        ([3, 4, 5, 500, 900], "auto", [False, False, False, True, True]),
        ([3, 99, 99, 500, 900], "auto", [False, False, False, True, True]),
        ([3, 99, 100, 500, 900], "auto", [True] * 5),  # the median cell holds 100: filtered
        ([3, 4, 5, 500, 900], "never", [True] * 5),
        ([], "auto", []),
        ([], "always", []),
    ],
)
def test_call_cells(counts, how, called):
    assert qc.call_cells(np.array(counts, float), how=how, min_umi=500).tolist() == called


def test_call_cells_at_another_threshold():
    assert qc.call_cells(np.array([9.0, 10.0]), how="always", min_umi=10).tolist() == [False, True]


def test_more_than_500_called_cells_are_asked():
    qc.require_cells(501, ATLAS)
    with pytest.raises(ExcludedDataset, match="min_cells: 500 called cells; more than 500"):
        qc.require_cells(500, ATLAS)


def test_100_cells_after_qc_are_asked():
    qc.require_cells_after_qc(100, 600, ATLAS)
    with pytest.raises(ExcludedDataset, match="min_cells_qc: 99 of 600 cells pass QC"):
        qc.require_cells_after_qc(99, 600, ATLAS)
