from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from sicmir_atlas.errors import ExcludedDataset
from sicmir_atlas.prepare.counts import prove_counts

COUNTS = np.random.default_rng(0).poisson(0.8, (50, 20))


def refusal(values):
    with pytest.raises(ExcludedDataset) as refused:
        prove_counts(sparse.csr_matrix(values))
    assert refused.value.rule == "raw_counts"
    assert "counts_layer" in refused.value.figure
    return refused.value.figure


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "i8", "f4", "f8", "?"])
def test_whole_numbers_are_counts_in_any_type(dtype):
    prove_counts(sparse.csr_matrix(COUNTS.astype(dtype)))


def test_large_counts_and_nothing_at_all_are_counts():
    prove_counts(sparse.csr_matrix(np.array([[2.0**31, 0]])))
    prove_counts(sparse.csr_matrix((5, 7)))
    prove_counts(sparse.csr_matrix((0, 7)))


def test_log_normalised_is_named():
    logged = np.log1p(COUNTS / COUNTS.sum(axis=1, keepdims=True) * 1e4)
    assert "looks log-normalised (fractions, largest value" in refusal(logged)
    assert "looks log-normalised" in refusal(logged.astype(np.float32))


def test_one_fraction_among_counts_is_enough():
    values = COUNTS.astype(float)
    values[49, 19] = 2.5
    assert "fractions, largest value" in refusal(values)


def test_z_scores_are_named():
    scored = (COUNTS - COUNTS.mean(axis=0)) / COUNTS.std(axis=0)
    assert "looks z-scored or centred (smallest value -" in refusal(scored)
    assert "z-scored" in refusal(np.array([[-1, 2]]))


def test_counts_per_million_are_named():
    cpm = COUNTS / COUNTS.sum(axis=1, keepdims=True) * 1e6
    assert "looks normalised, not logged (fractions" in refusal(cpm)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("beside", [1.0, 0.5, -1.0])
def test_values_that_are_not_finite_are_named(value, beside):
    assert "not finite" in refusal(np.array([[beside, value]]))
