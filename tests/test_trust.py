from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import sicmir_atlas as sa
from ensemble import ensemble, outside
from sicmir_atlas.model.members import LinearMember
from sicmir_atlas.model.weights import Model, save_model
from sicmir_atlas.trust import DomainMeter, is_short_of_landmarks, mirna_table


@pytest.fixture
def three():
    """A model of three miRNAs: a hub, one without an interval, one that was not measured."""
    return Model(
        "three",
        ("A", "B"),
        ("hsa-miR-1-3p", "hsa-let-7a-5p", "hsa-miR-9"),
        (LinearMember(np.zeros((2, 3), np.float32), np.zeros(3, np.float32)),),
        card={
            "mirnas_untrained": ["hsa-miR-9"],
            "reliability": {"hsa-miR-1-3p": 0.8, "hsa-let-7a-5p": -0.1, "hsa-miR-9": None},
            "reliability_interval": {"hsa-miR-1-3p": [0.7, 0.85], "hsa-let-7a-5p": None},
            "reliability_within_cohort": {"hsa-miR-1-3p": 0.4},
            "reliability_within_cohort_interval": {"hsa-miR-1-3p": [0.2, 0.55]},
        },
    )


def test_every_mirna_of_a_card(three):
    got = mirna_table(three).set_index("mirna")
    assert list(got.index) == list(three.mirnas)
    assert got["position"].tolist() == [1, 2, 3]
    assert got["arm"].astype(object).where(got["arm"].notna(), None).tolist() == ["3p", "5p", None]
    assert got["stem"].tolist() == ["hsa-miR-1", "hsa-let-7a", "hsa-miR-9"]
    assert got["is_trained"].tolist() == [True, True, False]
    assert got["is_hub"].tolist()[:2] == [True, False]
    assert got["is_hub"].isna().tolist() == [False, False, True]
    figures = got.loc[:, "reliability":"reliability_within_cohort_high"]
    assert list(figures) == [
        *("reliability", "reliability_low", "reliability_high"),
        "reliability_within_cohort",
        *("reliability_within_cohort_low", "reliability_within_cohort_high"),
    ]
    nan = np.nan
    expected = [[0.8, 0.7, 0.85, 0.4, 0.2, 0.55], [-0.1, *[nan] * 5], [nan] * 6]
    np.testing.assert_array_equal(figures, expected)


def test_a_card_without_intervals(three):
    old = replace(three, card={"reliability": three.card["reliability"]})
    got = mirna_table(old)
    assert got["reliability"].tolist()[:2] == [0.8, -0.1]
    assert got["reliability_low"].isna().all()
    assert got["reliability_within_cohort"].isna().all()
    assert mirna_table(replace(three, card={})).loc[:, "is_hub":].isna().all(axis=None)


def test_a_folder_and_the_default_model(three, tmp_path):
    save_model(three, tmp_path / "three")
    assert sa.mirna_table(tmp_path / "three").equals(mirna_table(three))
    assert len(sa.mirna_table()) == 1298


@pytest.mark.parametrize(("n_missing", "short"), [(0, False), (48, False), (49, True)])
def test_short_of_landmarks_is_more_than_five_percent(n_missing, short):
    assert is_short_of_landmarks(n_missing) is short


def test_distance_of_rows_that_come_in_blocks():
    model = ensemble(limit=0.94)
    rng = np.random.default_rng(0)
    z = rng.normal(size=(40, 977)) * np.arange(1, 41)[:, None]
    meter = DomainMeter(model)
    assert meter.distance is None
    for start in (0, 3, 30):
        meter.add(z[start : {0: 3, 3: 30, 30: 40}[start]])
    assert meter.distance == pytest.approx(outside(model, z), abs=5e-5)
    assert meter.is_far is True
    near = DomainMeter(model)
    near.add(rng.normal(size=(5, 50)) @ model.scaling["domain_directions"])
    assert near.distance == pytest.approx(0, abs=1e-4)
    assert near.is_far is False


def test_rows_that_do_not_vary_are_as_far_as_can_be():
    meter = DomainMeter(ensemble())
    meter.add(np.zeros((3, 977)))
    assert (meter.distance, meter.is_far) == (1.0, True)


def test_a_model_that_stores_no_domain_judges_nothing():
    meter = DomainMeter(replace(ensemble(), scaling={}))
    meter.add(np.ones((3, 977)))
    assert (meter.distance, meter.limit, meter.is_far) == (None, None, None)
