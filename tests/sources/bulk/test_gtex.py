from __future__ import annotations

import numpy as np
import pytest

import bulk_site
from servers import FaultyServer
from sicmir_atlas.errors import CorruptError, GoneError
from sicmir_atlas.sources.bulk import gtex


@pytest.fixture(scope="module")
def raw(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gtex")
    gtex.fetch(folder, base=site.url("ok", ""))
    return folder


def test_aliquots_of_one_specimen_are_paired_by_tissue(raw):
    cohort = gtex.pair(raw, {})
    genes, small = bulk_site.levels(24, seed=99)
    assert list(cohort.mrna.index) == [f"GTEX-{i:04d}-0226" for i in range(24)]
    np.testing.assert_allclose(cohort.mrna, genes, atol=1e-4)
    np.testing.assert_allclose(cohort.mirna[list(bulk_site.ACCESSIONS.values())], small, atol=1e-4)
    assert cohort.strata["cohort"].iloc[:3].tolist() == [*bulk_site.TISSUES, "Lung"]
    assert set(cohort.strata["type"]) == {"normal"}
    assert cohort.about["n_paired"] == 24


@pytest.mark.parametrize("key", gtex.FILES)
def test_an_absent_file_is_named(tmp_path, key):
    files = bulk_site.gtex()
    del files[gtex.FILES[key]]
    with FaultyServer(files) as site, pytest.raises(GoneError) as refused:
        gtex.fetch(tmp_path, base=site.url("ok", ""))
    assert str(refused.value).startswith(f"GTEx's {key} table is not at http://127.0.0.1")


def test_tables_of_another_release(raw, tmp_path):
    for key, path in gtex.FILES.items():
        (tmp_path / key).mkdir()
        name = path.rpartition("/")[2]
        (tmp_path / key / name).write_bytes((raw / key / name).read_bytes())
    samples = tmp_path / "samples" / gtex.FILES["samples"].rpartition("/")[2]
    samples.write_text(samples.read_text().replace("SMTSD", "TISSUE"))
    with pytest.raises(CorruptError, match="has no column SMTSD; is it of another release"):
        gtex.pair(tmp_path, {})


def test_copies_on_y_are_left_out(tmp_path):
    from sicmir_atlas.names import read_data_table
    from sicmir_atlas.sources.bulk.measures import landmark_matrix
    from sicmir_atlas.sources.bulk.wide import WideTable

    ids = read_data_table("landmarks.tsv")["ensembl_gene_id"]
    rows = [(f"{one}.1", "any", 3) for one in ids] + [(f"{ids[0]}.1_PAR_Y", "any", 100)]
    lines = [("#1.2",), (len(rows), 1), ("Name", "Description", "GTEX-1-2-SM-3"), *rows]
    path = tmp_path / "t.gct"
    path.write_text("\n".join("\t".join(map(str, line)) for line in lines))
    measured = landmark_matrix(WideTable(path), "linear", gtex.specimen)
    assert measured.values.to_numpy().tolist() == [[2.0] * 977]
    assert measured.values.index.tolist() == ["GTEX-1-2"]
