from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

import mirbase_loci
from sicmir_atlas.errors import InputError
from sicmir_atlas.sources.bulk.hairpins import read_hairpins
from sicmir_atlas.study.cluster_table import clustered, correlations
from sicmir_atlas.study.predicted import Predicted

PCC = {
    "hsa-miR-92a-3p": 0.9,
    "hsa-miR-17-5p": 0.85,
    "hsa-miR-17-3p": 0.7,
    "hsa-miR-363-3p": 0.6,
    "hsa-miR-622": 0.2,
    "hsa-miR-21-5p": 0.98,
}
FIRST, SECOND = "mir-17~92a-1", "mir-106a~363"


@pytest.fixture
def hairpins(tmp_path):
    (tmp_path / "hsa.gff3").write_text(mirbase_loci.gff3())
    return read_hairpins(tmp_path / "hsa.gff3")


@pytest.fixture
def table():
    pcc = pd.Series(PCC)
    return pd.DataFrame({"mirna": pcc.index, "pcc_test": pcc.values, "is_hub": pcc.values >= 0.8})


def test_a_mirna_made_by_two_loci_is_in_both_clusters(table, hairpins, caplog):
    found = clustered(table, hairpins)
    cluster = found.hubs.set_index("mirna")["cluster"]
    assert cluster["hsa-miR-92a-3p"] == f"{FIRST};{SECOND}"
    assert (cluster["hsa-miR-17-5p"], cluster["hsa-miR-363-3p"]) == (FIRST, SECOND)
    assert cluster[["hsa-miR-622", "hsa-miR-21-5p"]].isna().all()
    # with 92a-3p: 17-5p, 17-3p, 363-3p and itself; 622 is alone, 21-5p in no line of the file
    n = found.hubs.set_index("mirna")["n_in_cluster"]
    assert n.drop("hsa-miR-21-5p").to_dict() == {
        "hsa-miR-92a-3p": 4,
        "hsa-miR-17-5p": 3,
        "hsa-miR-17-3p": 3,
        "hsa-miR-363-3p": 2,
        "hsa-miR-622": 0,
    }
    assert n.isna()["hsa-miR-21-5p"]
    assert list(found.hubs["mirna"]) == list(table["mirna"])
    assert "1 of 6 miRNAs are not in the annotation, such as hsa-miR-21-5p" in caplog.text


def test_clusters_are_listed_and_counted_by_hand(table, hairpins):
    found = clustered(table, hairpins)
    first, second = found.clusters.to_dict("records")
    assert first == {
        "cluster": FIRST,
        "chromosome": "chr13",
        "start": 91350605,
        "end": 91351391,
        "strand": "+",
        "n_hairpins": 6,
        "n_mirnas": 3,
        "n_hubs": 2,
        "mean_pcc": pytest.approx((0.9 + 0.85 + 0.7) / 3),
        # 92a-3p with each arm of mir-17; the arms themselves are no pair
        "median_pcc_difference": pytest.approx((0.05 + 0.2) / 2),
        "mirnas": "hsa-miR-17-5p;hsa-miR-17-3p;hsa-miR-92a-3p",
    }
    assert (second["cluster"], second["strand"], second["n_hubs"]) == (SECOND, "-", 1)
    assert second["mirnas"] == "hsa-miR-92a-3p;hsa-miR-363-3p"
    assert found.summary == {
        "distance": 10_000,
        "n_clusters": 2,
        "n_with_several_hubs": 1,
        "n_mirnas_not_annotated": 1,
        "in_clusters": {"n_mirnas": 4, "n_hubs": 2, "mean_pcc": 0.7625},
        "elsewhere": {"n_mirnas": 1, "n_hubs": 0, "mean_pcc": 0.2},
        "n_pairs": 3,
        # 0.05, 0.2 and 0.3; others: 363-3p with each arm of mir-17, 622 with the other four
        "median_pcc_difference": {
            "same_cluster": 0.2,
            "other_pairs": pytest.approx(np.median([0.25, 0.1, 0.7, 0.65, 0.5, 0.4])),
        },
    }


def test_correlations_agree_with_pandas_within_groups():
    rng = np.random.default_rng(3)
    groups = np.repeat(["a", "b", "c"], [12, 20, 8])
    values = rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6)) + 7
    values[groups == "b"] += rng.normal(0, 9, size=6)
    values[rng.random(values.shape) < 0.2] = np.nan
    values[:, 4] = 2.5
    values[9:, 5] = np.nan
    centred = pd.DataFrame(values)
    for group in "abc":
        centred[groups == group] -= centred[groups == group].mean()
    found = correlations(values, groups)
    expected = centred.corr(min_periods=10)
    np.testing.assert_allclose(found[:4, :4], expected.to_numpy()[:4, :4], rtol=1e-9)
    assert np.isnan(found[4:]).all()
    assert np.isnan(found[:, 4:]).all()


def test_pairs_of_a_cluster_are_compared_with_the_others(table, hairpins):
    rng = np.random.default_rng(5)
    groups = np.repeat(["a", "b"], 30)
    truth, predicted = rng.normal(size=(2, 60, 6)) + rng.normal(size=(2, 60, 1))
    names = sorted(PCC)
    samples = Predicted(names, list(range(6)), truth, predicted, groups)
    found = clustered(table, hairpins, samples=samples)
    clusters = [set(text.split(";")) for text in found.clusters["mirnas"]]
    arms = {"hsa-miR-17-5p", "hsa-miR-17-3p"}
    for column, values in (("predicted_r", predicted), ("measured_r", truth)):
        frame = pd.DataFrame(values, columns=names)
        r = (frame - frame.groupby(groups).transform("mean")).corr()
        pairs = [{a, b} for a, b in combinations(names, 2) if {a, b} != arms]
        annotated = [pair for pair in pairs if "hsa-miR-21-5p" not in pair]
        same = [r.loc[*pair] for pair in annotated if any(pair <= one for one in clusters)]
        other = [r.loc[*pair] for pair in annotated if not any(pair <= one for one in clusters)]
        assert found.summary[f"median_{column}"] == {
            "same_cluster": pytest.approx(np.median(same), abs=5e-5),
            "other_pairs": pytest.approx(np.median(other), abs=5e-5),
        }
        second = r.loc["hsa-miR-92a-3p", "hsa-miR-363-3p"]
        assert found.clusters[f"median_{column}"][1] == pytest.approx(second)


def test_a_table_of_other_names_is_refused_and_one_without_clusters_is_not(table, hairpins):
    other = table.assign(mirna=table["mirna"].str.replace("hsa-", "mmu-"))
    with pytest.raises(InputError, match="makes any of the 6 miRNAs, such as mmu-miR-92a-3p; give"):
        clustered(other, hairpins)
    found = clustered(table, hairpins, distance=1)
    assert (len(found.clusters), found.summary["n_clusters"], found.summary["n_pairs"]) == (0, 0, 0)
    assert found.summary["in_clusters"]["mean_pcc"] is None
    assert found.hubs["cluster"].isna().all()
