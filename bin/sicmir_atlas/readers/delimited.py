"""Gene × cell tables as text."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING

import numpy as np
import pandas as pd

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.readers.base import BLOCK_ROWS, CountMatrix, gene_table
from sicmir_atlas.readers.spill import Spill
from sicmir_atlas.readers.text import open_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scipy.sparse import csr_matrix

__all__ = ["DelimitedMatrix", "sniff"]

_TEXT_BLOCK = 2 << 20
_DELIMITERS = "\t,; "


class DelimitedMatrix(CountMatrix):
    """A gene × cell table: gene names in the first column, cell ids in the header.

    The delimiter is found from the text, not the file name; a header one field short, as R writes
    it, is understood. The text is parsed once, when opened.

    Parameters
    ----------
    path
        csv, tsv or txt, plain or gzip.

    Raises
    ------
    CorruptError
        If the file is cut short.
    InputError
        If lines differ in length, a value is no number, or cell ids repeat.
    """

    def __init__(self, path: Path) -> None:
        with open_bytes(path) as file:
            head = file.readline(), file.readline()
        self._delimiter, cell_ids = sniff(path, *head)
        cells = pd.DataFrame(index=pd.Index(cell_ids, dtype=object))
        super().__init__(genes=gene_table(np.empty(0, object)), cells=cells, label=path.name)
        self._spill = Spill(self.n_cells)
        try:
            names = self._parse(path)
        except BaseException:
            self._spill.close()
            raise
        self.genes = gene_table(np.array(names, dtype=object))

    def blocks(self, n_rows: int = BLOCK_ROWS) -> Iterator[csr_matrix]:
        """Stream row blocks from what was parsed."""
        return self._spill.blocks(self.n_genes, n_rows)

    def close(self) -> None:
        """Remove the temporary file."""
        self._spill.close()

    def _parse(self, path: Path) -> list[str]:
        names: list[str] = []
        mark = self._delimiter.encode()
        with open_bytes(path) as file:
            file.readline()
            for lines in _line_blocks(file):
                rests: list[bytes] = []
                for line in lines:
                    name, rest = _split_name(line, mark)
                    if rest.count(mark) + 1 != self.n_cells:
                        msg = (
                            f"{path.name}: line {len(names) + 2} ({name}) has "
                            f"{rest.count(mark) + 1} values, the header names {self.n_cells} cells"
                        )
                        raise InputError(msg)
                    rests.append(rest)
                    names.append(name)
                first = len(names) - len(rests)
                values = self._numbers(mark.join(rests), names[first:])
                kept = np.flatnonzero(values)
                genes, cells = np.divmod(kept, self.n_cells)
                self._spill.add(cells, genes + first, values[kept])
        if not names:
            msg = f"{path.name}: no line of counts after the header"
            raise CorruptError(msg)
        return names

    def _numbers(self, text: bytes, names: list[str]) -> np.ndarray:
        """Parse one block's values, all lines joined, as one column of numbers."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        column = text.replace(self._delimiter.encode(), b"\n") + b"\n"
        try:
            parsed = arrow_csv.read_csv(
                pa.BufferReader(column),
                arrow_csv.ReadOptions(column_names=["value"], block_size=max(1, len(column))),
                arrow_csv.ParseOptions(ignore_empty_lines=False),
                arrow_csv.ConvertOptions(column_types={"value": pa.float64()}),
            ).column(0)
        except pa.ArrowInvalid as error:
            msg = f"{self.label}: not a number between genes {names[0]} and {names[-1]}: {error}"
            raise InputError(msg) from error
        if parsed.null_count or len(parsed) != len(names) * self.n_cells:
            msg = f"{self.label}: {parsed.null_count} values are missing between genes "
            msg += f"{names[0]} and {names[-1]}: counts have no gaps, write 0"
            raise InputError(msg)
        return np.asarray(parsed.to_numpy())


def sniff(path: Path, header: bytes, line: bytes) -> tuple[str, list[str]]:
    """Find the delimiter and the cell ids from the header and the first line after it.

    Raises
    ------
    InputError
        If no delimiter gives the two lines the same number of fields (or the header one less).
    """
    first, second = (text.decode("utf-8-sig", errors="replace") for text in (header, line))
    for delimiter in sorted(_DELIMITERS, key=first.count, reverse=True):
        try:
            ids, fields = (
                next(csv.reader([text.rstrip("\r\n")], delimiter=delimiter), [])
                for text in (first, second)
            )
        except csv.Error:  # bytes that are no lines of text
            break
        if len(fields) >= 2 and len(ids) in {len(fields), len(fields) - 1}:
            return delimiter, [name.strip() for name in ids[len(ids) - len(fields) + 1 :]]
    msg = (
        f"{path.name}: header and first line do not split into the same fields by tab, comma, "
        "semicolon or space: expected gene names in the first column and cell ids in the header"
    )
    raise InputError(msg)


def _line_blocks(file: IO[bytes]) -> Iterator[list[bytes]]:
    """Read whole lines, about 2 MB at a time; empty ones are left out."""
    while lines := file.readlines(_TEXT_BLOCK):
        yield [line.rstrip(b"\r\n") for line in lines if line.strip()]


def _split_name(line: bytes, mark: bytes) -> tuple[str, bytes]:
    """Split the gene name, quoted or not, from the values."""
    if line.startswith(b'"'):
        name, _, rest = line[1:].partition(b'"')
        return name.decode("utf-8", errors="replace"), rest.removeprefix(mark)
    name, _, rest = line.partition(mark)
    return name.decode("utf-8", errors="replace").strip(), rest
