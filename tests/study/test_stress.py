from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr
from sklearn.metrics import mean_squared_error, r2_score

from sicmir_atlas.errors import InputError
from sicmir_atlas.study.perturbations import QUICK
from sicmir_atlas.study.result import write_result
from sicmir_atlas.study.stress import state_of, stress
from sicmir_atlas.study.stress_figure import draw_stress

N, GENES, USED = 48, 60, 6
TWO_WAYS = ("removal_low_to_high", "removal_high_to_low")


@pytest.fixture
def linear_world():
    """Simulated: miRNAs are linear in the first six genes, and the model knows how."""
    rng = np.random.default_rng(0)
    cohorts = np.repeat(["a", "b", "c"], N // 3)
    centres = rng.normal(scale=1.5, size=(3, GENES))
    x = 6 + np.repeat(centres, N // 3, axis=0) + rng.normal(size=(N, GENES))
    x = np.maximum(x, 0)
    weights = np.zeros((GENES, 5))
    weights[:USED] = rng.normal(size=(USED, 5)) / np.sqrt(USED)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    y = z @ weights + 0.3 * rng.normal(size=(N, 5))
    y[3, 2] = np.nan
    return lambda z: (z @ weights).astype(np.float32), x, y, cohorts, z @ weights


def test_figures_of_the_intact_input_are_scipys_and_sklearns(linear_world):
    predict, x, y, cohorts, predicted = linear_world
    result = stress(predict, x, y, cohorts, tests=["masking"], grid=QUICK)
    known = [~np.isnan(y[:, k]) for k in range(5)]
    z = [(y[ok, k] - y[ok, k].mean()) / y[ok, k].std() for k, ok in enumerate(known)]
    pairs = [(z[k], predicted[ok, k]) for k, ok in enumerate(known)]
    within = [
        np.mean(
            [pearsonr(y[ok, k][c[ok]], predicted[ok, k][c[ok]])[0] for k, ok in enumerate(known)]
        )
        for c in (cohorts == name for name in "abc")
    ]
    error = mean_squared_error(*(np.concatenate(side) for side in zip(*pairs, strict=True)))
    expected = {
        "pcc": np.mean([pearsonr(*pair)[0] for pair in pairs]),
        "pcc_within": np.mean(within),
        "r2": np.mean([r2_score(*pair) for pair in pairs]),
        "mse": error,
        "rmse": np.sqrt(error),
    }
    rows = result.table[result.table["level"] == 0]
    assert len(rows) == 2
    for name, value in expected.items():
        assert result.summary["intact"][name] == pytest.approx(value, abs=1e-6)
        assert rows[name].to_numpy() == pytest.approx(value, abs=1e-6)


def test_removing_what_matters_first_hurts_and_last_does_not(linear_world):
    predict, x, y, cohorts, _ = linear_world
    ranking = [*range(USED, GENES), *range(USED)]
    table = stress(predict, x, y, cohorts, tests=["removal"], ranking=ranking, grid=QUICK).table
    pcc = table.set_index(["test", "level"])["pcc"]
    assert pcc["removal_low_to_high", 90] == pytest.approx(pcc["removal_low_to_high", 0])
    assert pcc["removal_high_to_low", 10] == 0
    at_the_end = table[table["level"] == 100]
    assert list(at_the_end["state"]) == ["collapse"] * 2


def test_removal_without_a_ranking_is_said_to_be_left_out(linear_world):
    predict, x, y, cohorts, _ = linear_world
    result = stress(predict, x, y, cohorts, tests=["removal", "uniform"], grid=QUICK)
    assert set(result.table["test"]) == {"uniform"}
    assert result.summary["not_run"] == ["removal: no ranking of genes was given"]
    with pytest.raises(InputError, match="no test to run: removal needs a ranking"):
        stress(predict, x, y, cohorts, tests=["removal"], grid=QUICK)


def test_more_loss_predicts_worse_and_low_values_matter_less(linear_world):
    predict, x, y, cohorts, _ = linear_world
    table = stress(predict, x, y, cohorts, tests=["uniform", "poisson", "depth"], grid=QUICK).table
    mean = table.groupby(["test", "gamma", "level"], dropna=False)["pcc"].mean()
    uniform = mean["uniform"].droplevel("gamma")
    assert uniform[0.0] > uniform[20.0] > uniform[80.0]
    assert mean["poisson", 2.0, 50.0] > mean["poisson", 0.0, 50.0]
    depth = table[table["test"] == "depth"].groupby("depth")["pcc"].mean()
    assert depth.is_monotonic_increasing


def test_table_and_files_are_those_of_the_spec_and_repeat(linear_world, tmp_path):
    predict, x, y, cohorts, _ = linear_world
    done: list[int] = []
    for folder in ("a", "b"):
        result = stress(
            predict, x, y, cohorts, ranking=range(GENES), grid=QUICK, progress=done.append
        )
        write_result(result, tmp_path / folder)
    columns = (
        "test level gamma depth seed sparsity_pre sparsity_post pcc pcc_within r2 mse rmse state"
    )
    assert list(result.table) == columns.split()
    assert done[-1] == len(result.table)
    assert result.summary["n_perturbations"] + result.summary["n_beyond_level"] == 106
    for name in ("stress.csv", "stress.json", "stress.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("pcc", "r2", "state"),
    [
        (0.5, 0.2, "non-trivial"),
        (0.2, 0.2, "degraded"),
        (0.1, 0.01, "degraded"),
        (0.5, 0.0, "collapse"),
        (0.009, 0.2, "collapse"),
        (-0.009, 0.2, "collapse"),
        (0.0, -1, "collapse"),
    ],
)
def test_states(pcc, r2, state):
    assert state_of(pcc, r2) == state


def test_a_cohort_too_small_leaves_the_pooled_figures(linear_world):
    predict, x, y, _, _ = linear_world
    one_each = np.array([f"c{i}" for i in range(N)])
    result = stress(predict, x, y, one_each, tests=["masking"], grid=QUICK)
    assert result.table["pcc_within"].isna().all()
    assert result.summary["intact"]["pcc_within"] is None
    assert result.summary["intact"]["pcc"] > 0.8


def test_a_level_is_shaded_where_more_than_half_of_its_runs_are_that_bad():
    states = {0: "non-trivial non-trivial", 50: "collapse non-trivial", 100: "collapse degraded"}
    table = pd.DataFrame(
        [
            {"test": test, "level": level, "state": state, "pcc": 0.1, "pcc_within": 0.1}
            for level, both in states.items()
            for test, state in zip(TWO_WAYS, both.split(), strict=True)
        ]
    )
    ax = draw_stress(table).axes[0]
    # 50 is a tie; of 100, half is collapsed and all are no more than degraded
    assert [patch.get_x() for patch in ax.patches] == [75]
    assert [patch.get_width() for patch in ax.patches] == [25]
