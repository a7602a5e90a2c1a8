"""NCBI GEO: series and samples to count files, and what GEO says of each sample."""

from __future__ import annotations

from sicmir_atlas.sources.geo.resolve import resolve_geo

__all__ = ["resolve_geo"]
