from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("lifelines")

from scipy import stats

from sicmir_atlas.errors import InputError
from sicmir_atlas.study.survival import cox, read_clinical, read_profiles, survival

pytestmark = pytest.mark.torch

SAMPLES = [f"s{i}" for i in range(8)]
TIME, EVENT = [5.0, 8, 12, 3, 9, 15, 7, 11], [1, 1, 0, 1, 1, 0, 1, 1]
X = [1.2, -0.3, 0.5, 0.8, 0.6, -1.0, 0.2, -0.4]


@pytest.fixture
def clinical():
    return pd.DataFrame({"time": TIME, "event": EVENT}, index=SAMPLES)


def _efron(x, time, event):
    """Log partial likelihood of one covariate with Efron's ties, written from its definition."""
    x, time, event = (np.asarray(v, dtype=float) for v in (x, time, event))

    def log_likelihood(beta):
        total = 0.0
        for t in np.unique(time[event == 1]):
            dies, at_risk = (time == t) & (event == 1), time >= t
            risk, tied = np.exp(beta * x[at_risk]).sum(), np.exp(beta * x[dies]).sum()
            d = dies.sum()
            total += beta * x[dies].sum() - sum(np.log(risk - k / d * tied) for k in range(d))
        return total

    return log_likelihood


def test_spec_v15(clinical):
    row = cox(pd.DataFrame({"m": X}, index=SAMPLES), clinical).iloc[0]
    assert row["beta"] == pytest.approx(1.127076, abs=5e-7)
    assert row["hr"] == pytest.approx(3.086619, abs=2e-6)
    assert row["se"] == pytest.approx(0.783751, abs=5e-7)
    assert row["p"] == pytest.approx(0.150419, abs=5e-7)
    assert row["q"] == row["p"]
    assert (row["n"], row["n_events"], row["reason"]) == (8, 6, None)
    half = stats.norm.ppf(0.975) * row["se"]
    assert np.log([row["hr_low"], row["hr_high"]]) == pytest.approx(
        [row["beta"] - half, row["beta"] + half]
    )


def test_ties_follow_efron():
    rng = np.random.default_rng(3)
    x = rng.normal(size=60)
    time = np.ceil(rng.exponential(np.exp(-0.7 * x)) * 4)
    event = (rng.random(60) < 0.8).astype(int)
    assert len(np.unique(time[event == 1])) < event.sum() / 2
    names = [f"s{i}" for i in range(60)]
    follow_up = pd.DataFrame({"time": time, "event": event}, index=names)
    row = cox(pd.DataFrame({"m": x}, index=names), follow_up).iloc[0]
    likelihood = _efron(x, time, event)
    step = 1e-4
    around = [likelihood(row["beta"] + k * step) for k in (-1, 0, 1)]
    assert (around[2] - around[0]) / (2 * step) == pytest.approx(0, abs=1e-5)
    curvature = (around[2] - 2 * around[1] + around[0]) / step**2
    assert row["se"] == pytest.approx(np.sqrt(-1 / curvature), rel=1e-3)


def test_one_bad_mirna_stops_no_other(clinical):
    separated = [0.0, 0, 1, 0, 0, 1, 0, 0]  # those who live have it, nobody else
    profiles = pd.DataFrame({"m": X, "flat": 2.5, "separated": separated}, index=SAMPLES)
    profiles["unmeasured"] = np.nan
    profiles["censored"] = pd.Series([0.3, 0.4], index=[SAMPLES[2], SAMPLES[5]])
    profiles["sparse"] = pd.Series([0.1, 0.4, 0.2, 0.9, 0.3], index=SAMPLES[:5])
    result = survival(cox(profiles, clinical))
    table = result.table.set_index("mirna")
    assert table.loc[["flat", "unmeasured", "censored", "separated"], "reason"].to_list() == [
        "constant",
        "no value",
        "no event",
        "no convergence",
    ]
    assert table.loc["separated", ["beta", "p", "q"]].isna().all()
    assert (table.loc["sparse", "n"], table.loc["sparse", "n_events"]) == (5, 4)
    assert table.loc["m", "beta"] == pytest.approx(1.127076, abs=5e-7)
    # two fitted: Benjamini and Hochberg by hand
    p = table.loc[["m", "sparse"], "p"].sort_values()
    by_hand = [min(2 * p.iloc[0], p.iloc[1]), p.iloc[1]]
    assert table.loc[p.index, "q"].to_list() == pytest.approx(by_hand)
    assert result.summary["n_fitted"] == 2
    assert result.summary["not_fitted"] == dict.fromkeys(
        ("no convergence", "constant", "no event", "no value"), 1
    )


def _write(path, text):
    path.write_text(text)
    return path


def test_tables_are_joined_by_barcode_and_the_columns_may_be_named(tmp_path):
    profiles = _write(tmp_path / "x.csv", "sample,a,b\nTCGA-AB-1234-01A-11,1,\n s2 ,3,4\n")
    found = read_profiles(profiles, ["b"])
    assert list(found.index) == ["TCGA-AB-1234-01", "s2"]
    assert list(found.columns) == ["b"]
    clinical = _write(tmp_path / "c.csv", "sample,OS.time,OS\nTCGA-AB-1234-01,30,1\ns2,,0\n")
    follow_up = read_clinical(clinical, time="OS.time", event="OS")
    assert follow_up.to_dict("index") == {"TCGA-AB-1234-01": {"time": 30, "event": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sample,time\ns1,1\n", r"c\.csv has no column event; .*--time and --event"),
        ("sample,time,event\ns1,1,1\ns1,2,0\n", "sample s1 occurs twice"),
        ("sample,time,event\ns1,-1,1\n", "sample s1, column time is '-1'"),
        ("sample,time,event\ns1,soon,1\n", "sample s1, column time is 'soon'"),
        ("sample,time,event\ns1,4,dead\n", "sample s1, column event is 'dead'.*1 .happened"),
    ],
)
def test_bad_follow_up_is_told_where(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_clinical(_write(tmp_path / "c.csv", text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sample,a\ns1,1\ns1,2\n", "sample s1 occurs twice"),
        ("sample,a\ns1,high\n", "sample s1, column a is high, not a number"),
        ("sample,a\ns1,inf\n", "sample s1, column a is inf, not a number"),
        ("sample,b\ns1,1\n", r"has no column a"),
    ],
)
def test_bad_profiles_are_told_where(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_profiles(_write(tmp_path / "x.csv", text), ["a"])


def test_tables_of_other_samples_are_refused(clinical):
    with pytest.raises(InputError, match=r"0 samples have both.*named alike"):
        cox(pd.DataFrame({"m": [1.0]}, index=["other"]), clinical)
    with pytest.raises(InputError, match="with 0 events"):
        cox(pd.DataFrame({"m": X}, index=SAMPLES), clinical.assign(event=0))
