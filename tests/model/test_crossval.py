from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.crossval import (
    agreement,
    cross_validate,
    folds_of,
    leave_one_cohort_out,
    mean_interval,
)

COHORTS = np.repeat(["a", "b", "c"], [23, 14, 12])


@dataclass
class Memory:
    """A learner that remembers its samples, and knows a row again."""

    name: str = "memory"
    seen: list = field(default_factory=list)

    def fit(self, x, y, cohorts, *, seed):
        self.seen.append(sorted(x[:, 0]))
        known = set(x[:, 0])
        return lambda rows: np.array([[float(row[0] in known)] for row in rows])


def test_folds_share_every_cohort_out():
    folds = folds_of(COHORTS, 5, seed=1)
    for cohort, size in (("a", 23), ("b", 14), ("c", 12)):
        counts = np.bincount(folds[cohort == COHORTS], minlength=5)
        assert counts.sum() == size
        assert np.ptp(counts) <= 1
    assert np.ptp(np.bincount(folds)) <= 1
    assert np.array_equal(folds, folds_of(COHORTS, 5, seed=1))
    assert not np.array_equal(folds, folds_of(COHORTS, 5, seed=2))
    with pytest.raises(InputError, match="49 samples cannot be dealt to 50 folds"):
        folds_of(COHORTS, 50, seed=1)


@pytest.mark.parametrize("judge", [cross_validate, leave_one_cohort_out])
def test_no_sample_is_predicted_by_who_has_seen_it(judge):
    x = np.arange(49.0)[:, None]
    learner = Memory()
    predicted = judge(learner, x, np.zeros((49, 1)), COHORTS)
    assert (predicted == 0).all()
    assert len(learner.seen) == (5 if judge is cross_validate else 3)
    if judge is leave_one_cohort_out:
        assert learner.seen[0] == list(range(23, 49))


def test_one_cohort_cannot_be_left_out():
    with pytest.raises(InputError, match="needs two cohorts"):
        leave_one_cohort_out(Memory(), np.zeros((4, 1)), np.zeros((4, 1)), np.repeat("a", 4))


def test_agreement_within_is_the_mean_of_cohorts_large_enough():
    rng = np.random.default_rng(0)
    cohorts = np.repeat(["a", "b", "small"], [30, 20, 9])
    truth = rng.normal(size=(59, 2)) + 10.0 * (cohorts == "b")[:, None]
    predicted = truth + rng.normal(size=truth.shape)
    found = agreement(truth, predicted, cohorts)
    within = [
        np.corrcoef(truth[cohorts == c, 0], predicted[cohorts == c, 0])[0, 1] for c in ("a", "b")
    ]
    assert found.within[0] == pytest.approx(np.mean(within))
    assert found.pooled[0] == pytest.approx(np.corrcoef(truth[:, 0], predicted[:, 0])[0, 1])
    assert set(found.by_group) == {"a", "b"}
    assert found.pooled[0] > found.within[0]


def test_interval_of_a_mean_is_the_normal_one():
    values = np.append(np.random.default_rng(0).normal(2, 1, 4000), np.nan)
    found = mean_interval(values)
    half = 1.96 * np.nanstd(values) / np.sqrt(4000)
    assert found.mean == pytest.approx(np.nanmean(values))
    assert (found.low, found.high) == pytest.approx(
        (found.mean - half, found.mean + half), abs=0.004
    )


def test_samples_of_a_patient_share_a_fold():
    rng = np.random.default_rng(0)
    patients = np.array([f"p{i}" for i in rng.integers(25, size=80)])
    cohorts = np.where(np.char.endswith(patients, "7"), "a", "b")
    folds = folds_of(cohorts, 4, seed=1, patients=patients)
    assert all(len(set(folds[patients == name])) == 1 for name in patients)
    sizes = [len(set(patients[folds == fold])) for fold in range(4)]
    assert max(sizes) - min(sizes) <= 1


def test_without_patients_every_sample_is_one():
    cohorts = np.repeat(["a", "b"], [13, 7])
    alone = folds_of(cohorts, 5, seed=2, patients=[f"s{i}" for i in range(20)])
    np.testing.assert_array_equal(alone, folds_of(cohorts, 5, seed=2))
