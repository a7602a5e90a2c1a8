from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("matplotlib")

from sicmir_atlas.cli.app import main
from sicmir_atlas.names import landmarks

pytestmark = pytest.mark.torch

ARMS = [f"hsa-miR-{stem}-{arm}" for stem in (21, 22) for arm in ("5p", "3p")]


@pytest.fixture
def run(tmp_path, capsys):
    """Simulated pairs of 30 samples; a run with a table of measured miRNAs: code, error, folder."""
    rng = np.random.default_rng(0)
    samples = [f"s{i}" for i in range(30)]
    x = 8 + rng.normal(size=(30, 20))
    y = 6 + rng.normal(size=(30, 2))
    pd.DataFrame(x, samples, landmarks()[:20]).to_csv(tmp_path / "mrna.csv")
    pd.DataFrame(y, samples, ["hsa-let-7a-5p", "hsa-let-7a-3p"]).to_csv(tmp_path / "mirna.csv")

    def call(measured):
        measured.to_csv(tmp_path / "measured.csv")
        paths = [str(tmp_path / name) for name in ("mrna.csv", "mirna.csv")]
        options = ["--measured", str(tmp_path / "measured.csv"), "-o", str(tmp_path / "out")]
        options += ["--learner", "ridge", "--folds", "2", "--draws", "1"]
        with pytest.raises(SystemExit) as stopped:
            main(["study", "learning-curve", *paths, *options])
        return stopped.value.code, capsys.readouterr().err, tmp_path / "out"

    return call


def _arms(samples):
    """Two readings of each of two transcripts, with noise."""
    rng = np.random.default_rng(1)
    n = len(samples)
    true = np.repeat(rng.normal(size=(n, 2)), 2, axis=1)
    return pd.DataFrame(6 + true + 0.5 * rng.normal(size=(n, 4)), samples, ARMS)


def test_the_noise_ceiling_is_that_of_the_arms(run):
    measured = _arms([f"s{i}" for i in range(30)])
    code, err, out = run(measured)
    assert code == 0, err
    found = json.loads((out / "learning_curve.json").read_text())["noise_ceiling"]
    r = [np.corrcoef(measured[ARMS[i]], measured[ARMS[i + 1]])[0, 1] for i in (0, 2)]
    assert found["n_pairs"] == 2
    assert found["pcc_within_cohort"] == pytest.approx(np.sqrt(np.mean(r)), abs=1e-4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.iloc[:, ::2], "measured.csv: in its 30 samples that .* no stem-loop"),
        (lambda table: table.add_prefix("x", axis=0), "measured.csv: in its 0 samples that"),
        (lambda table: table * 0, "measured.csv: in its 30 samples that"),
        (lambda table: table.T, "measured.csv: row hsa-miR-21-5p is a miRNA; .* turn the table"),
    ],
)
def test_a_table_without_a_pair_of_arms_is_refused(run, change, said):
    code, err, out = run(change(_arms([f"s{i}" for i in range(30)])))
    assert code == 64
    assert len(err.splitlines()) == 1
    assert re.search(said, err)
    assert not out.exists()
