from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd

from sicmir_atlas.api import Prediction
from sicmir_atlas.output import write_prediction


def test_what_a_killed_run_left_is_not_built_upon(tmp_path):
    stale = ad.AnnData(obs=pd.DataFrame({"of": "another run"}, index=["x", "y"]))
    stale.write_h5ad(tmp_path / ".part-out.h5ad")
    pools = pd.DataFrame({"pool_id": ["a", "b"], "n_cells": [3, 4]})
    blocks = iter([np.ones((2, 1), np.float32)])
    made = Prediction(pools, ("hsa-miR-21-5p",), blocks, {}, "m", pooled=True)
    write_prediction(made, tmp_path / "out.h5ad")
    written = ad.read_h5ad(tmp_path / "out.h5ad")
    assert list(written.obs_names) == ["a", "b"]
    assert list(written.obs) == ["n_cells"]
    assert [path.name for path in tmp_path.iterdir()] == ["out.h5ad"]
