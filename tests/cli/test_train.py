from __future__ import annotations

import pytest

from sicmir_atlas.cli.app import main


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--learner", "ridge", "--max-epochs", "3"], "--learner ridge has settings of its own"),
        (["--learner", "ridge", "--device", "cuda"], "--learner ridge has settings of its own"),
        (["--learner", "oracle"], "--learner oracle: take one of ridge, "),
        (["--n-networks", "0"], "--n-networks 0 must be above 0"),
        (["--learning-rate=-0.1"], "--learning-rate -0.1 must be above 0"),
        (["--max-epochs", "0"], "--max-epochs 0 must be above 0"),
        (["--extra-weight", "0"], "--extra-weight 0 must be above 0"),
        (["--sources", "nope.tsv"], "no file nope.tsv"),
        ([], "no file mrna.csv"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_trained(
    options, said, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="6"):
        main(["train", "mrna.csv", "mirna.csv", *options, "-o", "model"])
    assert said in capsys.readouterr().err
    assert not (tmp_path / "model").exists()
