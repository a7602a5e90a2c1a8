"""Normalise text, so that a label and a term's name compare equal however they are spelt."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from sicmir_atlas.names import read_data_table

__all__ = ["expanded", "fold", "unordered", "without_cell"]

_GREEK = {
    "M\N{GREEK SMALL LETTER PHI}": " macrophage ",
    "\N{GREEK SMALL LETTER ALPHA}": " alpha ",
    "β": " beta ",
    "\N{GREEK SMALL LETTER GAMMA}": " gamma ",
    "δ": " delta ",
    "ε": " epsilon ",
    "ζ": " zeta ",
    "κ": " kappa ",
    "λ": " lambda ",
}
_SIGNS = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"\+|(?<![a-z])[Pp]os\b|(?<=[a-z0-9A-Z])POS\b", " positive "),
        (r"(?<=[A-Z0-9])(?:neg|NEG)\b|\b[Nn]eg\b", " negative "),
        (r"(?<=[A-Z0-9])[-\u2212](?=$|[\s/,;)_])", " negative "),  # CD25- and not T-
        (r"(?<=[A-Z0-9])(?:hi|high)\b|\b[Hh]i\b", " high "),
        (r"(?<=[A-Z0-9])(?:lo|low)\b|\b[Ll]o\b", " low "),
        (r"\b([BT])(?=[Cc]ells?\b)", r"\1 "),
    )
)
_MAY_SIGN = re.compile(
    r"\+|[A-Z0-9](?:[-\u2212]|[Pp]os|POS|neg|NEG|hi|lo)|\b(?:[PpNnHhLl](?:os|eg|i|o)|[BT][Cc]ells?)\b"
)
_BRITISH = (
    ("haem", "hem"), ("aemi", "emi"), ("oesoph", "esoph"), ("oedem", "edem"), ("foet", "fet"),
    ("tumour", "tumor"), ("leuco", "leuko"), ("fibre", "fiber"), ("paed", "ped"), ("caec", "cec"),
    ("rrhoea", "rrhea"), ("gynaec", "gynec"),
)  # fmt: skip
_ACCENTS = re.compile("[\u0300-\u036f]")
_POSSESSIVE = re.compile("['\u2019]s?\\b")
_WORDS = re.compile(r"[a-z0-9]+")
_NUMERALS = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
_FILLERS = {"cell", "positive", "of", "the"}
_SILENT = re.compile(r"alpha beta|thymus derived")  # what CL adds to the names of most T cells


@lru_cache(maxsize=1 << 18)
def fold(text: str) -> str:
    """Text without case, accents, punctuation, plurals, Greek letters and British spelling.

    >>> fold("CD8+ NK-Cells (β2)")
    'cd8 positive nk cell beta 2'
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        for letter, name in _GREEK.items():
            text = text.replace(letter, name)
    if _MAY_SIGN.search(text):
        for pattern, word in _SIGNS:
            text = pattern.sub(word, text)
    text = text.casefold()
    if not text.isascii():
        text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    for british, american in _BRITISH:
        text = text.replace(british, american)
    if "'" in text or "\u2019" in text:
        text = _POSSESSIVE.sub("", text)
    words = [_singular(word) for word in _WORDS.findall(text)]
    return " ".join(_NUMERALS.get(word, word) if i else word for i, word in enumerate(words))


def without_cell(folded: str) -> str:
    """Folded text without a closing ``cell``."""
    return folded.removesuffix(" cell")


def unordered(folded: str) -> str:
    """Words of a folded text by the alphabet; nothing where their order or a number matters."""
    words = set(_SILENT.sub(" ", folded).split()) - _FILLERS
    numbered = any(word.isdigit() for word in words) and "type" not in words
    if len(words) < 2 or numbered or {"t", "killer"} <= words:  # T cells and NK cells, or NKT
        return ""
    return " ".join(sorted(words))


def expanded(folded: str) -> str:
    """Folded text with abbreviations and other words of the package's table written out."""
    return " ".join(_words().get(word, word) for word in folded.split())


@cache
def _words() -> dict[str, str]:
    table = read_data_table("words.tsv")
    return dict(zip(table["word"], map(fold, table["means"]), strict=True))


def _singular(word: str) -> str:
    if len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
