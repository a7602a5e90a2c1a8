from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest

from sicmir_atlas.errors import MissingExtraError
from sicmir_atlas.model.mirscape import Mirscape

IN_TORCH = ["training", "baseline_networks", "network"]


@pytest.mark.parametrize("module", IN_TORCH)
def test_without_torch_training_says_what_to_install(monkeypatch, module):
    for name in IN_TORCH:
        monkeypatch.delitem(sys.modules, f"sicmir_atlas.model.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sicmir-atlas\[train\]'"):
        importlib.import_module(f"sicmir_atlas.model.{module}")


def test_without_xgboost_mirscape_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sicmir-atlas\[study\]'"):
        Mirscape().fit(np.eye(3), np.eye(3), np.full(3, "all"), seed=0)
