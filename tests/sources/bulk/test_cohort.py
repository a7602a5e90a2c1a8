from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.errors import GoneError, InputError
from sicmir_atlas.sources.bulk import Cohort, join_cohorts, read_cohort, write_cohort


def cohort(name, mirna, *, samples=None):
    samples = samples or [f"{name}-{i}" for i in range(2)]
    strata = pd.DataFrame({"cohort": name, "type": "tumor"}, index=samples)
    mrna = pd.DataFrame({"PSME1": [1.0, 2.0]}, index=samples)
    return Cohort(mrna, pd.DataFrame(mirna, index=samples), strata, {"name": name})


def test_joining_keeps_what_any_cohort_measured():
    one = cohort("ACC", {"hsa-b": [1.0, 0.0], "hsa-zero": [0.0, 0.0], "hsa-gap": [np.nan, np.nan]})
    two = cohort("UVM", {"hsa-a": [0.0, 3.0], "hsa-zero": [0.0, 0.0]})
    joined = join_cohorts([one, two])
    assert list(joined.mirna.columns) == ["hsa-a", "hsa-b"]
    assert joined.mirna["hsa-a"].isna().tolist() == [True, True, False, False]
    assert joined.mrna["PSME1"].tolist() == [1, 2, 1, 2]
    assert joined.strata["cohort"].tolist() == ["ACC", "ACC", "UVM", "UVM"]
    assert joined.about["n_paired"] == 4
    assert joined.about["mirnas_never_measured"] == 2
    assert [part["name"] for part in joined.about["cohorts"]] == ["ACC", "UVM"]


def test_a_sample_in_two_cohorts_is_refused():
    same = ["S1", "S2"]
    both = [cohort(name, {"hsa-a": [1.0, 2.0]}, samples=same) for name in ("COAD", "COADREAD")]
    with pytest.raises(InputError, match="sample S1 is in COAD and COADREAD; ask for one"):
        join_cohorts(both)


def test_tables_of_zeros_are_refused():
    with pytest.raises(InputError, match="all 1 miRNAs are 0 in all 2 samples"):
        join_cohorts([cohort("ACC", {"hsa-a": [0.0, 0.0]})])


def test_a_folder_is_read_as_it_was_written_and_the_same_bytes_come_again(tmp_path):
    given = cohort("ACC", {"hsa-a": [1.25, np.nan]})
    for name in ("one", "two"):
        write_cohort(given, tmp_path / name)
    read = read_cohort(tmp_path / "one")
    pd.testing.assert_frame_equal(read.mirna, given.mirna, check_names=False)
    pd.testing.assert_frame_equal(read.strata, given.strata, check_names=False)
    assert read.about == given.about
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    (tmp_path / "one/strata.csv").unlink()
    with pytest.raises(GoneError, match=r"strata\.csv is missing"):
        read_cohort(tmp_path / "one")
