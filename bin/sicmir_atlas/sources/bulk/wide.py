"""Tables of features × samples as archives offer them: text, tabs, gzip or not, read by lines."""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, TextIO, TypeAlias

import numpy as np

from sicmir_atlas.errors import CorruptError
from sicmir_atlas.sources.containers import is_gzip

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["WideTable", "open_text"]

_GCT = "#1.2"
_MISSING = {"", "na", "nan", "null", "none"}


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a text file, gzip or not; its first bytes tell.

    Raises
    ------
    CorruptError
        While reading, where gzip breaks off.
    """
    with path.open("rb") as head:
        folded = is_gzip(head.read(2))
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", errors="replace")
            if folded
            else path.open(encoding="utf-8-sig", errors="replace")
        ) as text:
            yield text
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        msg = f"{path.name}: broken gzip: {error}; fetch it again"
        raise CorruptError(msg) from error


class WideTable:
    """A table of features × samples on disk; only the rows asked for are read into memory.

    Plain: a header of a corner and the samples, then a name and its values in each row. GCT 1.2:
    two more lines ahead, and two names in each row (sources spec, section 4).

    Parameters
    ----------
    path
        File, gzip or not.

    Attributes
    ----------
    samples
        Names of the value columns.

    Raises
    ------
    CorruptError
        If there is no such header, or a sample stands in it twice.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_text(path) as text:
            first = text.readline().rstrip("\r\n")
            self._is_gct = first.strip() == _GCT
            dims = text.readline().split() if self._is_gct else []
            header = (text.readline() if self._is_gct else first).rstrip("\r\n").split("\t")
        self._ahead = 3 if self._is_gct else 1
        self._n_names = 2 if self._is_gct else 1
        self.samples = [cell.strip() for cell in header[self._n_names :]]
        problem = self._problem(header, dims)
        if problem:
            msg = f"{path.name}: {problem}; it is not the table it should be: fetch it again"
            raise CorruptError(msg)

    def names(self) -> Iterator[tuple[str, ...]]:
        """Give the names of every row: one, or in GCT two."""
        for _, line in self._lines():
            yield tuple(cell.strip() for cell in line.split("\t", self._n_names)[: self._n_names])

    def rows(self, wanted: Container[int]) -> Iterator[tuple[int, Float64]]:
        """Give position and values of the rows wanted; what is missing is NaN.

        Raises
        ------
        CorruptError
            If a row is shorter or longer than the header, or a value is no finite number.
        """
        for position, line in self._lines():
            if position in wanted:
                cells = line.rstrip("\r\n").split("\t")
                name, cells = cells[0].strip(), cells[self._n_names :]
                if len(cells) != len(self.samples):
                    msg = f"{self.path.name}: row {name} has {len(cells)} values, the header "
                    msg += f"{len(self.samples)} samples; fetch it again"
                    raise CorruptError(msg)
                yield position, self._values(name, cells)

    def _lines(self) -> Iterator[tuple[int, str]]:
        with open_text(self.path) as text:
            yield from enumerate(line for line in islice(text, self._ahead, None) if line.strip())

    def _values(self, name: str, cells: list[str]) -> Float64:
        try:
            values = np.array(cells, dtype=np.float64)
        except ValueError:
            values = np.array([self._value(name, i, cell) for i, cell in enumerate(cells)])
        if np.isinf(values).any():
            sample = self.samples[int(np.flatnonzero(np.isinf(values))[0])]
            msg = f"{self.path.name}: row {name}, sample {sample}: infinity is no measurement"
            raise CorruptError(msg)
        return values

    def _value(self, name: str, position: int, cell: str) -> float:
        if cell.strip().lower() in _MISSING:
            return np.nan
        try:
            return float(cell)
        except ValueError as error:
            msg = f"{self.path.name}: row {name}, sample {self.samples[position]}: {cell!r} is no "
            msg += "number"
            raise CorruptError(msg) from error

    def _problem(self, header: list[str], dims: list[str]) -> str | None:
        if not any(self.samples):
            return f"its header {' '.join(header)[:60]!r} names no samples between tabs"
        if self._is_gct and header[:2] != ["Name", "Description"]:
            return f"its columns begin with {header[:2]}, not with Name and Description"
        if self._is_gct and dims[1:2] != [str(len(self.samples))]:
            told = dims[1] if len(dims) > 1 else "no"
            return f"its second line tells {told} samples, its header {len(self.samples)}"
        twice = [name for name, count in Counter(self.samples).items() if count > 1]
        return f"sample {twice[0]} stands twice in its header" if twice else None
