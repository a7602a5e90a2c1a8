from __future__ import annotations

import numpy as np
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.study import sparsity

L = np.array([0.5, 1, 2, 4, 8])


@pytest.mark.parametrize(
    ("gamma", "target", "expected"),
    [
        (0.5, 0.4, [0.816840, 0.636156, 0.385848, 0.141946, 0.019210]),
        (0.5, 0.8, [1, 1, 1, 0.880797, 0.119203]),
        (2, 0.4, [1, 0.878878, 0.118943, 0.002179, 0.000001]),
        (0, 0.4, [0.4] * 5),
    ],
)
def test_spec_v9_drop_probability(gamma, target, expected):
    p = sparsity.drop_probability(L, target, gamma)
    np.testing.assert_allclose(p, expected, atol=6e-7)
    assert p.mean() == pytest.approx(target)


def test_spec_v9_constant():
    p = sparsity.drop_probability(L, 0.4, 0.5)
    assert p[0] / np.exp(-0.25) == pytest.approx(1.048844, abs=6e-7)


@pytest.mark.parametrize("gamma", [0, 0.1, 0.5, 1, 2])
@pytest.mark.parametrize("target", [0, 0.001, 0.3, 0.95, 0.99, 1])
def test_drop_probability_meets_every_target_and_never_rises_with_expression(gamma, target):
    values = np.random.default_rng(3).gamma(2, 3, size=4000)
    p = sparsity.drop_probability(values, target, gamma)
    assert p.min() >= 0
    assert p.max() <= 1
    assert p.mean() == pytest.approx(target, abs=1e-12)
    assert (np.diff(p[np.argsort(values)]) <= 0).all()


@pytest.mark.parametrize(
    ("target", "now", "expected"), [(0.8, 0.5, 0.6), (0.9, 0.62, 0.736842), (0.5, 0.6, None)]
)
def test_spec_v10_further_drop(target, now, expected):
    assert sparsity.further_drop(target, now) == (expected and pytest.approx(expected, abs=6e-7))


def test_spec_v11_depth():
    x = sparsity.linear([[0, 1, 3, 7]])
    np.testing.assert_allclose(x / x.sum(), [[0, 0.007407, 0.051852, 0.940741]], atol=6e-7)
    back = sparsity.rescaled([[0, 0, 1, 9]], x.sum(axis=1))
    np.testing.assert_allclose(back, [[0, 0, 13.5, 121.5]])
    logs = sparsity.log2_plus_1(back)
    np.testing.assert_allclose(logs, [[0, 0, 3.857981, 6.936638]], atol=6e-7)


@pytest.fixture
def bulk():
    rng = np.random.default_rng(0)
    x = rng.lognormal(3, 2, size=(60, 200))
    x[rng.random(x.shape) < 0.1] = 0
    return x


def test_uniform_loses_exactly_the_fraction_of_what_is_there(bulk):
    dropped = sparsity.drop_uniformly(bulk, 0.25, np.random.default_rng(5))
    before, after = np.count_nonzero(bulk), np.count_nonzero(dropped)
    assert after == before - round(0.25 * before)
    assert set(np.unique(dropped)) <= set(np.unique(bulk))
    assert (dropped[bulk == 0] == 0).all()


def test_low_values_are_lost_first(bulk):
    dropped = sparsity.drop_by_expression(bulk, 0.5, 1.0, np.random.default_rng(5))
    present = bulk > 0
    lost = present & (dropped == 0)
    assert lost.sum() / present.sum() == pytest.approx(0.5, abs=0.02)
    assert np.median(bulk[lost]) < np.median(bulk[present & ~lost]) / 10
    kept = dropped > 0
    np.testing.assert_array_equal(dropped[kept], bulk[kept])


def test_depth_keeps_the_sums_and_loses_more_the_fewer_molecules_there_are(bulk):
    rng = np.random.default_rng(5)
    shallow, deep = (sparsity.sequenced(bulk, n, rng) for n in (200, 50_000))
    for x in (shallow, deep):
        np.testing.assert_allclose(x.sum(axis=1), bulk.sum(axis=1))
    assert sparsity.sparsity(shallow) > sparsity.sparsity(deep) > sparsity.sparsity(bulk)
    assert np.corrcoef(deep.ravel(), bulk.ravel())[0, 1] > 0.999
    # molecules come whole
    counts = shallow / shallow.sum(axis=1, keepdims=True) * 200
    np.testing.assert_allclose(counts, counts.round(), atol=1e-9)


def test_input_is_left_alone(bulk):
    before = bulk.copy()
    sparsity.drop_uniformly(bulk, 0.5, np.random.default_rng(1))
    sparsity.drop_by_expression(bulk, 0.5, 0.5, np.random.default_rng(1))
    np.testing.assert_array_equal(bulk, before)


@pytest.mark.parametrize("values", [[[-0.1, 3]], [[5, 4000]]])
def test_values_that_are_no_log2_are_refused(values):
    with pytest.raises(InputError, match=r"log2\(x \+ 1\)"):
        sparsity.linear(values)
