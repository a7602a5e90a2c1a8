"""Entries in any order to row blocks, by way of a temporary file."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, vstack

from sicmir_atlas.readers.base import BLOCK_ENTRIES, BLOCK_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Entries", "Spill", "reblock"]

Entries = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Cells, genes and values, 0-based."""

_BUCKET_ROWS = 1024
_WAITING = 1 << 20  # entries sorted and written together, so that pieces on disk are not tiny
_MAX_BUCKETS = 1 << 16  # bucket numbers sort as 16-bit integers, which numpy does in linear time


class Spill:
    """Turns entries that come in any order into CSR row blocks, in bounded memory.

    Entries go to one temporary file (in the folder TMPDIR names), sorted by bucket of 1,024 rows;
    a table in memory says where the pieces of each bucket lie. The file has no name and is gone
    when closed, or when the process dies.

    Parameters
    ----------
    n_cells
        Rows of the matrix; None if they are not known yet, and set before blocks are read. Its
        columns need not be known before that either.
    """

    def __init__(self, n_cells: int | None = None) -> None:
        self.n_cells = n_cells
        self._dtype: type[np.float32 | np.float64] = np.float32
        # local rows are stored as uint16, so a bucket has 65,536 rows at most
        # rows that are not known are below 67 million, the largest that 1,024 rows allow
        self._rows = max(_BUCKET_ROWS, -(-(n_cells or 0) // _MAX_BUCKETS))
        self._pieces: defaultdict[int, list[tuple[int, int, Any]]] = defaultdict(list)
        self._file = tempfile.TemporaryFile(prefix="sicmir-spill-")  # noqa: SIM115  lives until close
        self._end = 0
        self._waiting: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    @classmethod
    def filled(cls, n_cells: int, entries: Iterable[Entries]) -> Self:
        """Take all of a matrix's entries in; nothing is left on disk if reading them fails."""
        spill = cls(n_cells)
        try:
            for part in entries:
                spill.add(*part)
        except BaseException:
            spill.close()
            raise
        return spill

    def add(self, cells: np.ndarray, genes: np.ndarray, values: np.ndarray) -> None:
        """Take entries in; indices are 0-based and inside the matrix."""
        self._waiting.append((cells, genes, values))
        if sum(len(waiting[0]) for waiting in self._waiting) >= _WAITING:
            self._write()

    def _write(self) -> None:
        """Write what waits, bucket by bucket."""
        if not self._waiting:
            return
        cells, genes, values = (
            np.concatenate(parts) if len(parts) > 1 else parts[0]
            for parts in zip(*self._waiting, strict=True)
        )
        self._waiting = []
        if not len(cells):
            return
        stored = _lossless(values)
        if stored.dtype == np.float64:
            self._dtype = np.float64
        buckets = (cells // self._rows).astype(np.uint16)
        if not bool((buckets[1:] >= buckets[:-1]).all()):
            order = np.argsort(buckets, kind="stable")
            buckets, cells, genes, stored = (
                part[order] for part in (buckets, cells, genes, stored)
            )
        local = (cells - buckets.astype(np.int64) * self._rows).astype(np.uint16)
        genes = genes.astype(np.int32, copy=False)
        edges = np.flatnonzero(np.diff(buckets)) + 1
        for start, stop in zip([0, *edges.tolist()], [*edges.tolist(), len(cells)], strict=True):
            self._pieces[int(buckets[start])].append((self._end, stop - start, stored.dtype))
            for part in (local, genes, stored):
                self._end += self._file.write(np.ascontiguousarray(part[start:stop]).data)

    def blocks(self, n_genes: int, n_rows: int = BLOCK_ROWS) -> Iterator[csr_matrix]:
        """Stream CSR blocks of at most `n_rows` rows, indices sorted, repeated entries summed."""
        self._write()
        n_cells = self.n_cells
        assert n_cells is not None
        buckets = range(-(-n_cells // self._rows))
        return reblock((self._bucket(k, n_genes, n_cells) for k in buckets), n_rows)

    def close(self) -> None:
        """Remove the temporary file."""
        self._waiting = []
        self._file.close()

    def _bucket(self, number: int, n_genes: int, n_cells: int) -> csr_matrix:
        pieces = self._pieces.get(number, [])
        total = sum(count for _, count, _ in pieces)
        rows, genes = np.empty(total, np.int32), np.empty(total, np.int32)
        values, at = np.empty(total, self._dtype), 0
        for offset, count, dtype in pieces:
            self._file.seek(offset)
            for target, stored in ((rows, np.uint16), (genes, np.int32), (values, dtype)):
                size = count * np.dtype(stored).itemsize
                target[at : at + count] = np.frombuffer(self._file.read(size), dtype=stored)
            at += count
        height = min(self._rows, n_cells - number * self._rows)
        return coo_matrix((values, (rows, genes)), shape=(height, n_genes)).tocsr()


def reblock(pieces: Iterable[csr_matrix], n_rows: int) -> Iterator[csr_matrix]:
    """Cut and join row pieces into blocks of `n_rows` rows and ``BLOCK_ENTRIES`` entries at most.

    One row alone may pass the limit of entries.
    """
    held: list[csr_matrix] = []
    rows = entries = 0

    def joined() -> csr_matrix:
        return held[0] if len(held) == 1 else csr_matrix(vstack(held, format="csr"))

    for piece in pieces:
        start = 0
        while start < piece.shape[0]:
            room = piece.indptr[start] + BLOCK_ENTRIES - entries
            fits = int(np.searchsorted(piece.indptr, room, side="right")) - 1
            stop = min(start + n_rows - rows, piece.shape[0], max(fits, start + (rows == 0)))
            if stop > start:
                part = piece if stop - start == piece.shape[0] else piece[start:stop]
                held.append(part)
                rows += stop - start
                entries += part.nnz
            start = stop
            if rows == n_rows or start < piece.shape[0]:
                block, held, rows, entries = joined(), [], 0, 0
                yield block
                del block  # nothing is held here while the next is built
    if held:
        yield joined()


def _lossless(values: np.ndarray) -> np.ndarray:
    """Values as float32 where every one of them survives that, else as float64."""
    if values.dtype == np.float32:
        return values
    small = values.astype(np.float32)
    wide = values.astype(np.float64)
    return small if bool((small == wide).all()) else wide
