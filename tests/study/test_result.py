from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from sicmir_atlas.study.result import StudyResult, new_figure, write_result


def _result():
    figure, ax = new_figure()
    ax.plot([0, 1], [0.5, 0.25])
    ax.set_xlabel("masked genes")
    table = pd.DataFrame({"level": [0.0, 0.1], "pcc": [0.5, 0.25]})
    return StudyResult("stress", table, {"seed": 101}, figure)


def test_the_same_result_is_written_to_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        write_result(_result(), tmp_path / folder)
    names = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert names == ["stress.csv", "stress.json", "stress.svg"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert json.loads((tmp_path / "a" / "stress.json").read_text()) == {"seed": 101}
    words = "".join(ET.parse(tmp_path / "a" / "stress.svg").getroot().itertext())
    assert "masked genes" in words


def test_a_summary_with_nan_is_refused_and_nothing_half_written(tmp_path):
    with pytest.raises(ValueError, match="nan"):
        write_result(StudyResult("x", pd.DataFrame(), {"pcc": float("nan")}), tmp_path)
    assert not (tmp_path / "x.json").exists()
