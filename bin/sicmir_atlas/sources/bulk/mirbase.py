"""Names of mature miRNAs by accession, from the tables that archives offer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sicmir_atlas.disk import written_whole
from sicmir_atlas.errors import InputError
from sicmir_atlas.sources.bulk.wide import open_text
from sicmir_atlas.sources.http import Client

if TYPE_CHECKING:
    from pathlib import Path

    from sicmir_atlas.sources.services import Services

__all__ = ["BASE", "fetch", "read_mirna_names"]

BASE = "https://www.mirbase.org/download"
_MATURE = "CURRENT/mature.fa"
_BREAK = re.compile(r"<(br|p)\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z]+\s*/?>", re.IGNORECASE)
_FASTA = re.compile(r"^>\s*(\S+)\s+(MIMAT\d+)")
_ACCESSION = re.compile(r"^(MIMAT\d+|URS\w+)$")


def fetch(folder: Path, services: Services, *, base: str = BASE, tries: int = 6) -> Path:
    """Fetch miRBase's sequences of mature miRNAs, whose headers pair names with accessions.

    The site may wrap the file in a page (sources spec, section 5); the text is kept as it comes.

    Raises
    ------
    GoneError, UnavailableError
        As :meth:`.Client.text`.
    InputError
        If the reply names no human miRNA.
    """
    url = f"{base.rstrip('/')}/{_MATURE}"
    with Client(services, tries=tries) as client:
        text = client.text(url)
    with written_whole(folder / "mature.fa") as part:
        part.write_text(text, encoding="utf-8")
    read_mirna_names(folder / "mature.fa")
    return folder / "mature.fa"


def read_mirna_names(path: Path) -> dict[str, str]:
    """Read names of human mature miRNAs by accession.

    Parameters
    ----------
    path
        miRBase's ``mature.fa`` or ``aliases.txt``, or any table between tabs that begins with
        accession and name, such as a probemap. Of several names (``old;new;``) the last counts.

    Raises
    ------
    InputError
        If the file is missing or names no human miRNA, or an accession has two names.
    """
    if not path.is_file():
        msg = f"no file {path}; give miRBase's mature.fa or aliases.txt"
        raise InputError(msg)
    found: dict[str, str] = {}
    with open_text(path) as text:
        for line in text:
            for piece in _BREAK.sub("\n", line).replace("&gt;", ">").split("\n"):
                accession, name = _pair(_TAG.sub("", piece).strip())
                if not name.startswith("hsa-"):
                    continue
                if found.setdefault(accession, name) != name:
                    msg = f"{path}: {accession} is called {found[accession]} and {name}; keep one"
                    raise InputError(msg)
    if not found:
        msg = f"{path} names no human miRNA; it should hold lines such as "
        msg += "'>hsa-let-7a-5p MIMAT0000062' or 'MIMAT0000062<tab>hsa-let-7a-5p'"
        raise InputError(msg)
    return found


def _pair(line: str) -> tuple[str, str]:
    """Accession and name of one line; empty where it has none."""
    if header := _FASTA.match(line):
        return header[2], header[1]
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) < 2 or not _ACCESSION.match(cells[0]):
        return "", ""
    return cells[0], next((name for name in reversed(cells[1].split(";")) if name.strip()), "")
