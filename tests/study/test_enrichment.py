from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sicmir_atlas.errors import InputError
from sicmir_atlas.study.enrichment import enrichment, over_representation, read_gmt, read_lists

UNIVERSE = [f"g{i}" for i in range(1000)]


def test_spec_v14():
    drawn = UNIVERSE[:5] + UNIVERSE[100:120]
    table = over_representation({"m": drawn}, {"s": UNIVERSE[:60]}, UNIVERSE)
    row = table.iloc[0]
    assert row["p"] == pytest.approx(0.0137759, abs=5e-8)
    assert (row["overlap"], row["n_module"], row["n_set"], row["n_universe"]) == (5, 25, 60, 1000)
    assert row["expected"] == pytest.approx(1.5)
    assert row["members"] == "g0;g1;g2;g3;g4"


def test_p_is_fishers_and_q_is_benjamini_and_hochbergs():
    rng = np.random.default_rng(0)
    lists = {f"m{i}": rng.choice(UNIVERSE, size=20 + i, replace=False) for i in range(3)}
    sets = {f"s{i}": rng.choice(UNIVERSE, size=10 * (i + 1), replace=False) for i in range(8)}
    sets["like m1"] = lists["m1"][:9]
    table = over_representation(lists, sets, UNIVERSE)
    assert len(table) == 27
    for row in table.itertuples():
        both, drawn, members = row.overlap, row.n_module, row.n_set
        square = [[both, drawn - both], [members - both, 1000 - drawn - members + both]]
        assert row.p == pytest.approx(stats.fisher_exact(square, "greater").pvalue)
    p = table["p"].to_numpy()
    by_hand = [min(b * 27 / (p <= b).sum() for b in p if b >= a) for a in p]
    np.testing.assert_allclose(table["q"], np.minimum(by_hand, 1))
    assert list(table["module"].unique()) == ["m0", "m1", "m2"]
    assert table.loc[table["q"].idxmin(), "set"] == "like m1"
    assert enrichment(table).summary["n_modules_with_q_below_0.05"] == 1


def test_names_outside_the_universe_count_nowhere(caplog):
    lists, sets = {"m": ["a", "b", "x", "y"]}, {"s": ["a", "z"], "strange": ["z"]}
    table = over_representation(lists, sets, ["a", "b", "c", "d"])
    assert table[["set", "n_module", "n_set", "overlap"]].to_numpy().tolist() == [["s", 2, 1, 1]]
    assert table["p"].item() == pytest.approx(0.5)
    assert "2 names of the lists are not in the universe" in caplog.text
    with pytest.raises(InputError, match="names in the lists, such as x, is in the universe of 2"):
        over_representation({"m": ["x"]}, sets, ["a", "b"])
    with pytest.raises(InputError, match="names in the sets, such as z, is in the universe of 2"):
        over_representation({"m": ["a"]}, {"strange": ["z"]}, ["a", "b"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tabout\tg1\tg2\n\nb\tabout\n", r"s\.gmt, line 3: a set needs name, description"),
        ("a about g1 g2\n", r"line 1: .*tabs between them; it reads 'a about g1 g2'"),
        ("a\tabout\t\t\n", "line 1: "),
        ("\tabout\tg1\n", "line 1: "),
        ("a\t\tg1\na\t\tg2\n", "line 2: set a is there twice"),
        ("\n", "holds no set"),
        (b"\x1f\x8b\x08\x00\xff", "is no text; unpack it"),
    ],
)
def test_a_malformed_gmt_is_told_by_line(tmp_path, text, message):
    path = tmp_path / "s.gmt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message):
        read_gmt(path)


def test_lists_are_read_from_modules_or_from_a_first_column(tmp_path):
    (tmp_path / "s.gmt").write_text("a\thttp://x\tg1\tg2\t\r\nb\t\tg1 \n")
    assert read_gmt(tmp_path / "s.gmt") == {"a": {"g1", "g2"}, "b": {"g1"}}
    rows = [("A", "gene", 10), ("B", "gene", 2), ("m1", "mirna", 2), ("C", "gene", 10)]
    pd.DataFrame(rows, columns=["node", "kind", "module"]).to_csv(tmp_path / "modules.csv")
    found = read_lists(tmp_path / "modules.csv")
    assert found == {"2": ["B"], "10": ["A", "C"]}
    assert list(found) == ["2", "10"]
    assert read_lists(tmp_path / "modules.csv", kind="mirna") == {"2": ["m1"]}
    (tmp_path / "mine.csv").write_text("gene,rank\nA,1\n B,2\n")
    assert read_lists(tmp_path / "mine.csv") == {"mine": ["A", "B"]}
    (tmp_path / "empty.csv").write_text("gene\n")
    with pytest.raises(InputError, match="names no gene"):
        read_lists(tmp_path / "empty.csv")
