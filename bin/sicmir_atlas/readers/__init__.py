"""Formats of single-cell count matrices, all read as one stream of CSR row blocks."""

from __future__ import annotations

from sicmir_atlas.readers.base import CountMatrix
from sicmir_atlas.readers.open import open_counts

__all__ = ["CountMatrix", "open_counts"]
