"""Tables of counts as text, genes × cells or cells × genes."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import numpy as np
import pandas as pd

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.readers.base import BLOCK_ROWS, CountMatrix, gene_table
from sicmir_atlas.readers.layout import Cutter, gene_columns, is_number, sniff
from sicmir_atlas.readers.limits import LIMITS, Limits, require_at_most
from sicmir_atlas.readers.metadata import id_column, typed
from sicmir_atlas.readers.spill import Spill
from sicmir_atlas.readers.text import decode, line_blocks, open_bytes, read_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scipy.sparse import csr_matrix

__all__ = ["DelimitedMatrix"]

_TEXT_BLOCK = 2 << 20
_SAMPLE_TEXT = 8 << 20
_SAMPLE_LINES = 1000


class DelimitedMatrix(CountMatrix):
    """A dense table of counts, genes in rows or cells in rows.

    Delimiter and orientation are found from the text, not the file name; a header one field
    short, as R writes it, is understood. Columns of text beside the counts tell of genes (an
    Ensembl id becomes their name, a symbol their symbol) or become columns of ``cells``. The text
    is parsed once, when opened.

    Parameters
    ----------
    path
        csv, tsv or txt, plain or gzip.
    limits
        What is refused for its size.

    Raises
    ------
    CorruptError
        If the file is cut short.
    InputError
        If it is no text, lines differ in length, a value is no number, or cell ids repeat.
    """

    def __init__(self, path: Path, *, limits: Limits = LIMITS) -> None:
        self.label, self._limits = path.name, limits
        with open_bytes(path) as file:
            self._line, header, sample = _head(file, path.name, limits)
            self._layout = layout = sniff(path.name, header, sample)
            self._spill = Spill(len(layout.columns) if layout.genes_in_rows else None)
            try:
                beside = self._parse(sample, file)
                if layout.genes_in_rows:
                    genes = self._genes(beside)
                    cells = pd.DataFrame(index=pd.Index(layout.columns, dtype=object))
                else:
                    genes = gene_table(np.array(layout.columns, dtype=object))
                    cells = self._cells(beside)
                    self._spill.n_cells = len(cells)
                super().__init__(genes=genes, cells=cells, label=path.name)
            except BaseException:
                self._spill.close()
                raise

    def blocks(self, n_rows: int = BLOCK_ROWS) -> Iterator[csr_matrix]:
        """Stream row blocks from what was parsed."""
        return self._spill.blocks(self.n_genes, n_rows)

    def close(self) -> None:
        """Remove the temporary file."""
        self._spill.close()

    def _parse(self, sample: list[bytes], file: IO[bytes]) -> list[list[str]]:
        """Parse all lines into the spill; return the columns before and after the counts."""
        layout, width = self._layout, len(self._layout.columns)
        cutter, mark = Cutter(layout.delimiter), layout.delimiter.encode()
        n_first, n_last = len(layout.leading), len(layout.trailing)
        beside: list[list[str]] = [[] for _ in range(n_first + n_last)]
        what = "genes" if layout.genes_in_rows else "cells"
        limit = self._limits.genes if layout.genes_in_rows else self._limits.cells
        for lines in _blocks(sample, file, self.label, self._limits):
            first, rests = len(beside[0]), []
            for line in lines:
                fields, rest = cutter.cut(line, n_first)
                after, rest = cutter.cut_end(rest, n_last)
                for column, field in zip(beside, fields + after, strict=True):
                    column.append(decode(field, self._where(len(column))))
                if rest.count(mark) + 1 != width:
                    msg = (
                        f"{self._where(len(beside[0]) - 1)} ({beside[0][-1]}) has "
                        f"{rest.count(mark) + 1} values, the header names {width}: cut short?"
                    )
                    raise InputError(msg)
                rests.append(rest)
            remedy = "split the dataset into several files"
            require_at_most(limit, len(beside[0]), what, self.label, remedy)
            values = self._numbers(rests, beside[0], first)
            kept = np.flatnonzero(values)
            rows, columns = np.divmod(kept, width)
            rows += first
            genes, cells = (rows, columns) if layout.genes_in_rows else (columns, rows)
            self._spill.add(cells, genes, values[kept])
        if any("\0" in name for name in beside[0]):
            msg = f"{self.label}: there are NUL bytes among the names: fetch it again"
            raise CorruptError(msg)
        return beside

    def _numbers(self, rests: list[bytes], names: list[str], first: int) -> np.ndarray:
        """Parse one block's values, all lines joined, as one column of numbers."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        mark = self._layout.delimiter.encode()
        column = mark.join(rests).replace(mark, b"\n") + b"\n"
        try:
            parsed = arrow_csv.read_csv(
                pa.BufferReader(column),
                arrow_csv.ReadOptions(column_names=["value"], block_size=max(1, len(column))),
                arrow_csv.ParseOptions(ignore_empty_lines=False),
                arrow_csv.ConvertOptions(column_types={"value": pa.float64()}),
            ).column(0)
        except pa.ArrowInvalid as error:
            raise InputError(self._bad_value(rests, names, first, str(error))) from error
        if parsed.null_count or len(parsed) != len(rests) * len(self._layout.columns):
            raise InputError(self._bad_value(rests, names, first, "values are missing"))
        return np.asarray(parsed.to_numpy())

    def _bad_value(self, rests: list[bytes], names: list[str], first: int, why: str) -> str:
        """Find the value that is no number, and say where it stands."""
        mark = self._layout.delimiter.encode()
        for number, rest in enumerate(rests, first):
            for column, field in zip(self._layout.columns, rest.split(mark), strict=True):
                value = field.strip().strip(b'"')
                if not is_number(value) or value.lower() == b"nan":
                    said = decode(value, self._where(number))
                    what = f"{said[:40]!r} is not a number: counts have no gaps, write 0 for none"
                    return f"{self._where(number)} ({names[number]}), column {column}: {what}"
        return f"{self.label}: cannot be read between {names[first]} and {names[-1]}: {why}"

    def _where(self, number: int) -> str:
        return f"{self.label}: line {self._line + number + 1}"

    def _genes(self, beside: list[list[str]]) -> pd.DataFrame:
        header = self._layout.leading + self._layout.trailing
        name, symbol = gene_columns(header, beside)
        names = np.array(beside[name], dtype=object)
        return gene_table(names, None if symbol is None else beside[symbol])

    def _cells(self, beside: list[list[str]]) -> pd.DataFrame:
        header = self._layout.leading + self._layout.trailing
        named = [name or f"column_{k}" for k, name in enumerate(header, 1)]
        table = pd.DataFrame(dict(zip(named, beside, strict=True)), dtype=object)
        ids = id_column(table.columns)
        cells = table.drop(columns=ids).set_axis(pd.Index(table[ids], dtype=object))
        return cells.mask(cells == "").apply(typed) if len(cells.columns) else cells


