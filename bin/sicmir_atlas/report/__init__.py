"""One page that says what an atlas holds and how it came to be, and its figures for MultiQC."""

from __future__ import annotations

from sicmir_atlas.report.contents import Contents, gather
from sicmir_atlas.report.multiqc import require_name, write_multiqc
from sicmir_atlas.report.page import render

__all__ = ["Contents", "gather", "render", "require_name", "write_multiqc"]
