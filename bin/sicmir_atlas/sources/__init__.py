"""Where data come from: samplesheet rows to files, and files to verified bytes on disk."""

from __future__ import annotations

from sicmir_atlas.sources.fetch import fetch
from sicmir_atlas.sources.files import RemoteFile
from sicmir_atlas.sources.record import source_record
from sicmir_atlas.sources.resolve import SOURCES, resolve
from sicmir_atlas.sources.resolved import Refused, Resolved, completed
from sicmir_atlas.sources.services import Services

__all__ = [
    "SOURCES",
    "Refused",
    "RemoteFile",
    "Resolved",
    "Services",
    "completed",
    "fetch",
    "resolve",
    "source_record",
]
