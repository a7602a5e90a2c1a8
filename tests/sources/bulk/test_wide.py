from __future__ import annotations

import gzip

import numpy as np
import pytest

from sicmir_atlas.errors import CorruptError
from sicmir_atlas.sources.bulk.wide import WideTable


def test_rows_asked_for_are_read_and_missing_values_are_nan(table):
    wide = WideTable(table(("sample", "A", "B"), ("x", 1, "NA"), ("y", "", 2.5), ("z", 0, "nan")))
    assert wide.samples == ["A", "B"]
    assert list(wide.names()) == [("x",), ("y",), ("z",)]
    rows = dict(wide.rows({0, 1}))
    assert list(rows) == [0, 1]
    np.testing.assert_array_equal(rows[0], [1, np.nan])
    np.testing.assert_array_equal(rows[1], [np.nan, 2.5])


def test_gct_has_two_names_a_row(table):
    path = table(
        ("#1.2",), (1, 2), ("Name", "Description", "S1", "S2"), ("ENSG1.3", "TP53", 7, 0.25)
    )
    wide = WideTable(path)
    assert wide.samples == ["S1", "S2"]
    assert list(wide.names()) == [("ENSG1.3", "TP53")]
    assert dict(wide.rows({0}))[0].tolist() == [7, 0.25]


def test_gzip_is_told_by_its_bytes_and_line_ends_do_not_matter(tmp_path):
    path = tmp_path / "HiSeqV2"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbfsample\tA\r\nx\t1\r\n\r\n"))
    wide = WideTable(path)
    assert wide.samples == ["A"]
    assert [values.tolist() for _, values in wide.rows({0})] == [[1.0]]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("no tabs here",)], "'no tabs here' names no samples between tabs"),
        ([("sample", "A", "B", "A")], "sample A stands twice in its header"),
        ([("#1.2",), (1, 3), ("Name", "Description", "S1")], "tells 3 samples, its header 1"),
        ([("#1.2",), (1, 1), ("id", "Description", "S1")], "begin with ['id', 'Description']"),
    ],
)
def test_a_header_that_is_none(table, rows, said):
    with pytest.raises(CorruptError) as refused:
        WideTable(table(*rows))
    assert said in str(refused.value)
    assert str(refused.value).endswith("fetch it again")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("x", 1), "row x has 1 values, the header 2 samples"),
        (("x", 1, "<0.1"), "row x, sample B: '<0.1' is no number"),
        (("x", 1, "inf"), "row x, sample B: infinity is no measurement"),
    ],
)
def test_a_row_that_is_none(table, row, said):
    wide = WideTable(table(("sample", "A", "B"), row))
    with pytest.raises(CorruptError) as refused:
        list(wide.rows({0}))
    assert said in str(refused.value)


def test_gzip_that_breaks_off(tmp_path):
    noise = np.random.default_rng(0).integers(0, 9, 5000)
    whole = gzip.compress(("sample\tA\n" + "".join(f"g{i}\t{i}\n" for i in noise)).encode())
    path = tmp_path / "HiSeqV2.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptError, match=r"HiSeqV2\.gz: broken gzip"):
        list(WideTable(path).names())
