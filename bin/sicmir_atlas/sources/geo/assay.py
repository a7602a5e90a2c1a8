"""The assay that a protocol names, in CELLxGENE's labels (sources spec, sections 1.2 and 2.2)."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["assay_of"]

_PRIME = re.compile(r"\s?[′’‘ʹ´`']|[ -]prime\b", re.IGNORECASE)  # noqa: RUF001
_TENX = re.compile(r"\b10[x×]\b|\bchromium\b|gem-x\b|single cell [35]'", re.IGNORECASE)
_NAMED_SOFTWARE = re.compile(
    r"(cell ?ranger|space ?ranger|seurat|scanpy|star(solo)?|gencode|ensembl|bcl2fastq|kb-?python)"
    r"[^.;,\n]{0,25}?\bv?(ersion)?[ .]?\d[\w.-]*",
    re.IGNORECASE,
)
_VERSION = r"\bv(?:ersion ?)?([1-4])(?:\.\d)?\b"
_END_THEN_VERSION = re.compile(rf"\b([35])'[^.;\n']{{0,50}}?{_VERSION}", re.IGNORECASE)
_VERSION_THEN_END = re.compile(rf"{_VERSION}[^.;\n\d]{{0,20}}\b([35])'", re.IGNORECASE)
_END = re.compile(r"\b([35])'(?!\s?-?(utr|end|adap|bias))", re.IGNORECASE)
_LATEST = {"3": "4", "5": "3"}
_OTHERS = {
    "Smart-seq2": r"smart-?seq-?2",
    "Smart-seq3": r"smart-?seq-?3",
    "Smart-seq v4": r"smart-?(seq)?-? ?v4",
    "Drop-seq": r"drop-?seq\b(?! ?tools)",
    "Seq-Well": r"seq-?well",
    "inDrop": r"\bindrops?\b",
    "CEL-seq2": r"cel-?seq-?2",
    "MARS-seq": r"mars-?seq",
    "BD Rhapsody Whole Transcriptome Analysis": r"\brhapsody\b",
    "Visium Spatial Gene Expression": r"\bvisium\b",
}


@lru_cache(maxsize=1024)
def assay_of(text: str) -> str | None:
    """Give the one assay that a protocol names, None where it names none or several.

    ``10x 3' transcription profiling`` stands where 10x is named without version.
    """
    text = _NAMED_SOFTWARE.sub(" ", _PRIME.sub("'", text))
    found = {label for label, pattern in _OTHERS.items() if re.search(pattern, text, re.IGNORECASE)}
    if _TENX.search(text) and "Visium Spatial Gene Expression" not in found:
        found.add(_tenx(text) or "")
    return next(iter(found)) or None if len(found) == 1 else None


def _tenx(text: str) -> str | None:
    if re.search(r"\bmultiome\b", text, re.IGNORECASE):
        return "10x multiome"
    if re.search(r"\bflex\b|fixed rna profiling", text, re.IGNORECASE):
        return "10x gene expression flex"
    versions = {(end, v) for end, v in _END_THEN_VERSION.findall(text)}
    versions |= {(end, v) for v, end in _VERSION_THEN_END.findall(text)}
    ends = {end for end, _ in _END.findall(text)} | {end for end, _ in versions}
    if len(ends) > 1:
        return None
    end = next(iter(ends), "3")
    numbers = {v for _, v in versions}
    if len(numbers) == 1 and max(numbers) <= _LATEST[end]:
        return f"10x {end}' v{max(numbers)}"
    return f"10x {end}' transcription profiling"
