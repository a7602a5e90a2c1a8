from __future__ import annotations

import h5py
import numpy as np
import pytest
import scanpy as sc
from scipy import sparse

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.readers import open_counts
from sicmir_atlas.readers.limits import Limits
from sicmir_atlas.readers.tenx_h5 import TenxH5Matrix

N_GENES, N_CELLS = 60, 130


def simulate(n_genes=N_GENES, n_cells=N_CELLS, seed=0):
    counts = np.random.default_rng(seed).poisson(0.4, (n_genes, n_cells)).astype(np.int32)
    counts[:, 5] = 0
    return counts


def write_csc(group, counts):
    matrix = sparse.csc_matrix(counts)
    group["data"], group["indices"] = matrix.data, matrix.indices.astype(np.int64)
    group["indptr"], group["shape"] = matrix.indptr.astype(np.int64), np.array(counts.shape)


def barcodes(n_cells=N_CELLS, first=0):
    return np.array([f"CELL{i}-1".encode() for i in range(first, first + n_cells)])


def write_v3(path, counts, *, types=None, genomes=None, ids=None, names=None, extra=()):
    n_genes, n_cells = counts.shape
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        write_csc(group, counts)
        group["barcodes"] = barcodes(n_cells)
        features = group.create_group("features")
        features["id"] = np.array(ids or [f"ENSG{i:011d}" for i in range(n_genes)], "S")
        features["name"] = np.array(names or [f"SYM{i}" for i in range(n_genes)], "S")
        features["feature_type"] = np.array(types or ["Gene Expression"] * n_genes, "S")
        features["genome"] = np.array(genomes or ["GRCh38"] * n_genes, "S")
        features["_all_tag_keys"] = np.array([b"genome"])
        for name in extra:
            file[name] = np.zeros(3)
    return path


def write_v2(path, groups):
    with h5py.File(path, "w") as file:
        for genome, (counts, names) in groups.items():
            group = file.create_group(genome)
            write_csc(group, counts)
            group["barcodes"] = names
            group["genes"] = np.array([f"{genome}_ID{i}" for i in range(len(counts))], "S")
            group["gene_names"] = np.array([f"{genome}_SYM{i}" for i in range(len(counts))], "S")
    return path


def everything(matrix, n_rows=50):
    return sparse.vstack(list(matrix.blocks(n_rows))).toarray()


def test_equals_scanpy(tmp_path):
    counts = simulate()
    path = write_v3(tmp_path / "GSM1_filtered_feature_bc_matrix.h5", counts)
    expected = sc.read_10x_h5(path)
    with open_counts([path]) as matrix:
        assert isinstance(matrix, TenxH5Matrix)
        np.testing.assert_array_equal(everything(matrix), counts.T)
        np.testing.assert_array_equal(everything(matrix, 7), expected.X.toarray())
        assert matrix.cells.index.tolist() == expected.obs_names.tolist()
        assert matrix.genes["name"].tolist() == expected.var["gene_ids"].tolist()
        assert matrix.genes["symbol"].tolist() == expected.var_names.tolist()
        assert matrix.genes["genome"].unique().tolist() == ["GRCh38"]
        assert matrix.genes["genome"].dtype == "string"


def test_only_gene_expression_is_read(tmp_path):
    counts = simulate()
    types = ["Gene Expression"] * N_GENES
    types[3], types[40], types[59] = "Antibody Capture", "CRISPR Guide Capture", "Peaks"
    path = write_v3(tmp_path / "a.h5", counts, types=types)
    expected = sc.read_10x_h5(path, gex_only=True)
    with TenxH5Matrix(path) as matrix:
        np.testing.assert_array_equal(everything(matrix), expected.X.toarray())
        assert matrix.genes["symbol"].tolist() == expected.var_names.tolist()


def test_peaks_alone_are_refused(tmp_path):
    path = write_v3(tmp_path / "a.h5", simulate(), types=["Peaks"] * 59 + ["Antibody Capture"])
    with pytest.raises(
        InputError, match=r"no feature is of type Gene Expression: it has Peaks \(59\), Antibody"
    ):
        TenxH5Matrix(path)


def test_what_cellbender_adds_does_not_matter(tmp_path):
    counts = simulate()
    extra = ("droplet_latents/cell_probability", "metadata/estimator", "global_latents/phi")
    path = write_v3(tmp_path / "a_filtered.h5", counts, extra=extra)
    with TenxH5Matrix(path) as matrix:
        np.testing.assert_array_equal(everything(matrix), counts.T)


