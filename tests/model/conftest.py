from __future__ import annotations

import numpy as np
import pytest

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
            block_order=block_order,
            landmarks=("A", "B", "C"),
            mirnas=("hsa-miR-1-3p", "hsa-let-7a-5p"),
            parameters={k: np.array(v, dtype=np.float32) for k, v in tensors.items()},
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
            block_order=block_order,
            landmarks=tuple(f"G{i}" for i in range(n_in)),
            mirnas=tuple(f"hsa-miR-{i}" for i in range(n_out)),
            parameters={k: v.astype(np.float32) for k, v in tensors.items()},
            scaling={"x_mean": rng.normal(size=n_in)},
            card={"title": "drawn at random", "licence": "MIT"},
        )

    return make
