from __future__ import annotations

import pytest

from sicmir_atlas.errors import GoneError, InputError
from sicmir_atlas.readers import open_counts


def touch(folder, *names):
    for name in names:
        (folder / name).write_bytes(b"")
    return [folder / name for name in names]


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("a.h5ad", "matrix.mtx"),
        ("a.h5ad", "b.h5ad"),
        ("matrix.mtx.gz", "barcodes.tsv.gz"),
        ("GSM1_matrix.mtx", "GSM2_matrix.mtx", "features.tsv", "barcodes.tsv"),
        ("counts.csv", "more.csv"),
        ("image.png",),
        ("a.csv", "image.png"),
    ],
)
def test_files_that_fit_no_format_are_listed(tmp_path, names):
    files = touch(tmp_path, *names)
    with pytest.raises(InputError, match="Known: h5ad") as caught:
        open_counts(files)
    assert all(name in str(caught.value) for name in names)


def test_a_named_format_must_fit(tmp_path):
    with pytest.raises(InputError, match=r"format mtx: a\.h5ad"):
        open_counts(touch(tmp_path, "a.h5ad"), format="mtx")
    with pytest.raises(InputError, match="'loom' is not known; known are auto, h5ad, mtx, csv"):
        open_counts(touch(tmp_path, "a.loom"), format="loom")


def test_options_of_h5ad_are_refused_elsewhere(tmp_path):
    with pytest.raises(InputError, match="counts_layer is for h5ad"):
        open_counts(touch(tmp_path, "a.csv"), layer="X")


def test_a_missing_file(tmp_path):
    with pytest.raises(GoneError, match=r"a\.h5ad: no such file"):
        open_counts([tmp_path / "a.h5ad"])
