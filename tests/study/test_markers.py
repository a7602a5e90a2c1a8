from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ranksums

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.weights import load_model
from sicmir_atlas.study.cells import read_cells
from sicmir_atlas.study.directions import read_directions, terms_of
from sicmir_atlas.study.markers import Rows, contrast, markers, sensitivity
from sicmir_atlas.study.predicted_cells import predict_rows
from sicmir_atlas.study.result import write_result


def test_spec_v8():
    a, b = np.array([1.1, 0.4, 0.9, 1.6, 0.7]), np.array([0.2, -0.1, 0.5, 0.3, -0.4])
    effect, u, p = contrast(a, b)
    assert (effect, u) == (pytest.approx(0.84), 24)
    assert p == pytest.approx(0.015873, abs=6e-7)


def test_large_groups_are_tested_by_the_normal_approximation():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.3, size=400), rng.normal(size=700)
    # scipy's ranksums lacks the correction for continuity, which is small here
    assert contrast(a, b)[2] == pytest.approx(ranksums(a, b).pvalue, rel=1e-2)


def _directions(*rows):
    columns = ["mirna", "group", "reference", "direction", "source"]
    return pd.DataFrame([(*row, "nobody") for row in rows], columns=columns)


@pytest.fixture
def rows():
    """Simulated predictions with effects of 0.6, -0.3, 0.1 and 2 of `T` against `B`."""
    labels = np.repeat(["T", "B"], 50)
    noise = np.random.default_rng(2).normal(size=(100, 4))
    noise -= np.repeat([noise[:50].mean(axis=0), noise[50:].mean(axis=0)], 50, axis=0)
    shift = np.where(labels == "T", 1, 0)[:, None] * [0.6, -0.3, 0.1, 2]
    return Rows(pd.DataFrame(noise + shift, columns=["m1", "m2", "m3", "m4"]), labels)


EXPECTED = _directions(
    ("m1", "T", "B", "up"),
    ("m2", "T", "B", "down"),
    ("m3", "T", "B", "down"),
    ("m4", "B", "T", "down"),
)
TERMS = {"T": "CL:0000084", "B": "CL:0000236"}


def test_effects_and_sensitivity_are_those_put_in(rows):
    result = markers({"percell": rows}, EXPECTED, TERMS, hubs={"m1", "m2"})
    np.testing.assert_allclose(result.table["effect"], [0.6, -0.3, 0.1, -2])
    np.testing.assert_allclose(result.table["agreeing_effect"], [0.6, 0.3, -0.1, 2])
    found = result.summary["sensitivity"]["percell"]
    assert found["all"] == {"0": 0.75, "0.25": 0.75, "0.5": 0.5, "1": 0.25}
    assert found["hubs"] == {"0": 1, "0.25": 1, "0.5": 0.5, "1": 0}
    assert result.summary["n_hub_directions"] == 2


def test_an_effect_of_nothing_is_not_found_at_any_cut_off():
    table = pd.DataFrame({"agreeing_effect": [0.0, 0.25, -0.5]})
    assert sensitivity(table, [0, 0.25, 1]) == {"0": 0.3333, "0.25": 0.3333, "1": 0}


def test_q_values_are_benjamini_and_hochbergs_within_an_input(rows):
    half = Rows(rows.values[::2], rows.labels[::2])
    table = markers({"pooled": half, "percell": rows}, EXPECTED, TERMS).table
    for _, part in table.groupby("input"):
        p = part["p_value"].to_numpy()
        order = np.argsort(p)
        stepped = p[order] * 4 / np.arange(1, 5)
        expected = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1)
        np.testing.assert_allclose(part["q_value"].to_numpy()[order], expected)


def test_cells_of_the_group_are_no_reference_of_themselves(rows):
    both = _directions(("m1", "CL:0000084", "CL:0000542", "up"))
    row = markers({"percell": rows}, both, TERMS).table.iloc[0]
    assert (row["n_group"], row["n_reference"]) == (50, 50)


def test_what_cannot_be_tested_is_told(rows):
    expected = _directions(
        ("m1", "T", "B", "up"), ("m9", "T", "B", "up"), ("m1", "CL:0000576", "CL:0000084", "up")
    )
    summary = markers({"percell": rows}, expected, TERMS).summary
    assert summary["left_out"] == [
        "m9, T against B: the model has no such miRNA",
        "m1, CL:0000576 against CL:0000084: no cells of CL:0000576",
    ]
    with pytest.raises(InputError, match=r"no expected direction fits .*: T \(no CL term\)"):
        markers({"percell": rows}, expected[2:], {"T": None, "B": None})


def test_the_same_predictions_write_the_same_files(rows, tmp_path):
    for folder in ("a", "b"):
        result = markers({"pooled": rows, "percell": rows}, EXPECTED, TERMS, hubs={"m1"})
        write_result(result, tmp_path / folder)
    for name in ("markers.csv", "markers.json", "markers.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.real
def test_sorted_blood_cells_against_a_calculation_of_its_own(shared_data):
    """The machinery; not how well the model does."""
    path = shared_data / "cells" / "pbmc_facs.h5ad"
    model, directions = load_model(), read_directions()
    inputs = predict_rows(path, "celltype", model, mirnas=set(directions["mirna"]))
    terms = terms_of(np.unique(inputs["percell"].labels), {"CD34+": "CL:0008001"})
    table = markers(inputs, directions, terms).table
    assert len(table) == 2 * len(directions)

    cells = read_cells(path, "celltype")
    x = cells.x.astype(np.float64)
    sd = np.where(np.ptp(x, axis=0) > 0, x.std(axis=0), np.inf)
    predicted = load_predictor(model).predict((x - x.mean(axis=0)) / sd)
    mir150 = predicted[:, model.mirnas.index("hsa-miR-150-5p")]
    b, precursor = mir150[cells.types == "CD19+ B"], mir150[cells.types == "CD34+"]
    row = table[
        (table["mirna"] == "hsa-miR-150-5p")
        & (table["group"] == "CL:0000236")
        & (table["input"] == "percell")
    ].iloc[0]
    assert (row["n_group"], row["n_reference"]) == (767, 687)
    assert row["effect"] == pytest.approx(b.mean() - precursor.mean(), abs=1e-4)
    assert np.log(row["p_value"]) == pytest.approx(np.log(ranksums(b, precursor).pvalue), rel=1e-2)
