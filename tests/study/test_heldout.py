from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.pairs import Pairs
from sicmir_atlas.study.heldout import held_out, n_trained_on

PAPER = "sicmir-tcga414-v3"


@pytest.fixture
def pairs():
    samples = ["s3", "s1", "s2", "s4"]
    return Pairs(
        pd.DataFrame({"A": [3.0, 1, 2, 4]}, index=samples),
        pd.DataFrame({"hsa-miR-1-3p": [30.0, 10, 20, 40]}, index=samples),
        pd.Series(["x", "y", "x", "y"], index=samples),
    )


def _write(folder, **parts):
    rows = "".join(f"{sample}\t{part}\n" for sample, part in parts.items())
    (folder / "split.tsv").write_text("sample\tpart\n" + rows)


def test_only_test_samples_stay_in_the_order_of_the_tables(tmp_path, pairs):
    _write(tmp_path, s1="train", s2="test", s3="test", s4="validation", s9="test")
    kept = held_out(tmp_path, pairs)
    for frame in (kept.mrna, kept.mirna, kept.cohorts):
        assert list(frame.index) == ["s3", "s2"]
    assert list(kept.mirna["hsa-miR-1-3p"]) == [30, 20]
    assert list(kept.cohorts) == ["x", "x"]


def test_a_shipped_model_goes_by_its_name(pairs):
    with pytest.raises(InputError, match=rf"{PAPER}/split\.tsv names none"):
        held_out(Path(PAPER), pairs)


def test_all_needs_no_split(tmp_path, pairs):
    assert held_out(tmp_path, pairs, "all") is pairs


def test_a_model_without_split_is_refused_with_the_remedy(tmp_path, pairs):
    with pytest.raises(InputError, match=r"split\.tsv is missing.*--split all"):
        held_out(tmp_path, pairs)


def test_samples_that_the_split_does_not_know_are_refused(tmp_path, pairs):
    _write(tmp_path, s1="train", s9="test")
    with pytest.raises(InputError, match=r"split\.tsv names none of the 4 samples as test"):
        held_out(tmp_path, pairs)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id\tfold\ns1\t1\n", "needs the columns sample and part; take all"),
        ("", "is empty; take all"),
        ("\n\n", "Could not determine delimiter; take all"),
        ("sample\tpart\ns1\ttest\ns1\ttrain\n", "names 1 samples twice, such as s1.*; take all"),
    ],
)
def test_what_is_no_split_is_refused_with_the_remedy(tmp_path, pairs, text, said):
    (tmp_path / "split.tsv").write_text(text)
    with pytest.raises(InputError, match=rf"split\.tsv.*{said} samples with --split all"):
        held_out(tmp_path, pairs)
    assert held_out(tmp_path, pairs, "all") is pairs
    assert n_trained_on(tmp_path, pairs) is None


def test_samples_that_the_model_was_trained_or_stopped_on_are_told(tmp_path, pairs, caplog):
    _write(tmp_path, s1="train", s2="test", s3="test", s4="validation", s9="train")
    assert n_trained_on(tmp_path, pairs) == 2
    assert "was trained on 2 of the 4 samples, such as s1: it is judged too well" in caplog.text
    caplog.clear()
    assert held_out(tmp_path, pairs, "all") is pairs
    assert "was trained on 2 of the 4 samples" in caplog.text
    caplog.clear()
    assert n_trained_on(tmp_path, held_out(tmp_path, pairs)) == 0
    assert not caplog.text
