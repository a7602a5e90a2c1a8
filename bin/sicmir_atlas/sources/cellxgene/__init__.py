"""CELLxGENE Discover: dataset versions, datasets and collections by their ids."""

from __future__ import annotations

from sicmir_atlas.sources.cellxgene.api import CellxgeneIndex, LookUp, look_up
from sicmir_atlas.sources.cellxgene.resolve import resolve_cellxgene

__all__ = ["CellxgeneIndex", "LookUp", "look_up", "resolve_cellxgene"]
