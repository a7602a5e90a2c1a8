from __future__ import annotations

import logging

import pandas as pd
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.splits import Design, draw_split, read_split, split_runs


@pytest.fixture
def cohorts():
    """Three cohorts of 100, 60 and 30 samples."""
    names = ["ACC"] * 100 + ["UVM"] * 60 + ["CHOL"] * 30
    return pd.Series(names, index=[f"S{i}" for i in range(190)])


def test_the_published_design(cohorts):
    runs = split_runs(cohorts, Design())
    seeds = (42, 52, 62)
    assert set(runs) == {f"{d}-seed{s}" for d in ("full", "fold1", "fold2", "fold3") for s in seeds}
    held = {}
    for name, part in runs.items():
        sizes = part.value_counts()
        assert set(sizes.index) == {"train", "validation", "test"}
        assert part.index.is_unique
        trained = sizes["train"] + sizes["validation"]
        assert sizes["validation"] == round(0.2 * trained)
        held.setdefault(name.partition("-")[0], set()).add(frozenset(part.index[part == "test"]))
    # the seed has no say in what is held out, and a fold never sees what all runs hold out
    (test,), *folds = held.values()
    assert all(len(fold) == 1 for fold in folds)
    assert cohorts[list(test)].value_counts().to_dict() == {"ACC": 30, "UVM": 18, "CHOL": 9}
    parts = [next(iter(fold)) for fold in folds]
    assert set.union(*map(set, parts)) == set(cohorts.index) - test
    assert sum(map(len, parts)) == 190 - len(test)
    for part in parts:
        counts = cohorts[list(part)].value_counts()
        assert abs(counts["ACC"] - 70 / 3) < 1
        assert abs(counts["CHOL"] - 7) < 1
    assert len(runs["fold1-seed42"]) == 190 - len(test)


def test_seeds_draw_validation_samples_and_the_split_seed_the_test(cohorts):
    runs, again = split_runs(cohorts, Design()), split_runs(cohorts, Design())
    for name, part in runs.items():
        pd.testing.assert_series_equal(part, again[name])
    assert not runs["full-seed42"].equals(runs["full-seed52"])
    other = split_runs(cohorts, Design(split_seed=1))
    assert set(other["full-seed42"].index[other["full-seed42"] == "test"]) != set(
        runs["full-seed42"].index[runs["full-seed42"] == "test"]
    )


def test_no_folds_and_one_seed(cohorts):
    assert list(split_runs(cohorts, Design(n_folds=0, seeds=(7,)))) == ["full-seed7"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"test": 0}, "shares 0 and 0.2 must be between 0 and 1"),
        ({"validation": 1}, "shares 0.3 and 1"),
        ({"seeds": ()}, r"seeds \[\] must be one or more, each once"),
        ({"seeds": (1, 1)}, r"seeds \[1, 1\]"),
        ({"n_folds": 1}, "1 folds are none"),
        ({"n_folds": -20}, "-20 folds are none"),
        ({"seeds": (3, -1)}, "seed -1 must not be below 0"),
        ({"split_seed": -7}, "seed -7 must not be below 0"),
    ],
)
def test_designs_that_are_none(wrong, said):
    with pytest.raises(InputError, match=said):
        Design(**wrong)


def test_too_few_samples_are_told(cohorts):
    with pytest.raises(InputError, match="4 samples are too few: full has"):
        split_runs(cohorts[:4], Design(n_folds=0))


@pytest.mark.parametrize("test", [-0.2, 1.0, 1.5])
def test_a_share_that_is_none_is_refused(test):
    with pytest.raises(InputError, match=f"shares of {test:g} for test"):
        draw_split(pd.Series("a", index=list("uvwx")), test=test, seed=0)


def test_a_split_is_read_by_the_names_that_tables_are_joined_by(tmp_path):
    path = tmp_path / "split.tsv"
    path.write_text("sample\tpart\nTCGA-OR-A5J1-01A\ttrain\nTCGA-OR-A5J2-01A\ttest\n")
    samples = pd.Index(["TCGA-OR-A5J1-01", "TCGA-OR-A5J2-01"])
    assert read_split(path, samples).to_dict() == dict(zip(samples, ["train", "test"], strict=True))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("s1\ttrain\ns1\ttest\n", "names 1 samples twice, such as s1"),
        ("s9\ttrain\n", "1 samples are not in the tables, such as s9"),
        ("s1\tseen\n", "part 'seen' of sample s1 is none of train, validation, test"),
    ],
)
def test_a_split_that_cannot_be_is_refused(tmp_path, rows, said):
    path = tmp_path / "split.tsv"
    path.write_text(f"sample\tpart\n{rows}")
    with pytest.raises(InputError, match=said):
        read_split(path, pd.Index(["s1", "s2"]))


def test_a_patient_in_two_parts_is_told(tmp_path, caplog):
    path = tmp_path / "split.tsv"
    rows = {"TCGA-AA-0001-01": "train", "TCGA-AA-0001-11": "train", "TCGA-AA-0002-01": "test"}
    samples = pd.Index([*rows, "TCGA-AA-0002-11"])

    def read(last):
        parts = {**rows, samples[-1]: last}
        path.write_text("sample\tpart\n" + "".join(f"{k}\t{v}\n" for k, v in parts.items()))
        with caplog.at_level(logging.WARNING):
            return read_split(path, samples)

    read("test")
    assert not caplog.records
    assert read("validation")[samples[-1]] == "validation"
    said = "1 patients have samples in several parts, such as TCGA-AA-0002;"
    assert said in caplog.text


def test_tumour_and_normal_of_a_patient_have_one_part():
    names = [f"TCGA-AA-{i:04}-{kind}" for i in range(40) for kind in ("01", "11")]
    cohorts = pd.Series("COAD", index=names)
    patient = [name[:12] for name in names]
    split = draw_split(cohorts, test=0.3, validation=0.2, seed=5)
    assert (split.groupby(patient).nunique() == 1).all()
    assert split.value_counts().to_dict() == {"train": 44, "test": 24, "validation": 12}
    for part in split_runs(cohorts, Design(seeds=(1,))).values():
        assert (part.groupby([name[:12] for name in part.index]).nunique() == 1).all()
