"""Lists of genes and miRNAs as they are published beside a checkpoint (spec, section 1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sicmir_atlas.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_gene_list", "read_mirna_list"]

_SYMBOL = re.compile(r"[A-Za-z0-9][\w.@-]*")
_MIRNA = re.compile(r"[a-z]{3,4}-\S+")


def read_gene_list(path: Path) -> tuple[str, ...]:
    """Read the symbols of a list ``symbol,alias``, or of one symbol a line.

    A header, a byte order mark and spaces around a name are passed over.

    Raises
    ------
    InputError
        When the list is empty, or a line holds no name or one that was there before.
    """
    return _read(path, _SYMBOL, "gene symbol", {"symbol", "gene", "genes", "gene_symbol"})


def read_mirna_list(path: Path) -> tuple[str, ...]:
    """Read names of miRNAs, one a line; otherwise as :func:`read_gene_list`."""
    return _read(path, _MIRNA, "name of a miRNA", {"mirna", "mirnas", "name"})


def _read(path: Path, pattern: re.Pattern[str], what: str, headers: set[str]) -> tuple[str, ...]:
    if not path.is_file():
        msg = f"no file {path}"
        raise InputError(msg)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        msg = f"{path} is no text in UTF-8: {error}"
        raise InputError(msg) from error
    names: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        name = re.split(r"[,;\t]", line)[0].strip(' "')
        if not line.strip() or (number == 1 and name.lower() in headers):
            continue
        if not pattern.fullmatch(name):
            msg = f"{path}, line {number}: {name[:40]!r} is no {what}"
            raise InputError(msg)
        if name in names:
            msg = f"{path}, line {number}: {name} is in line {names[name]} already"
            raise InputError(msg)
        names[name] = number
    if not names:
        msg = f"{path} is empty; give one {what} a line"
        raise InputError(msg)
    return tuple(names)
