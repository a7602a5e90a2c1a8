from __future__ import annotations

import numpy as np
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.members import KernelMember, LinearMember, NetworkMember
from sicmir_atlas.model.weights import Model
from sicmir_atlas.study.expected_gradients import expected_gradients

N_GENES, N_MIRNAS = 7, 4


def _linear(*weight):
    return LinearMember(np.array(weight, np.float32)[:, None], np.ones(1, np.float32))


@pytest.mark.parametrize("n_draws", [1, 2, 5])
def test_spec_v12(n_draws):
    members = [_linear(0.5, -1, 2)]
    background = [[0, 2, 1], [2, 0, 0]]  # mean (1, 1, 0.5)
    x, explained = [[1, 0, 1], [3, 2, 0]], [[0, 1, 1], [1, -1, -1]]
    for row, attribution in zip(x, explained, strict=True):
        found = expected_gradients(members, [row], background, n_draws=n_draws)
        np.testing.assert_allclose(found.mean[:, 0], attribution, atol=1e-6)
    found = expected_gradients(members, x, background, n_draws=n_draws)
    np.testing.assert_allclose(found.mean_abs[:, 0], [0.5, 1, 1], atol=1e-6)
    np.testing.assert_allclose(found.total, found.expected, atol=1e-6)


def _drawn(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


@pytest.fixture
def members():
    """One of each kind, every parameter drawn."""
    rng = np.random.default_rng(0)
    sizes = (N_GENES, 11, 13, N_MIRNAS)
    arrays = {}
    for i in (1, 2, 3):
        arrays[f"linear{i}.weight"] = _drawn(rng, sizes[i], sizes[i - 1]) / 2
        arrays[f"linear{i}.bias"] = _drawn(rng, sizes[i])
    for i in (1, 2):
        arrays |= {f"bn{i}.{part}": _drawn(rng, sizes[i]) for part in ("bias", "running_mean")}
        arrays |= {f"bn{i}.{part}": _drawn(rng, sizes[i]) ** 2 + 0.1 for part in ("weight",)}
        arrays[f"bn{i}.running_var"] = _drawn(rng, sizes[i]) ** 2 + 0.1
    return {
        "network": NetworkMember(arrays),
        "kernel": KernelMember(
            _drawn(rng, 9, N_GENES), _drawn(rng, 9, N_MIRNAS), _drawn(rng, N_MIRNAS), 1.5
        ),
        "linear": LinearMember(_drawn(rng, N_GENES, N_MIRNAS), _drawn(rng, N_MIRNAS)),
    }


@pytest.fixture
def rows():
    rng = np.random.default_rng(1)
    return _drawn(rng, 3, N_GENES), _drawn(rng, 6, N_GENES)


@pytest.mark.parametrize("kind", ["network", "kernel", "linear"])
def test_attributions_add_up_to_the_prediction_the_better_the_more_draws(members, rows, kind):
    def error(n_draws):
        found = expected_gradients([members[kind]], *rows, n_draws=n_draws)
        return np.sqrt(np.square(found.total - found.expected).mean() / found.expected.var())

    assert error(3000) < 0.02
    if kind != "linear":
        assert error(3000) < error(6) / 4


def test_a_model_of_several_is_explained_by_the_mean_of_its_members(members, rows):
    each = [expected_gradients([member], *rows, n_draws=12) for member in members.values()]
    together = expected_gradients(list(members.values()), *rows, n_draws=12)
    np.testing.assert_allclose(together.mean, sum(e.mean for e in each) / 3, atol=1e-5)
    np.testing.assert_allclose(together.expected, sum(e.expected for e in each) / 3, atol=1e-5)


def test_the_same_seed_gives_the_same_numbers(members, rows):
    def run(seed):
        return expected_gradients([members["network"]], *rows, n_draws=8, seed=seed).mean

    np.testing.assert_array_equal(run(3), run(3))
    assert not np.array_equal(run(3), run(4))


def test_rows_that_are_none_are_refused(members, rows):
    x, background = rows
    with pytest.raises(InputError, match="at least one sample"):
        expected_gradients([members["linear"]], x[:0], background)
    background = background.copy()
    background[1, 2] = np.nan
    with pytest.raises(InputError, match="at least one background row, without NaN"):
        expected_gradients([members["linear"]], x, background)


def _model(members):
    return Model(
        "small",
        tuple(f"G{i}" for i in range(N_GENES)),
        tuple(f"m{i}" for i in range(N_MIRNAS)),
        members,
    )


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["network", "kernel", "linear", "all"])
def test_captum_agrees(members, rows, kind):
    attr = pytest.importorskip("captum.attr")
    import torch

    from sicmir_atlas.model.torch_members import member_modules

    chosen = tuple(members.values()) if kind == "all" else (members[kind],)
    modules = member_modules(_model(chosen))

    def module(z):
        return torch.stack([member(z) for member in modules]).mean(dim=0)

    x, background = (torch.from_numpy(part) for part in rows)
    theirs = np.zeros((N_GENES, N_MIRNAS)), np.zeros((N_GENES, N_MIRNAS))
    shap = np.zeros((N_GENES, N_MIRNAS))
    for k in range(N_MIRNAS):
        # the mean over every background row of integrated gradients is what is estimated
        exact = sum(
            attr.IntegratedGradients(module).attribute(
                x, baselines=row[None].expand_as(x), target=k, n_steps=400, method="riemann_middle"
            )
            for row in background
        )
        exact = (exact / len(background)).detach().numpy()
        theirs[0][:, k], theirs[1][:, k] = exact.mean(axis=0), np.abs(exact).mean(axis=0)
        np.random.seed(0)  # what captum draws from
        drawn = attr.GradientShap(module).attribute(
            x, baselines=background, target=k, n_samples=3000, stdevs=0.0
        )
        shap[:, k] = drawn.detach().numpy().mean(axis=0)
    ours = expected_gradients(chosen, *rows, n_draws=6000)
    scale = np.abs(theirs[0]).max()
    np.testing.assert_allclose(ours.mean, theirs[0], atol=0.01 * scale)
    np.testing.assert_allclose(ours.mean_abs, theirs[1], atol=0.01 * scale)
    np.testing.assert_allclose(ours.mean, shap, atol=0.04 * scale)
