"""Mature-miRNA activity from single-cell and bulk mRNA, and atlases of it."""

__version__ = "0.1.0"