def test_one_genome_of_version_2(tmp_path):
    counts = simulate()
    path = write_v2(tmp_path / "a.h5", {"hg19": (counts, barcodes())})
    with TenxH5Matrix(path) as matrix:
        np.testing.assert_array_equal(everything(matrix), counts.T)
        np.testing.assert_array_equal(everything(matrix), sc.read_10x_h5(path).X.toarray())
        assert matrix.genes["name"].tolist()[:2] == ["ID0", "ID1"]
        assert matrix.genes["symbol"].tolist()[:2] == ["SYM0", "SYM1"]


def test_two_genomes_of_version_2_keep_all_genes_and_cells(tmp_path):
    human, mouse = simulate(), simulate(50, 100, seed=1)
    groups = {"GRCh38": (human, barcodes()), "mm10": (mouse, barcodes(100, first=80)[::-1])}
    path = write_v2(tmp_path / "a.h5", groups)
    expected = np.zeros((180, N_GENES + 50))
    expected[:N_CELLS, :N_GENES] = human.T
    expected[80:180, N_GENES:] = mouse.T[::-1]
    with TenxH5Matrix(path) as matrix:
        order = matrix.cells.index.get_indexer([f"CELL{i}-1" for i in range(180)])
        np.testing.assert_array_equal(everything(matrix)[order], expected)
        np.testing.assert_array_equal(everything(matrix, 33)[order], expected)
        assert matrix.genes["genome"].tolist() == ["GRCh38"] * N_GENES + ["mm10"] * 50


def test_antibodies_in_one_of_two_groups(tmp_path):
    counts = simulate(4, 6)
    path = write_v3(tmp_path / "a.h5", counts, types=["Gene Expression", "Antibody Capture"] * 2)
    with h5py.File(path, "a") as file:
        group = file.create_group("other")
        write_csc(group, counts + 1)
        group["barcodes"] = barcodes(6)
        group["genes"] = np.array([f"ID{i}" for i in range(4)], "S")
        group["gene_names"] = np.array([f"SYM{i}" for i in range(4)], "S")
    with open_counts([path]) as matrix:
        expected = np.vstack([counts[::2], counts + 1]).T
        np.testing.assert_array_equal(everything(matrix, 4), expected)
        assert matrix.genes["name"].tolist()[2:] == ["ID0", "ID1", "ID2", "ID3"]


def test_two_genomes_of_version_3_and_their_prefixes(tmp_path):
    genomes = ["GRCh38"] * 30 + ["mm10"] * 30
    ids = [f"{genome}_{'_' * (i % 3)}ENSG{i}" for i, genome in enumerate(genomes)]
    path = write_v3(tmp_path / "a.h5", simulate(), genomes=genomes, ids=ids, names=ids)
    with TenxH5Matrix(path) as matrix:
        assert matrix.genes["genome"].tolist() == genomes
        assert matrix.genes["name"].tolist() == [f"ENSG{i}" for i in range(60)]


def test_a_genome_that_is_not_named_is_null(tmp_path):
    path = write_v3(tmp_path / "a.h5", simulate())
    with h5py.File(path, "a") as file:
        del file["matrix/features/genome"], file["matrix/features/feature_type"]
    with TenxH5Matrix(path) as matrix:
        assert matrix.genes["genome"].isna().all()
        assert matrix.n_genes == N_GENES


def test_repeated_barcodes(tmp_path):
    path = write_v3(tmp_path / "a.h5", simulate())
    with h5py.File(path, "a") as file:
        file["matrix/barcodes"][1] = b"CELL0-1"
    with pytest.raises(InputError, match=r"a\.h5: 1 cell ids occur more than once"):
        TenxH5Matrix(path)


def negative(group):
    group["indices"][0] = -1


def beyond(group):
    group["indices"][0] = N_GENES


def disordered(group):
    group["indptr"][3] = 10**6


def unshaped(group):
    group["shape"][0] = 59


def no_data(group):
    del group["data"]


def no_names(group):
    del group["features/name"]


def fewer_names(group):
    del group["features/name"]
    group["features/name"] = np.array([b"A"])


@pytest.mark.parametrize(
    "change", [negative, beyond, disordered, unshaped, no_data, no_names, fewer_names]
)
def test_contradictions_are_named_not_followed(tmp_path, change):
    path = write_v3(tmp_path / "a.h5", simulate())
    with h5py.File(path, "a") as file:
        change(file["matrix"])
    with pytest.raises(CorruptError, match=r"^a\.h5: "), TenxH5Matrix(path) as matrix:
        everything(matrix)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(cells=100), "130 rows, and at most 100 are read"),
        (Limits(genes=50), "60 rows, and at most 50 are read"),
        (Limits(table=500), "bytes of table, and at most 500 are read"),
        (Limits(entries=10), "entries, and at most 10 are read"),
    ],
)
def test_limits(tmp_path, limits, message):
    path = write_v3(tmp_path / "a.h5", simulate())
    with pytest.raises(InputError, match=r"^a\.h5: .*" + message):
        TenxH5Matrix(path, limits=limits)
