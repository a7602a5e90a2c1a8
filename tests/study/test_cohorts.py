from __future__ import annotations

import pandas as pd
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.pairs import Pairs
from sicmir_atlas.study.cohorts import of_cohort


def _pairs(cohorts):
    samples = [f"s{i}" for i in range(len(cohorts))]
    values = pd.DataFrame({"A": range(len(cohorts))}, index=samples)
    return Pairs(values, 2 * values, pd.Series(cohorts, samples))


def test_one_cohort_alone():
    pairs = _pairs(["A", "B"] * 3)
    kept = of_cohort(pairs, "B")
    for frame in (kept.mrna, kept.mirna, kept.cohorts):
        assert list(frame.index) == ["s1", "s3", "s5"]
    assert of_cohort(pairs, None) is pairs


@pytest.mark.parametrize(("cohort", "n"), [("UVM", 0), ("B", 2)])
def test_a_cohort_of_too_few_samples_is_told_with_those_there_are(cohort, n):
    pairs = _pairs(["A"] * 3 + ["B"] * 2)
    said = rf"cohort '{cohort}' has {n} samples to take, 3 are needed; there are A \(3\), B \(2\)$"
    with pytest.raises(InputError, match=said):
        of_cohort(pairs, cohort)


def test_of_many_cohorts_the_first_are_told():
    with pytest.raises(InputError, match=r"there are c0 \(1\), .*, c7 \(1\) and others$"):
        of_cohort(_pairs([f"c{i}" for i in range(9)]), "x")
