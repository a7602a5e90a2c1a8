from __future__ import annotations

import pandas as pd

from sicmir_atlas.model.sample_names import compared_within, patients_of, sample_name


def test_a_barcode_is_cut_after_the_sample_type():
    assert sample_name(" TCGA-OR-A5J1-01A-11R-A29W-13 ") == "TCGA-OR-A5J1-01"
    assert sample_name("K562 ") == "K562"


def test_tumour_and_normal_of_a_patient_are_one_patient_and_two_groups():
    """Sample types 01 to 09 are tumours, 10 to 19 normal tissue (TCGA's code table)."""
    names = ["TCGA-W5-AA2I-01", "TCGA-W5-AA2I-11", "TCGA-W5-AA2I-06", "K562", "GTEX-1117F-11"]
    assert list(patients_of(names)) == [*["TCGA-W5-AA2I"] * 3, "K562", "GTEX-1117F-11"]
    groups = compared_within(pd.Series("CHOL", index=names))
    assert list(groups) == ["CHOL", "CHOL normal", "CHOL", "CHOL", "CHOL"]
