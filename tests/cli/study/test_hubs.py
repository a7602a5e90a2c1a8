"""`study hubs --gff`: genomic clusters beside the hubs."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("matplotlib")

import mirbase_loci
from sicmir_atlas.cli.app import main
from sicmir_atlas.model.members import LinearMember
from sicmir_atlas.model.weights import Model, save_model
from sicmir_atlas.names import landmarks

GENES = landmarks()[:4]
MIRNAS = ("hsa-miR-17-5p", "hsa-miR-18a-5p", "hsa-miR-106a-5p", "hsa-miR-622")


def _hubs(*tokens):
    with pytest.raises(SystemExit) as stopped:
        main(["study", "hubs", *map(str, tokens)])
    return stopped.value.code


@pytest.fixture
def world(tmp_path):
    """Simulated: miR-17 and miR-18a follow one gene, the others a gene of their own."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 4))
    weight = np.zeros((4, 4), np.float32)
    weight[[0, 0, 1, 2], range(4)] = 1
    y = x @ weight + 0.2 * rng.normal(size=(80, 4))
    samples = [f"s{i}" for i in range(80)]
    pd.DataFrame(x + 8, samples, GENES).to_csv(tmp_path / "mrna.csv")
    pd.DataFrame(y + 6, samples, MIRNAS).to_csv(tmp_path / "mirna.csv")
    member = LinearMember(weight, np.zeros(4, np.float32))
    card = {"reliability": dict.fromkeys(MIRNAS[:2], 0.85)}
    save_model(Model("known", GENES, MIRNAS, (member,), card=card), tmp_path / "known")
    (tmp_path / "hsa.gff3").write_text(mirbase_loci.gff3())
    return tmp_path


def test_clusters_stand_beside_the_hubs(world):
    tables = [world / "mrna.csv", world / "mirna.csv", "--model", world / "known", "--split", "all"]
    gff = ["--gff", world / "hsa.gff3"]
    assert _hubs(*tables, "-o", world / "plain") == 0
    assert _hubs(*tables, *gff, "-o", world / "hubs") == 0
    plain, hubs = (pd.read_csv(world / name / "hubs.csv") for name in ("plain", "hubs"))
    assert list(hubs.columns) == [*plain.columns, "cluster", "n_in_cluster"]
    pd.testing.assert_frame_equal(hubs[plain.columns], plain)
    cluster = hubs.set_index("mirna")["cluster"]
    assert set(cluster[list(MIRNAS[:2])]) == {"mir-17~92a-1"}
    assert cluster.isna().to_dict()["hsa-miR-622"]
    listed = pd.read_csv(world / "hubs" / "clusters.csv").set_index("cluster")
    assert listed["mirnas"]["mir-17~92a-1"] == "hsa-miR-17-5p;hsa-miR-18a-5p"
    assert listed["n_hubs"].to_dict() == {"mir-17~92a-1": 2, "mir-106a~363": 1}
    told = json.loads((world / "hubs" / "hubs.json").read_text())["clusters"]
    assert (told["n_clusters"], told["in_clusters"]["n_hubs"]) == (2, 3)
    assert told["median_predicted_r"]["same_cluster"] == pytest.approx(1)
    assert abs(told["median_predicted_r"]["other_pairs"]) < 0.3
    assert not (world / "plain" / "clusters.csv").exists()


def test_the_card_does_without_samples_and_the_distance_is_an_option(world):
    packed = world / "hsa.gff3.gz"
    packed.write_bytes(gzip.compress((world / "hsa.gff3").read_bytes()))
    card = ["--model", world / "known", "--gff", packed]
    assert _hubs(*card, "--cluster-distance", 2_000_000, "-o", world / "hubs") == 0
    told = json.loads((world / "hubs" / "hubs.json").read_text())["clusters"]
    assert (told["distance"], told["in_clusters"]["n_mirnas"]) == (2_000_000, 4)
    assert "median_predicted_r" not in told
    listed = pd.read_csv(world / "hubs" / "clusters.csv")
    assert set(listed["cluster"]) == {"mir-622~92a-1", "mir-106a~363"}


def test_an_annotation_that_does_not_fit_is_one_clear_line(world, capsys):
    (world / "mmu.gff3").write_text(mirbase_loci.gff3().replace("hsa-", "mmu-"))
    run = ["--model", world / "known", "-o", world / "hubs", "--gff"]
    assert _hubs(*run, world / "mmu.gff3") == 64
    assert "mmu.gff3 is of another organism" in capsys.readouterr().err
    (world / "hsa.gff3").write_text(mirbase_loci.gff3().replace("hsa-miR-", "hsa-miR-x"))
    assert _hubs(*run, world / "hsa.gff3") == 64
    assert "makes any of the 4 miRNAs, such as hsa-miR-17-5p; give" in capsys.readouterr().err
    assert not (world / "hubs").exists()
