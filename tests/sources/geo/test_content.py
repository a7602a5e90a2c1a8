"""From an accession to counts: what is resolved can be fetched and read."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from count_files import dense_csv, tar, tenx_h5, triplet
from geo_site import Sample, Series
from sicmir_atlas.readers.open import open_counts
from sicmir_atlas.sources import fetch

GENES = [f"GENE{n}" for n in range(7)]
DONORS = {"GSM9000002": "D2", "GSM9000001": "D1"}


def counts(n_cells, seed):
    rng = np.random.default_rng(seed)
    return sparse.csr_matrix(rng.poisson(1.0, (n_cells, len(GENES))))


def barcodes(n_cells, suffix="1"):
    return [f"ACGT{n:04d}-{suffix}" for n in range(n_cells)]


def read(found, folder):
    paths = [fetch(file, folder, tries=2, wait=0.001) for file in found.files]
    with open_counts(paths, samples=found.samples) as matrix:
        blocks = sparse.vstack(list(matrix.blocks())).toarray()
        return blocks, matrix.cells


@pytest.mark.parametrize("only_in_raw", [False, True])
@pytest.mark.parametrize("kind", ["triplet", "h5", "csv", "nested"])
def test_one_library_for_each_sample(geo, tmp_path, kind, only_in_raw):
    written = {gsm: counts(5 + n, n) for n, gsm in enumerate(DONORS)}
    samples = []
    for gsm, matrix in written.items():
        cells = barcodes(matrix.shape[0])
        files = {
            "triplet": lambda m=matrix, c=cells, g=gsm: triplet(f"{g}_lib_", m, GENES, c),
            "h5": lambda m=matrix, c=cells, g=gsm: {f"{g}_matrix.h5": tenx_h5(m, GENES, c)},
            "csv": lambda m=matrix, c=cells, g=gsm: {f"{g}_counts.csv.gz": dense_csv(m, GENES, c)},
            "nested": lambda m=matrix, c=cells, g=gsm: {
                f"{g}_lib.tar.gz": tar(triplet("filtered_feature_bc_matrix/", m, GENES, c), gz=True)
            },
        }[kind]()
        about = [f"donor: {DONORS[gsm]}"]
        samples.append(Sample(gsm, files=files, characteristics=about))
    with geo(Series("GSE900001", samples, raw=True, only_in_raw=only_in_raw)) as running:
        found = running.resolve("GSE900001")
        blocks, cells = read(found, tmp_path)
    for gsm, matrix in written.items():
        own = (cells["sample_id"] == gsm).to_numpy()
        np.testing.assert_array_equal(blocks[own], matrix.toarray())
        assert set(cells.loc[own, "donor_id"]) == {DONORS[gsm]}
    assert cells.index.is_unique


def test_a_pooled_triplet_by_the_suffix_of_its_barcodes(geo, tmp_path):
    parts = [counts(4, 0), counts(6, 1)]
    cells = barcodes(4, "1") + barcodes(6, "2")
    files = triplet("GSE900001_", sparse.vstack(parts), GENES, cells)
    samples = [Sample(gsm, characteristics=[f"donor: {who}"]) for gsm, who in DONORS.items()]
    with geo(Series("GSE900001", samples, files=files)) as running:
        found = running.resolve("GSE900001")
        blocks, table = read(found, tmp_path)
    np.testing.assert_array_equal(blocks, sparse.vstack(parts).toarray())
    assert table["donor_id"].tolist() == ["D2"] * 4 + ["D1"] * 6
    assert table["sample_id"].tolist() == ["GSM9000002"] * 4 + ["GSM9000001"] * 6
