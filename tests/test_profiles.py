from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.names import landmarks
from sicmir_atlas.profiles import landmark_profiles
from sicmir_atlas.readers.memory import FrameMatrix

N_ROWS = 10_000


@pytest.fixture
def matrix():
    rng = np.random.default_rng(0)
    values = rng.poisson(2, (N_ROWS, len(landmarks()))).astype(np.float32)
    return FrameMatrix(pd.DataFrame(values, columns=landmarks()), label="table")


@pytest.mark.parametrize("kind", ["bulk", "scaled"])
def test_any_number_of_rows_is_a_stream(matrix, kind):
    with landmark_profiles(matrix, kind=kind) as profiles:
        for _ in range(2):
            blocks = list(profiles.blocks())
            assert max(len(block) for block in blocks) < N_ROWS / 2
            np.testing.assert_array_equal(np.vstack(blocks), matrix._values)


@pytest.mark.parametrize("kind", ["bulk", "scaled"])
def test_values_of_a_landmark_named_twice_are_not_added_up(matrix, kind):
    twice = pd.DataFrame(matrix._values[:5], columns=landmarks())
    twice["ENSG00000092010.3"] = 1.0  # PSME1's id, once with a version and once without
    twice = twice.rename(columns={"PSME1": "ENSG00000092010"})
    with (
        pytest.raises(InputError, match=r"table: 2 genes are PSME1.*keep one of them"),
        landmark_profiles(FrameMatrix(twice, label="table"), kind=kind),
    ):
        pass
    with landmark_profiles(FrameMatrix(twice, label="table"), kind="counts") as profiles:
        stored = np.vstack([block.toarray() for block in profiles.blocks()])
    counts = matrix._values[:5].astype(float)
    counts[:, 0] += 1
    expected = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)
    np.testing.assert_allclose(stored, expected, rtol=1e-6)
