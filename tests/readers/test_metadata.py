from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.readers.metadata import read_metadata


def test_types_of_columns(tmp_path):
    table = pd.DataFrame(
        {
            "barcode": [f"C{i}" for i in range(6)],
            "count": [5, 3, 1, 12, 5, 0],
            "share": [0.5, 0.25, 1.5, 2.5, 0.5, 0.1],
            "donor": ["01", "02", "01", "10", "10", "02"],
            "mixed": ["1", "1.5", "2", "2", "1", "1"],
            "type": ["T", "NA", "None", "nan", "B", None],
            "gaps": ["1", None, "2", "3", "4", "5"],
        }
    )
    table.to_csv(tmp_path / "meta.csv", index=False)
    got = read_metadata(tmp_path / "meta.csv")
    assert got.index.tolist() == table["barcode"].tolist()
    np.testing.assert_array_equal(got["count"], table["count"])
    np.testing.assert_array_equal(got["share"], table["share"])
    for name in ("donor", "mixed", "type", "gaps"):
        assert isinstance(got[name].dtype, pd.CategoricalDtype)
        expected = table[name].astype(object).where(table[name].notna(), None).tolist()
        assert got[name].astype(object).where(got[name].notna(), None).tolist() == expected
    assert (got["count"].dtype, got["share"].dtype) == (np.int64, np.float64)


@pytest.mark.parametrize("sep", [",", "\t", ";"])
def test_the_id_is_the_column_called_so_else_the_first(tmp_path, sep):
    path = tmp_path / "meta.txt"
    for name in ("Barcode", "cell_id", "CELL"):
        path.write_text(f"a{sep}{name}\nx{sep}C1\ny{sep}C2\n")
        assert read_metadata(path).index.tolist() == ["C1", "C2"]
    path.write_text(f"a{sep}b\nx{sep}C1\ny{sep}C2\n")
    assert read_metadata(path).index.tolist() == ["x", "y"]
    path.write_text(f"a\nC1{sep}x\nC2{sep}y\n")  # as R writes it
    assert read_metadata(path)["a"].tolist() == ["x", "y"]


def test_a_byte_order_mark_and_line_ends(tmp_path):
    (tmp_path / "meta.csv").write_bytes("\ufeffcell,typ\r\nC1,naïve\r\n".encode())
    got = read_metadata(tmp_path / "meta.csv")
    assert (got.index.tolist(), got["typ"].tolist()) == (["C1"], ["naïve"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cell,a\nC1,x\nC1,y\n", "1 cell ids in column 'cell' occur more than once .such as C1"),
        ('cell,a\n"C1,x\n', "not a table of cells"),
        ("cell,a\nC1,x\nC2,y,z,w\n", "not a table of cells: .*Expected 2 fields in line 3, saw 4"),
        ("\n\n", "not a table of cells"),
    ],
)
def test_wrong_text_is_named(tmp_path, text, message):
    (tmp_path / "meta.csv").write_text(text)
    with pytest.raises(InputError, match=r"^meta\.csv: " + message):
        read_metadata(tmp_path / "meta.csv")
