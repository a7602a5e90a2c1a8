from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sicmir_atlas.model.members import KernelMember, LinearMember, NetworkMember
from sicmir_atlas.model.weights import Model


@pytest.fixture
def spec_v3_model():
    """The tiny network of the model spec's vector V3."""

    def make(block_order):
        tensors = {
            "linear1.weight": [[0.5, -0.25, 1], [-1, 0.5, 0]],
            "linear1.bias": [0.1, -0.2],
            "bn1.weight": [2, 0.5],
            "bn1.bias": [0, 1],
            "bn1.running_mean": [0.2, -0.1],
            "bn1.running_var": [1, 0.25],
            "linear2.weight": [[1, -1], [0.5, 2]],
            "linear2.bias": [0, 0.3],
            "bn2.weight": [1, 1.5],
            "bn2.bias": [-0.5, 0],
            "bn2.running_mean": [1, 0.5],
            "bn2.running_var": [4, 1],
            "linear3.weight": [[1, 0], [-0.5, 2]],
            "linear3.bias": [0.25, -0.25],
        }
        return Model(
            model_id="spec-v3",
            landmarks=("A", "B", "C"),
            mirnas=("hsa-miR-1-3p", "hsa-let-7a-5p"),
            members=(
                NetworkMember(
                    {k: np.array(v, dtype=np.float32) for k, v in tensors.items()}, block_order
                ),
            ),
        )

    return make


@pytest.fixture
def random_model():
    """A network with every parameter drawn, so that no fold can hide behind a 0 or 1."""

    def make(block_order, *, n_in=31, hidden=(17, 23), n_out=13, seed=0):
        rng = np.random.default_rng(seed)
        sizes = (n_in, *hidden, n_out)
        tensors = {}
        for i in (1, 2, 3):
            tensors[f"linear{i}.weight"] = rng.normal(size=(sizes[i], sizes[i - 1])) / 4
            tensors[f"linear{i}.bias"] = rng.normal(size=sizes[i])
        for i in (1, 2):
            tensors[f"bn{i}.weight"] = rng.normal(size=sizes[i])
            tensors[f"bn{i}.bias"] = rng.normal(size=sizes[i])
            tensors[f"bn{i}.running_mean"] = rng.normal(size=sizes[i])
            tensors[f"bn{i}.running_var"] = rng.gamma(2, size=sizes[i]) + 0.01
        return Model(
            model_id="random",
            landmarks=tuple(f"G{i}" for i in range(n_in)),
            mirnas=tuple(f"hsa-miR-{i}" for i in range(n_out)),
            members=(
                NetworkMember({k: v.astype(np.float32) for k, v in tensors.items()}, block_order),
            ),
            scaling={"x_mean": rng.normal(size=n_in)},
            card={"title": "drawn at random", "licence": "MIT"},
        )

    return make


@pytest.fixture
def ensemble(random_model):
    """A network, a linear map and sums of Gaussians, all drawn."""
    rng = np.random.default_rng(3)
    model = random_model("released")

    def draw(*shape):
        return rng.normal(size=shape).astype(np.float32)

    return replace(
        model,
        model_id="ensemble",
        members=(
            *model.members,
            LinearMember(draw(31, 13), draw(13)),
            KernelMember(draw(40, 31), draw(40, 13), draw(13), gamma=0.7),
        ),
    )
