from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import mmwrite
from scipy.sparse import coo_matrix, vstack

import sicmir_atlas
from sicmir_atlas.errors import GoneError, InputError
from sicmir_atlas.readers import open_counts

PACKAGE = str(Path(sicmir_atlas.__file__).parents[1])


def touch(folder, *names):
    for name in names:
        (folder / name).write_bytes(b"")
    return [folder / name for name in names]


def triplet(folder, prefix, counts, genes, barcodes):
    """Write a cells × genes array as a 10x triplet."""
    folder.mkdir(parents=True, exist_ok=True)
    mmwrite(
        folder / f"{prefix}matrix.mtx", coo_matrix(counts.T), field="integer", symmetry="general"
    )
    for name, lines in (("features", [f"{g}\t{g}\tGene Expression" for g in genes]),
                        ("barcodes", barcodes)):  # fmt: skip
        with gzip.open(folder / f"{prefix}{name}.tsv.gz", "wt") as file:
            file.write("".join(line + "\n" for line in lines))


def everything(matrix):
    return vstack(list(matrix.blocks(3))).toarray()


def test_options_of_h5ad_are_refused_elsewhere(tmp_path):
    with pytest.raises(InputError, match="counts_layer is for h5ad and loom"):
        open_counts(touch(tmp_path, "a.csv"), layer="X")


def test_a_missing_file(tmp_path):
    with pytest.raises(GoneError, match=r"a\.h5ad: no such file"):
        open_counts([tmp_path / "a.h5ad"])


@pytest.mark.parametrize("nested", [False, True])
def test_libraries_become_one_matrix_whose_cells_know_their_sample(tmp_path, nested):
    rng = np.random.default_rng(0)
    one, two = rng.poisson(1, (5, 4)), rng.poisson(1, (7, 4))
    genes = ["A", "B", "C", "D"]
    for gsm, counts in (("GSM1", one), ("GSM2", two)):
        inside = tmp_path / "RAW.tar" / f"{gsm}_lib.tar.gz" if nested else tmp_path
        prefix = "" if nested else f"{gsm}_lib_"
        triplet(inside, prefix, counts, genes, [f"AC{i}-1" for i in range(len(counts))])
    samples = {"GSM1": {"donor_id": "d1"}, "GSM2": {"donor_id": "d2", "tissue": "lung"}}
    with open_counts([tmp_path], samples=samples) as matrix:
        np.testing.assert_array_equal(everything(matrix), np.vstack([one, two]))
        assert matrix.cells.index[0] == "GSM1_AC0-1"
        assert matrix.cells.index.is_unique
        assert matrix.cells["sample_id"].tolist() == ["GSM1"] * 5 + ["GSM2"] * 7
        assert matrix.cells["donor_id"].tolist() == ["d1"] * 5 + ["d2"] * 7
        assert matrix.cells["tissue"].isna().tolist() == [True] * 5 + [False] * 7
        assert matrix.genes["name"].tolist() == genes


COUNTED = """
import resource, sys
from pathlib import Path
from sicmir_atlas.readers import open_counts
resource.setrlimit(resource.RLIMIT_NOFILE, (100, int(sys.argv[2])))
with open_counts(sorted(Path(sys.argv[1]).iterdir())) as matrix:
    print(sum(block.sum() for block in matrix.blocks()))
"""


@pytest.mark.parametrize(("hard", "said"), [(500, "120.0"), (200, "368 open files, and 200 are")])
def test_more_libraries_than_files_may_be_open(tmp_path, hard, said):
    for i in range(120):
        (tmp_path / f"GSM{i}_counts.csv").write_text("gene,c1\nA,1\nB,0\n")
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, tmp_path, str(hard)],
        check=False, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": PACKAGE},
    )  # fmt: skip
    assert said in done.stdout + done.stderr, done.stderr


def test_libraries_of_other_genes_are_joined_by_gene(tmp_path):
    one, two = np.array([[1, 2], [3, 4]]), np.array([[5, 6]])
    triplet(tmp_path, "GSM1_", one, ["A", "B"], ["x", "y"])
    triplet(tmp_path, "GSM2_", two, ["C", "B"], ["x"])
    with open_counts([tmp_path]) as matrix:
        table = pd.DataFrame(everything(matrix), matrix.cells.index, matrix.genes["name"])
        libraries = {n: matrix.genes["name"][p].tolist() for n, p in matrix.libraries.items()}
    assert table.loc["GSM1_y"].to_dict() == {"A": 3, "B": 4, "C": 0}
    assert table.loc["GSM2_x"].to_dict() == {"A": 0, "B": 6, "C": 5}
    assert libraries == {"GSM1": ["A", "B"], "GSM2": ["C", "B"]}


def test_a_pooled_matrix_finds_its_samples_by_the_barcodes_suffix(tmp_path):
    triplet(tmp_path, "GSE1_", np.eye(4, dtype=int), list("ABCD"), ["a-1", "a-2", "b-2", "c-1"])
    samples = {"GSM7": {"donor_id": "d7"}, "GSM5": {"donor_id": "d5"}}
    with open_counts([tmp_path], samples=samples) as matrix:
        assert matrix.cells["sample_id"].tolist() == ["GSM7", "GSM5", "GSM5", "GSM7"]
        assert matrix.cells["donor_id"].tolist() == ["d7", "d5", "d5", "d7"]


def test_suffixes_that_do_not_fit_the_samples_are_not_believed(tmp_path):
    triplet(tmp_path, "GSE1_", np.eye(3, dtype=int), list("ABC"), ["a-1", "a-2", "b-3"])
    samples = {"GSM7": {"donor_id": "d", "tissue": "gut"}, "GSM5": {"tissue": "gut"}}
    with open_counts([tmp_path], samples=samples) as matrix:
        assert matrix.cells["sample_id"].tolist() == ["1", "2", "3"]
        assert matrix.cells["donor_id"].isna().all()
        assert matrix.cells["tissue"].tolist() == ["gut"] * 3


def test_without_suffixes_cells_have_what_all_samples_share(tmp_path):
    triplet(tmp_path, "GSE1_", np.eye(3, dtype=int), list("ABC"), ["a", "b", "c"])
    samples = {"GSM7": {"donor_id": "d", "tissue": "gut"}, "GSM5": {"tissue": "gut"}}
    with open_counts([tmp_path], samples=samples) as matrix:
        assert matrix.cells["sample_id"].isna().all()
        assert matrix.cells["tissue"].tolist() == ["gut"] * 3
