from __future__ import annotations

import pytest

from sicmir_atlas.cli.app import main


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
