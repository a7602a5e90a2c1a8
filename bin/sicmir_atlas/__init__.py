"""Mature-miRNA activity from single-cell and bulk mRNA, and atlases of it.

>>> import sicmir_atlas as sa
>>> mirna = sa.predict(adata, by="cell_type")  # doctest: +SKIP
>>> atlas = sa.open_atlas("results/atlas")  # doctest: +SKIP
>>> atlas.sql("SELECT dataset_id, status FROM datasets")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sicmir_atlas.api import predict
    from sicmir_atlas.atlas.query import open_atlas

__all__ = ["__version__", "open_atlas", "predict"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "predict":
        from sicmir_atlas.api import predict

        return predict
    if name == "open_atlas":
        from sicmir_atlas.atlas.query import open_atlas

        return open_atlas
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
