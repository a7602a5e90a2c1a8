from __future__ import annotations

import pytest

from sicmir_atlas.harmonise.rules import map_label
from sicmir_atlas.sources.geo.assay import assay_of


@pytest.mark.parametrize(
    ("text", "assay"),
    [
        ("Chromium Single Cell 3' Reagent Kits v2 (10x Genomics)", "10x 3' v2"),
        ("Chromium Next GEM Single Cell 3\u02b9 GEM, Library & Gel Bead Kit v3.1", "10x 3' v3"),
        ("Chromium Single Cell 3\u2032 v3 chemistry; counted with Cell Ranger v2.1.0", "10x 3' v3"),
        ("10x Chromium 3 prime version 2", "10x 3' v2"),
        ("the 10x v3.1 3' kit", "10x 3' v3"),
        ("GEM-X Universal 3' Gene Expression v4", "10x 3' v4"),
        ("Chromium Single Cell 5' Library Kit v1.1", "10x 5' v1"),
        ("Chromium Next GEM Single Cell 5\u2019 Kit v2", "10x 5' v2"),
        ("Chromium Single Cell 5' kit", "10x 5' transcription profiling"),
        ("Loaded on the Chromium Controller. Cell Ranger 6.0.", "10x 3' transcription profiling"),
        ("10X Genomics; mapped to GENCODE v32", "10x 3' transcription profiling"),
        ("Chromium Next GEM Single Cell Multiome ATAC + Gene Expression", "10x multiome"),
        ("Chromium Fixed RNA Profiling", "10x gene expression flex"),
        ("Libraries were made by Smart-seq2.", "Smart-seq2"),
        ("SMART-Seq v4 Ultra Low Input", "Smart-seq v4"),
        ("Drop-seq as described", "Drop-seq"),
        ("Seq-Well S3", "Seq-Well"),
        ("CEL-Seq2", "CEL-seq2"),
        ("BD Rhapsody", "BD Rhapsody Whole Transcriptome Analysis"),
    ],
)  # fmt: skip
def test_one_assay_is_named(text, assay):
    assert assay_of(text) == assay
    assert map_label("assay", assay).term_id is not None


@pytest.mark.parametrize(
    "text",
    [
        "TruSeq stranded mRNA, 50 bp",
        "Smart-seq2 plates and the 10x Chromium Single Cell 3' v2 kit",
        "Chromium Single Cell 3' v2 and Chromium Single Cell 5' v1 kits",
        "",
    ],
)
def test_none_or_several_name_none(text):
    assert assay_of(text) is None


def test_two_versions_leave_the_version_open():
    text = "Chromium Single Cell 3' v2 for donors 1-3, Chromium Single Cell 3' v3 for the others"
    assert assay_of(text) == "10x 3' transcription profiling"
