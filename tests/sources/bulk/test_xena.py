from __future__ import annotations

import gzip
import json
import logging

import numpy as np
import pytest

import bulk_site
from servers import FaultyServer
from sicmir_atlas.errors import CorruptError, GoneError, InputError, UnavailableError
from sicmir_atlas.names import landmarks
from sicmir_atlas.sources.bulk import xena


def fetched(site, cohort, folder, *, fault="ok", **options):
    files = xena.fetch(cohort, folder, base=site.url(fault, ""), wait=0.01, **options)
    return [(file.url.rpartition("sampleMap/")[2], path) for file, path in files]


def test_names_of_datasets_are_encoded_as_the_place_wants_them():
    hub, bucket = xena.BASE, "https://tcga-xena-hub.s3.us-east-1.amazonaws.com/download/"
    place = f"{hub}/TCGA.ACC.sampleMap/HiSeqV2"
    assert xena.addresses(hub, "TCGA.ACC.sampleMap/HiSeqV2") == (place, f"{place}.gz")
    assert xena.addresses(bucket, "TCGA.ACC.sampleMap/HiSeqV2")[1] == (
        f"{bucket}TCGA.ACC.sampleMap%2FHiSeqV2.gz"
    )
    assert xena.addresses(hub, "EB++Adjust")[0].endswith("/EB%2B%2BAdjust")


def test_bare_name_then_gz_and_the_older_machine_last(site, tmp_path):
    acc = fetched(site, "ACC", tmp_path / "ACC")
    assert [name for name, _ in acc] == ["HiSeqV2", "miRNA_HiSeq_gene.gz"]
    laml = fetched(site, "LAML", tmp_path / "LAML")
    assert [name for name, _ in laml] == ["HiSeqV2", "miRNA_GA_gene.gz"]
    assert [path.parent.name for _, path in laml] == ["mrna", "mirna"]
    served = site.files["TCGA.LAML.sampleMap/miRNA_GA_gene.gz"]
    assert laml[1][1].read_bytes() == served


def test_what_is_simulated_comes_out_paired(site, tmp_path):
    fetched(site, "ACC", tmp_path)
    cohort = xena.pair("ACC", tmp_path, bulk_site.ACCESSIONS, {})
    genes, small = bulk_site.levels(30, seed=1)
    assert list(cohort.mrna.columns) == list(landmarks())
    np.testing.assert_allclose(cohort.mrna, genes, atol=1e-4)
    np.testing.assert_allclose(cohort.mirna[list(bulk_site.ACCESSIONS.values())], small, atol=1e-4)
    assert cohort.mrna.index.equals(cohort.mirna.index)
    assert cohort.strata.value_counts().to_dict() == {("ACC", "tumor"): 27, ("ACC", "normal"): 3}
    assert cohort.about["mirna_rows_without_name"] == 1


def test_a_download_that_is_cut_goes_on(tmp_path):
    with FaultyServer(bulk_site.xena(["ACC"])) as site:
        files = fetched(site, "ACC", tmp_path, fault="cut")
        assert files[0][1].read_bytes() == site.files["TCGA.ACC.sampleMap/HiSeqV2"]
        asked = [r for r in site.requests if r.path.endswith("HiSeqV2")]
        assert [r.status for r in asked] == [200, 206, 206]
        assert sum(r.sent for r in asked) == files[0][1].stat().st_size


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        ("html", CorruptError, "web page"),
        ("status503", UnavailableError, "unavailable after 2 tries"),
        ("status403", GoneError, "no HiSeqV2 at"),
    ],
)
def test_what_a_hub_may_answer_instead(site, tmp_path, fault, kind, said):
    with pytest.raises(kind, match=said):
        fetched(site, "ACC", tmp_path, fault=fault, tries=2)


def test_an_absent_dataset_is_named(tmp_path):
    files = {name: body for name, body in bulk_site.xena(["GBM"]).items() if "HiSeqV2" in name}
    with FaultyServer(files) as site, pytest.raises(GoneError) as refused:
        fetched(site, "GBM", tmp_path)
    said = str(refused.value)
    assert "TCGA.GBM.sampleMap has no miRNA_HiSeq_gene and no miRNA_GA_gene at http://" in said
    assert "leave GBM out or give another address" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "NoSuchKey: The specified key does not exist."), (403, "AccessDenied: Access Denied")],
)
def test_what_a_bucket_says_is_told(site, tmp_path, status, code):
    with pytest.raises(GoneError, match=f"HTTP {status} .*HiSeqV2.gz: {code}$"):
        fetched(site, "ACC", tmp_path, fault=f"bucket{status}")


def test_a_folder_is_a_mirror_too(tmp_path):
    for name, body in bulk_site.xena(["ACC"]).items():
        path = tmp_path / "mirror" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    files = xena.fetch("ACC", tmp_path / "got", base=str(tmp_path / "mirror"))
    assert [path.name for _, path in files] == ["HiSeqV2", "miRNA_HiSeq_gene.gz"]


