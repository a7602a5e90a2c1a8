"""Mature-miRNA activity from single-cell and bulk mRNA, and atlases of it.

>>> import sicmir_atlas as sa
>>> mirna = sa.predict(adata, by="cell_type")  # doctest: +SKIP
>>> atlas = sa.open_atlas("results/atlas")  # doctest: +SKIP
>>> atlas.sql("SELECT dataset_id, status FROM datasets")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sicmir_atlas.api import predict, predict_with_sd
    from sicmir_atlas.atlas.query import open_atlas
    from sicmir_atlas.trust import mirna_table

__all__ = ["__version__", "mirna_table", "open_atlas", "predict", "predict_with_sd"]

__version__ = "0.1.0"


_HOMES = {
    "mirna_table": "sicmir_atlas.trust",
    "open_atlas": "sicmir_atlas.atlas.query",
    "predict": "sicmir_atlas.api",
    "predict_with_sd": "sicmir_atlas.api",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
