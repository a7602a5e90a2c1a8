"""10x triplets: matrix.mtx, features.tsv or genes.tsv, barcodes.tsv."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.readers.base import BLOCK_ROWS, CountMatrix, gene_table
from sicmir_atlas.readers.limits import LIMITS, Limits, require_at_most
from sicmir_atlas.readers.spill import Entries, Spill
from sicmir_atlas.readers.text import cut_short, is_gzip, open_bytes, read_columns, read_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scipy.sparse import csr_matrix

__all__ = ["MtxMatrix"]

_TEXT_BLOCK = 1 << 20  # pyarrow reads dozens ahead
_GENE_TYPE = "Gene Expression"
_MAX_COMMENTS = 10_000
_HEADER_WORDS = {"", "x", "id", "gene", "genes", "gene_id", "geneid", "barcode", "barcodes", "cell"}


class _Header(NamedTuple):
    lines: int
    rows: int
    columns: int
    entries: int
    delimiter: str


class MtxMatrix(CountMatrix):
    """A 10x triplet: matrix market coordinates, features (v3) or genes (v2), and barcodes.

    Of a v3 table only rows of type ``Gene Expression`` are read. The matrix may be genes × cells,
    as Cell Ranger writes it, or cells × genes: the two tables decide (sources spec, section 1.5).

    Parameters
    ----------
    matrix, features, barcodes
        The three files, plain or gzip.
    limits
        What is refused for its size.

    Raises
    ------
    CorruptError
        If the matrix is cut short, or holds other entries than its header says.
    InputError
        If the tables do not fit the matrix, or cell ids repeat.
    """

    def __init__(
        self, matrix: Path, features: Path, barcodes: Path, *, limits: Limits = LIMITS
    ) -> None:
        self._path = matrix
        table = read_columns(features, 3, rows=limits.genes, limits=limits)
        (cells,) = read_columns(barcodes, 1, rows=limits.cells, limits=limits)
        self._header = _read_header(matrix, limits)
        size = (self._header.rows, self._header.columns)
        ids, symbols, types = _without_header(table, size)
        (cells,) = _without_header([cells], size)
        if size == (len(ids), len(cells)):
            self._genes_first = True
        elif size == (len(cells), len(ids)):
            self._genes_first = False
        else:
            msg = (
                f"{matrix.name} is {size[0]} × {size[1]}, but {features.name} has {len(ids)} "
                f"genes and {barcodes.name} {len(cells)} cells: are the files of one sample?"
            )
            raise InputError(msg)
        # other makers write other words, or a chromosome; v2 has no third column
        kept = np.array([name == _GENE_TYPE for name in types], dtype=bool)
        if not kept.any():
            kept[:] = True
        # where each row of the file goes; -1 for antibodies, guides and peaks
        self._column = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
        genes = gene_table(np.array(ids, dtype=object)[kept], np.array(symbols, object)[kept])
        index = pd.Index(cells, dtype=object)
        super().__init__(genes=genes, cells=pd.DataFrame(index=index), label=matrix.name)

    def blocks(self, n_rows: int = BLOCK_ROWS) -> Iterator[csr_matrix]:
        """Stream row blocks; the text is parsed once, at the first call."""
        return self._spill.blocks(self.n_genes, n_rows)

    def close(self) -> None:
        """Remove the temporary file."""
        if "_spill" in self.__dict__:
            self._spill.close()

    @cached_property
    def _spill(self) -> Spill:
        return Spill.filled(self.n_cells, self._entries())

    def _entries(self) -> Iterator[Entries]:
        header, seen = self._header, 0
        for first, second, values in _parse(self._path, header):
            seen += len(values)
            if seen > header.entries:
                msg = f"{self.label}: the header says {header.entries} entries, the file has "
                msg += "more: written wrongly or damaged? Fetch it again"
                raise CorruptError(msg)
            for index, size in ((first, header.rows), (second, header.columns)):
                if len(index) and not (index.min() >= 1 and index.max() <= size):
                    msg = f"{self.label}: an index lies outside 1-{size} in the entries "
                    msg += f"before number {seen}"
                    raise CorruptError(msg)
            genes, cells = (first, second) if self._genes_first else (second, first)
            columns = self._column[genes - 1]
            kept = columns >= 0
            if kept.all():
                yield cells - 1, columns, values
            else:
                yield cells[kept] - 1, columns[kept], values[kept]
        if seen != header.entries:
            msg = f"{self.label}: the header says {header.entries} entries, the file has "
            msg += f"{seen}: cut short? Fetch it again"
            raise CorruptError(msg)


def _without_header(table: list[list[str]], size: tuple[int, int]) -> list[list[str]]:
    """Drop a first line of column names, which 10x does not write but others do."""
    rows = len(table[0])
    one_more = rows not in size and rows - 1 in size
    named = one_more and table[0][0].lower() in _HEADER_WORDS
    return [column[1:] for column in table] if named else table


def _read_header(path: Path, limits: Limits) -> _Header:
    with open_bytes(path) as file:
        banner = read_line(file, path.name, limits.line).decode("utf-8", errors="replace").split()
        if len(banner) < 5 or banner[0] != "%%MatrixMarket" or banner[2].lower() != "coordinate":
            msg = f"{path.name}: not a matrix market coordinate file: its first line is "
            msg += f"{' '.join(banner)[:60]!r}"
            raise CorruptError(msg)
        if banner[4].lower() != "general" or banner[3].lower() in {"complex", "pattern"}:
            msg = f"{path.name}: a {banner[3]} {banner[4]} matrix cannot hold counts"
            raise InputError(msg)
        lines, line = 2, read_line(file, path.name, limits.line)
        while line.startswith(b"%") or (line and not line.strip()):
            lines, line = lines + 1, read_line(file, path.name, limits.line)
            require_at_most(_MAX_COMMENTS, lines, "lines of comment", path.name, "is it a matrix?")
        first_entry = read_line(file, path.name, limits.line)
    try:
        rows, columns, entries = (int(field) for field in line.split())
    except ValueError as error:
        msg = f"{path.name}: line {lines} should give rows, columns and entries, not {line[:60]!r}"
        raise CorruptError(msg) from error
    if entries > rows * columns:
        msg = f"{path.name}: its header says {entries:,} entries, more than {rows:,} × {columns:,} "
        msg += "places: fetch it again"
        raise CorruptError(msg)
    remedy = "split the dataset into several rows of the samplesheet"
    require_at_most(limits.entries, entries, "entries", path.name, remedy)
    delimiter = "\t" if b"\t" in first_entry else " "
    return _Header(lines, rows, columns, entries, delimiter)


def _parse(path: Path, header: _Header) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Stream (row, column, value) arrays, 1-based as written."""
    import pyarrow as pa
    from pyarrow import csv

    if header.entries == 0:
        return
    types = {"row": pa.int32(), "column": pa.int32(), "value": pa.float64()}
    try:
        with pa.input_stream(str(path), compression="gzip" if is_gzip(path) else None) as stream:
            reader = csv.open_csv(
                stream,
                csv.ReadOptions(
                    use_threads=False,
                    block_size=_TEXT_BLOCK,
                    skip_rows=header.lines,
                    column_names=list(types),
                ),
                csv.ParseOptions(delimiter=header.delimiter, quote_char=False),
                csv.ConvertOptions(column_types=types),
            )
            for batch in reader:
                first, second, values = (column.to_numpy() for column in batch.columns)
                yield first, second, values
    except pa.ArrowInvalid as error:
        msg = f"{path.name}: an entry cannot be read: {error}"
        raise CorruptError(msg) from error
    except OSError as error:
        raise cut_short(path, error) from error