def _head(file: IO[bytes], label: str, limits: Limits) -> tuple[int, bytes, list[bytes]]:
    """Read the header, after lines of comment, and some lines; return the header's number too."""
    number, header = 1, read_line(file, label, limits.line)
    while header.startswith((b"# ", b"##")) or (header and not header.strip()):
        number, header = number + 1, read_line(file, label, limits.line)
    header = header.rstrip(b"\r\n")
    if b"\r" in header:
        msg = f"{label}: lines end in CR alone, as on old Macs: convert it, tr '\\r' '\\n'"
        raise InputError(msg)
    n_columns = 1 + max(header.count(mark) for mark in (b"\t", b",", b";", b" "))
    remedy = "a matrix of so many is better h5ad or mtx"
    require_at_most(limits.fields, n_columns, "columns", label, remedy)
    sample: list[bytes] = []
    size = 0
    while size < _SAMPLE_TEXT and len(sample) < _SAMPLE_LINES:
        line = read_line(file, label, limits.line)
        if not line:
            break
        size += len(line)
        if line.strip():
            sample.append(line.rstrip(b"\r\n"))
    if not sample:
        msg = f"{label}: no line of counts after the header: the table is empty"
        raise InputError(msg)
    return number, header, sample


def _blocks(
    sample: list[bytes], file: IO[bytes], label: str, limits: Limits
) -> Iterator[Sequence[bytes]]:
    """Give the first lines, then all others, about 2 MB at a time; empty ones are left out."""
    yield sample
    for lines in line_blocks(file, label, size=_TEXT_BLOCK, limit=limits.line):
        if kept := [line.rstrip(b"\r\n") for line in lines if line.strip()]:
            yield kept
