from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "tcga_targets.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("tcga_targets", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LOOPS = pd.Index(
    ["hsa-mir-9-1", "hsa-mir-9-2", "hsa-mir-9-3", "hsa-mir-92a-1", "hsa-mir-1-1", "hsa-mir-10a",
     "hsa-mir-103-1", "hsa-mir-103-1-as", "hsa-mir-16-1", "hsa-mir-16-2", "hsa-let-7a-2"]
)  # fmt: skip


@pytest.mark.parametrize(
    ("mirna", "expected"),
    {
        "hsa-miR-9-5p": ["hsa-mir-9-1", "hsa-mir-9-2", "hsa-mir-9-3"],
        "hsa-miR-1-3p": ["hsa-mir-1-1"],
        "hsa-miR-103a-3p": ["hsa-mir-103-1"],
        "hsa-miR-16-5p": ["hsa-mir-16-1", "hsa-mir-16-2"],
        "hsa-miR-16-1-3p": ["hsa-mir-16-1"],
        "hsa-let-7a-5p": ["hsa-let-7a-2"],
        "hsa-miR-4739": [],
    }.items(),
)
def test_loops_of_a_mature_mirna(tool, mirna, expected):
    assert tool.loops_of(mirna, LOOPS) == expected


def test_targets_are_measured_where_they_can_be(tool):
    samples = list("abcd")
    rpm = pd.DataFrame({"hsa-mir-9-1": [1, 3, 7, 0], "hsa-mir-9-2": [2, 0, 8, 5]}, samples)
    measured = pd.DataFrame(
        {"hsa-miR-9-5p": [10.0, 12.0], "hsa-miR-4739": [1.0, 2.0]}, index=["a", "b"]
    )
    panel = ["hsa-miR-9-5p", "hsa-miR-9-3p", "hsa-miR-4739", "hsa-miR-7-5p"]
    targets, sources = tool.build_targets(np.log2(rpm + 1), measured, panel)

    estimate = np.log2([1 + 2 + 1, 3 + 0 + 1, 7 + 8 + 1, 0 + 5 + 1])
    np.testing.assert_allclose(targets["hsa-miR-9-3p"], estimate)
    # both loops sum to 3 in samples a and b: no spread to match, so only the mean moves
    np.testing.assert_allclose(targets["hsa-miR-9-5p"], [1, 3, *estimate[2:]])
    np.testing.assert_allclose(targets["hsa-miR-4739"], [1, 2, np.nan, np.nan])
    assert targets["hsa-miR-7-5p"].isna().all()
    assert sources["n_measured"].tolist() == [2, 0, 2, 0]
    assert sources["n_estimated"].tolist() == [2, 4, 0, 0]


def test_measured_values_take_mean_and_sd_of_the_estimates(tool):
    rng = np.random.default_rng(0)
    values, reference = (pd.Series(rng.normal(m, s, 50)) for m, s in ((3, 2), (8, 0.5)))
    values[:10], reference[40:] = np.nan, np.nan
    matched = tool.match_moments(values, reference)
    assert matched[10:40].mean() == pytest.approx(reference[10:40].mean())
    assert matched[10:40].std() == pytest.approx(reference[10:40].std())
    assert np.corrcoef(matched[10:], values[10:])[0, 1] == pytest.approx(1)


@pytest.mark.real
def test_real_targets_have_the_counts_that_the_card_states(tool, shared_data):
    bulk = shared_data / "bulk"
    panel = tool.read_panel(shared_data / "facts" / "mirna_panel.txt")
    loops = tool.read_matrix(bulk / "tcga_rnaseq_stemloop_log2rpm.csv.gz")
    mature = tool.read_matrix(bulk / "tcga_mature_log2rpm_TNBC67_CHOL45.csv.gz")
    targets, sources = tool.build_targets(loops, mature, panel)
    assert targets.shape == (414, 1298)
    assert (targets.columns == panel).all()
    about = tool.describe(targets, mature, sources)["training_data"]
    assert (about["n_samples_measured"], about["n_samples_estimated"]) == (112, 302)
    assert sources.loc["hsa-miR-9-5p", "stem_loops"].count("hsa-mir-9-") == 3
    known = (sources["n_measured"] + sources["n_estimated"]).to_numpy()
    assert (targets.notna().sum().to_numpy() == known).all()
