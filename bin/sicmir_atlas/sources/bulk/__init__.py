"""Paired bulk mRNA and miRNA of public cohorts: fetched, and turned into tables to train on."""

from __future__ import annotations

from sicmir_atlas.sources.bulk import gtex, mirbase, xena
from sicmir_atlas.sources.bulk.cohort import Cohort, join_cohorts, read_cohort, write_cohort
from sicmir_atlas.sources.bulk.mirbase import read_mirna_names

__all__ = [
    "Cohort",
    "gtex",
    "join_cohorts",
    "mirbase",
    "read_cohort",
    "read_mirna_names",
    "write_cohort",
    "xena",
]
