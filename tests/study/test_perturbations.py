from __future__ import annotations

import numpy as np
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.study.perturbations import PUBLISHED, QUICK, TESTS, n_perturbations, perturb
from sicmir_atlas.study.ranking import read_ranking


@pytest.fixture
def x():
    """Simulated log2(x + 1), without zeros."""
    return np.random.default_rng(0).gamma(6, 1, size=(12, 100))


def _all(x, test, **options):
    return list(perturb(x, [test], grid=QUICK, **options))


def test_the_published_grid_is_the_papers():
    assert PUBLISHED.masking == (0, 1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90)
    assert PUBLISHED.sparsity == (0, 0.1, 1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99)
    assert PUBLISHED.masking_seeds == (101, 204, 387, 1567, 640, 912)
    assert PUBLISHED.sparsity_seeds == (62, 567, 309, 39, 675, 42)
    assert n_perturbations(["masking", "removal"]) == 12 * 6 + 2 * 101


def test_masked_genes_are_zero_for_all_samples_and_the_others_untouched(x):
    intact = (x - x.mean(axis=0)) / x.std(axis=0)
    for one in _all(x, "masking"):
        masked = (one.z == 0).all(axis=0)
        assert masked.sum() == one.level
        np.testing.assert_allclose(one.z[:, ~masked], intact[:, ~masked], atol=1e-5)
        assert one.sparsity_pre == one.sparsity_post == pytest.approx(one.level / 100)


def test_seeds_mask_other_genes_and_levels_of_a_seed_are_nested(x):
    masks = {(one.seed, one.level): (one.z == 0).all(axis=0) for one in _all(x, "masking")}
    first, second = QUICK.masking_seeds
    assert (masks[first, 50] != masks[second, 50]).any()
    assert masks[first, 50][masks[first, 20]].all()


def test_removal_goes_through_the_ranking_from_both_ends(x):
    ranking = np.random.default_rng(1).permutation(100)
    removed = {
        (one.test, one.level): set(np.flatnonzero((one.z == 0).all(axis=0)))
        for one in _all(x, "removal", ranking=ranking)
    }
    assert removed["removal_low_to_high", 10] == set(ranking[:10])
    assert removed["removal_high_to_low", 10] == set(ranking[-10:])
    assert removed["removal_high_to_low", 100] == set(range(100))


def test_sparsity_is_recorded_before_and_after_z_scores(x):
    for one in _all(x, "uniform"):
        assert one.sparsity_pre == pytest.approx(one.level / 100, abs=1e-3)
    worst = max(_all(x, "uniform"), key=lambda one: one.level)
    # a gene zero everywhere stays zero; elsewhere z-scores move zeros away from zero
    dead = (worst.z == 0).all(axis=0).mean()
    assert worst.sparsity_post == pytest.approx(dead)
    assert worst.sparsity_post < worst.sparsity_pre


def test_depths_beyond_a_level_are_left_out(x):
    made = _all(x, "depth_poisson")
    alone = {(one.depth, one.seed): one.sparsity_pre for one in _all(x, "depth")}
    seen = {(one.depth, one.seed, one.level) for one in made}
    for (depth, seed), sparsity in alone.items():
        for level in QUICK.sparsity:
            assert ((depth, seed, level) in seen) == (sparsity <= level / 100)
    for one in made:
        assert one.sparsity_pre == pytest.approx(one.level / 100, abs=0.06)


@pytest.mark.parametrize("test", TESTS)
def test_the_same_seed_gives_the_same_input(x, test):
    twice = [_all(x, test, ranking=range(100)) for _ in range(2)]
    assert len(twice[0]) <= n_perturbations([test], QUICK)
    for one, again in zip(*twice, strict=True):
        assert one.z.tobytes() == again.z.tobytes()


def test_linear_values_are_refused_by_the_sparsity_tests(x):
    with pytest.raises(InputError, match=r"sparsity is made from log2\(x \+ 1\)"):
        _all(1000 * x, "uniform")


def test_a_ranking_is_read_from_the_least_important(tmp_path):
    path = tmp_path / "attributions.csv"
    path.write_text("gene,importance\nC,0.5\nA,3\nX,9\nB,0.1\n")
    assert read_ranking(path, ["A", "B", "C"]) == [1, 2, 0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gene,shap\nA,1\n", "needs the columns gene and importance; it has: gene, shap"),
        ("gene,importance\nA,1\n", "gene B has no importance"),
        ("gene,importance\nA,1\nB,high\n", "gene B has no importance"),
    ],
)
def test_a_ranking_that_is_none_is_refused(tmp_path, text, said):
    path = tmp_path / "attributions.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_ranking(path, ["A", "B"])
