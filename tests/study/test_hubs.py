from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.members import LinearMember
from sicmir_atlas.model.pairs import Pairs
from sicmir_atlas.model.weights import Model
from sicmir_atlas.names import mirnas
from sicmir_atlas.study.hub_table import (
    family_of,
    hub_table,
    hub_table_of_card,
    is_hub,
    read_hubs,
    stem_pairs,
)
from sicmir_atlas.study.hubs import elbow, hubs
from sicmir_atlas.study.predicted import predict_pairs

NAMES = ["hsa-miR-30c-5p", "hsa-miR-30c-3p", "hsa-miR-30a-5p", "hsa-miR-21-5p", "hsa-miR-107"]


def test_the_threshold_is_inclusive_and_undefined_is_no_hub():
    assert list(is_hub(np.array([0.8, 0.79999, 0.7999, 0.81, np.nan]))) == [1, 1, 0, 1, 0]


def test_stems_of_the_panel_of_1298_give_372_pairs():
    pairs = stem_pairs(mirnas())
    assert len(pairs) == 372
    assert len({name for pair in pairs for name in pair}) == 744
    assert ("hsa-miR-21-5p", "hsa-miR-21-3p") in pairs
    # the copies of one mature miRNA are stems of their own
    assert all("hsa-miR-16-1-3p" not in pair for pair in pairs)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("hsa-miR-30c-2-3p", "miR-30"),
        ("hsa-let-7f-1-3p", "let-7"),
        ("hsa-miR-16-5p", "miR-16"),
        ("hsa-miR-548aa", "miR-548"),
        ("hsa-miR-509-3-5p", "miR-509"),
        ("hsa-miR-1185-1-3p", "miR-1185"),
        ("hsa-miR-107", "miR-107"),
    ],
)
def test_families_are_names_without_arm_copy_and_letter(name, family):
    assert family_of(name) == family


def test_the_elbow_of_two_straight_lines_is_where_they_meet():
    steep, shallow = (np.arange(90) + 0.5) / 300, 0.3 + (np.arange(10) + 0.5) * 0.07
    counts, found = elbow(np.r_[steep, shallow, np.nan])
    assert (counts[0], counts[30], counts[100]) == (100, 10, 0)
    assert found == pytest.approx(0.3, abs=0.011)


def test_a_curve_without_elbow_has_none():
    assert elbow(np.full(20, 0.9))[1] is None
    assert elbow(np.array([np.nan]))[1] is None


def _measured(n_samples=40):
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(n_samples, len(NAMES)))
    noise = np.array([0.1, 0.2, 2, 0.3, 1])
    return truth, truth + noise * rng.normal(size=truth.shape)


def test_the_table_agrees_with_pandas_within_and_over_cohorts():
    truth, predicted = _measured()
    truth[:20] += 3
    truth[0, 0] = np.nan
    cohorts = np.repeat(["a", "b"], 20)
    table = hub_table(NAMES, truth, predicted, cohorts).set_index("mirna").loc[NAMES]
    y, p = pd.DataFrame(truth, columns=NAMES), pd.DataFrame(predicted, columns=NAMES)
    np.testing.assert_allclose(table["pcc_test"], y.corrwith(p))
    inside = [y[rows].corrwith(p[rows]) for rows in (slice(0, 20), slice(20, 40))]
    np.testing.assert_allclose(table["pcc_within_cohort"], sum(inside) / 2)
    z = (y - y.mean()) / y.std(ddof=0)
    r2 = 1 - (z - p.where(z.notna())).pow(2).sum() / z.notna().sum()
    np.testing.assert_allclose(table["r2_test"], r2)
    assert list(table["partner"].fillna("")) == [NAMES[1], NAMES[0], "", "", ""]
    assert list(table["arm"].fillna("")) == ["5p", "3p", "5p", "5p", ""]


def test_arms_and_families_are_counted_by_hand():
    truth, predicted = _measured()
    result = hubs(hub_table(NAMES, truth, predicted, np.full(40, "all")))
    pcc = result.table.set_index("mirna")["pcc_test"]
    assert result.summary["n_hubs"] == (pcc >= 0.8).sum() == 3
    arms = result.summary["arms"]
    assert (arms["n_pairs"], arms["n_pairs_both_hubs"], arms["n_pairs_one_hub"]) == (1, 1, 0)
    assert arms["median_difference"] == pytest.approx(abs(pcc[NAMES[0]] - pcc[NAMES[1]]), abs=5e-5)
    families = result.summary["families"]
    assert (families["n_families"], families["n_of_several"]) == (3, 1)
    assert families["most_hubs"] == {"miR-30": {"n": 3, "n_hubs": 2}}


@pytest.fixture
def identity():
    """A model of the landmarks A, B and C that gives them back as m1, m2 and m3."""
    member = LinearMember(np.eye(3, dtype=np.float32), np.zeros(3, dtype=np.float32))
    return Model("identity", ("A", "B", "C"), ("m1", "m2", "m3"), (member,))


def test_a_card_tells_its_hubs(identity, tmp_path):
    card = {"reliability": {"m1": 0.8, "m2": None, "m3": 0.9}}
    table = hub_table_of_card(replace(identity, card=card))
    assert table["mirna"].to_list() == ["m3", "m1", "m2"]
    assert table["is_hub"].to_list() == [True, True, False]
    assert hubs(table).summary["n_undefined"] == 1
    table.to_csv(tmp_path / "hubs.csv")
    assert read_hubs(tmp_path / "hubs.csv") == ["m3", "m1"]
    with pytest.raises(InputError, match="card of identity has no reliability"):
        hub_table_of_card(identity)
    table.assign(is_hub=False).to_csv(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"none\.csv has no hub"):
        read_hubs(tmp_path / "none.csv")
    table[["mirna"]].to_csv(tmp_path / "names.csv")
    with pytest.raises(InputError, match="columns mirna and is_hub"):
        read_hubs(tmp_path / "names.csv")


def _pairs(mrna, mirna):
    index = [f"s{i}" for i in range(len(mrna))]
    return Pairs(mrna.set_axis(index), mirna.set_axis(index), pd.Series("all", index=index))


def test_columns_are_matched_by_name_and_a_missing_landmark_counts_as_0(identity, caplog):
    mrna = pd.DataFrame({"X": [0.0, 0, 9], "C": [1.0, 2, 3], "A": [4.0, 8, 0]})
    mirna = pd.DataFrame({"m3": [1.0, 2, 3], "other": 0.0, "m1": [3.0, 2, 1]})
    found = predict_pairs(identity, _pairs(mrna, mirna))
    assert found.mirnas == ["m1", "m3"]
    z = (mrna - mrna.mean()) / mrna.std(ddof=0)
    np.testing.assert_allclose(found.predicted, z[["A", "C"]], atol=1e-6)
    np.testing.assert_array_equal(found.truth, mirna[["m1", "m3"]])
    assert "1 of 3 landmark genes are not in the mRNA table, such as B" in caplog.text


def test_strange_tables_are_refused(identity):
    mirna = pd.DataFrame({"m1": [1.0, 2]})
    with pytest.raises(InputError, match=r"2 of 3 landmark genes.* such as B; columns must"):
        predict_pairs(identity, _pairs(pd.DataFrame({"A": [1.0, 2]}), mirna))
    mrna = pd.DataFrame({"A": [1.0, 2], "B": [1.0, 2], "C": [1.0, 2]})
    with pytest.raises(InputError, match="none of the miRNAs of identity, such as m1"):
        predict_pairs(identity, _pairs(mrna, mirna.rename(columns={"m1": "MIMAT0000062"})))