@pytest.mark.parametrize("code", ["acc", "../etc", "A", ""])
def test_cohorts_that_are_none(tmp_path, code):
    with pytest.raises(InputError, match="is no cohort; give a code of TCGA"):
        xena.fetch(code, tmp_path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("TCGA-OR-A5J1-01", "tumor"),
        ("TCGA-AB-2803-03", "tumor"),
        ("TCGA-ER-A19T-06A-11R", "tumor"),
        ("TCGA-BH-A0B3-11A", "normal"),
        ("TCGA-07-0227-20", None),
        ("OR-A5J1-01", None),
    ],
)
def test_types_of_samples(name, kind):
    assert xena.sample_type(name) == kind


def write(folder, name, *rows):
    folder.mkdir(parents=True)
    text = "\n".join("\t".join(map(str, row)) for row in rows) + "\n"
    (folder / name).write_bytes(gzip.compress(text.encode()))


def test_vials_repeats_aliases_and_gaps(tmp_path, caplog):
    """By hand: two vials of one sample, an old symbol, two rows of one miRNA, a missing gene."""
    barcodes = ("TCGA-OR-A5J1-01A", "TCGA-OR-A5J1-01B", "TCGA-OR-A5J2-01A", "TCGA-07-0227-20A")
    genes = [symbol for symbol in landmarks() if symbol not in ("PSME1", "TMEM2")]
    rows = [(gene, 1, 3, 2, 2) for gene in genes[:-1]]
    rows.append((genes[-1], 1, 1, "NA", 1))  # A5J2 has no value
    rows += [("CEMIP2", 4, 5, 1, 1), ("CEMIP2", 4, 5, 1, 1)]  # TMEM2's name today, two rows
    write(tmp_path / "mrna", "HiSeqV2", ("sample", *barcodes), *rows)
    write(
        *(tmp_path / "mirna", "miRNA_HiSeq_gene", ("sample", *barcodes)),
        *(("MIMAT1", 2, 4, 1, 1), ("MIMAT2", 4, "NA", 1, 1), ("hsa-miR-7", 1, 1, 1, 1)),
    )
    names = {"MIMAT1": "hsa-miR-1", "MIMAT2": "hsa-miR-1"}
    with caplog.at_level(logging.WARNING):
        cohort = xena.pair("ACC", tmp_path, names, {"sha256": "1"})
    assert list(cohort.mrna.index) == ["TCGA-OR-A5J1-01"]
    sample = cohort.mrna.loc["TCGA-OR-A5J1-01"]
    assert sample["CISD1"] == 2
    assert sample["PSME1"] == 0
    # (2^4 - 1) twice is 30, (2^5 - 1) twice 62
    assert sample["TMEM2"] == pytest.approx((np.log2(31) + np.log2(63)) / 2)
    # vial A: (2 + 4) / 2, vial B: 4
    assert cohort.mirna.loc["TCGA-OR-A5J1-01"].to_dict() == {"hsa-miR-1": 3.5, "hsa-miR-7": 1}
    counts = {key: cohort.about[key] for key in ("n_mrna", "n_mirna", "n_paired")}
    assert counts == {"n_mrna": 2, "n_mirna": 3, "n_paired": 1}
    assert cohort.about["landmarks_missing"] == ["PSME1"]
    assert cohort.about["mrna_samples_incomplete"] == 1
    assert cohort.about["mirna_rows_averaged"] == 1
    assert "1 samples lack a value for a landmark gene" in caplog.text
    assert json.dumps(cohort.about)


@pytest.mark.parametrize(
    ("genes", "value", "said"),
    [
        (landmarks()[:400], 1, "577 of 977 landmark genes are missing, "),
        (landmarks(), -2.5, "row PSME1, sample TCGA-OR-A5J1-01: -2.5 is negative"),
    ],
)
def test_mrna_that_cannot_be_used(tmp_path, genes, value, said):
    rows = [(gene, value) for gene in genes]
    write(tmp_path / "mrna", "HiSeqV2", ("sample", "TCGA-OR-A5J1-01"), *rows)
    write(tmp_path / "mirna", "m", ("sample", "TCGA-OR-A5J1-01"), ("MIMAT1", 1))
    with pytest.raises(InputError) as refused:
        xena.pair("ACC", tmp_path, {"MIMAT1": "hsa-miR-1"}, {})
    assert said in str(refused.value)


def test_mirna_that_cannot_be_used(tmp_path):
    write(tmp_path / "mrna", "HiSeqV2", ("sample", "A"), *((gene, 1) for gene in landmarks()))
    write(tmp_path / "mirna", "m", ("sample", "TCGA-OR-A5J1-01"), ("MIMAT1", 1))
    with pytest.raises(InputError, match=r"none of its 1 rows, MIMAT1 first, has a name"):
        xena.pair("ACC", tmp_path, {}, {})
    with pytest.raises(InputError, match=r"ACC: mRNA \(A, …\) and miRNA .* share no sample"):
        xena.pair("ACC", tmp_path, {"MIMAT1": "hsa-miR-1"}, {})
