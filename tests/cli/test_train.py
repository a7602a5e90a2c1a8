from __future__ import annotations

from pathlib import Path

import pytest

from sicmir_atlas.cli._extra import read_extra
from sicmir_atlas.cli.app import main
from sicmir_atlas.errors import InputError


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--learner", "ridge", "--max-epochs", "3"], "--learner ridge has settings of its own"),
        (["--learner", "ridge", "--device", "cuda"], "--learner ridge has settings of its own"),
        (["--learner", "oracle"], "--learner oracle: take one of ridge, "),
        (["-o", "."], ". holds mrna.csv, which is no part of a model"),
        (["--sources", "nope.tsv"], "no file nope.tsv"),
        ([], "mrna.csv is empty"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_trained(
    options, said, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mrna.csv").touch()
    output = [] if "-o" in options else ["-o", "model"]
    with pytest.raises(SystemExit, match="6"):
        main(["train", "mrna.csv", "mirna.csv", *options, *output])
    assert said in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("given", [(0,), (1,), (2,), (0, 2), (1, 2)])
def test_options_of_another_technology_go_together(given):
    paths = [Path(f"{i}.csv") if i in given else None for i in range(3)]
    with pytest.raises(InputError, match="go together, and --extra-strata with both"):
        read_extra(*paths, weight=0.3, like=None)
