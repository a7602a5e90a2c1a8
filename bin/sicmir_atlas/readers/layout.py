"""How a table of counts as text is laid out: delimiter, orientation, columns beside the counts."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, NamedTuple

from sicmir_atlas.errors import InputError
from sicmir_atlas.readers.orientation import count_genes, is_ensembl
from sicmir_atlas.readers.text import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Cutter", "Layout", "gene_columns", "is_number", "sniff"]

_DELIMITERS = "\t,; "
_MISSING = {b"", b"NA", b"NaN", b"nan", b"None", b"null"}
_MAX_BESIDE = 100
_MIN_SHARE = 0.01  # a transcriptome's names hold 1.6% landmarks or more; cell ids hardly any
_SYMBOLS = ("symbol", "gene_symbol", "gene_name", "genename", "hgnc_symbol", "gene_short_name")
# columns that hold numbers, yet no counts, where they stand before the counts
_ANNOTATIONS = {
    *("chr", "chrom", "chromosome", "start", "end", "strand", "length", "gene_length", "width"),
    *("entrez", "entrezid", "entrez_id", "entrezgene", "entrez_gene_id", "gene_id", "geneid"),
    *("cell", "cell_id", "cellid", "barcode", "cluster", "clusters", "seurat_clusters", "leiden"),
    *("louvain", "batch", "sample", "sample_id", "donor", "donor_id", "patient", "age", "sex"),
    *("n_genes", "n_counts", "n_umi", "numi", "ngene", "total_counts", "n_genes_by_counts"),
    *("ncount_rna", "nfeature_rna", "percent.mt", "percent_mt", "percent_mito", "pct_counts_mt"),
    *_SYMBOLS,
}


class Layout(NamedTuple):
    """What header and first lines tell: the names above the columns before, of and after counts."""

    delimiter: str
    genes_in_rows: bool
    leading: list[str]
    columns: list[str]
    trailing: list[str]


class Cutter:
    """Cuts fields off a line: leading ones, quoted or not, and trailing ones."""

    def __init__(self, delimiter: str) -> None:
        self._mark = delimiter.encode()
        mark = re.escape(self._mark)
        self._field = re.compile(rb'"((?:[^"]|"")*)" *(?:%b|\Z)|([^%b]*)(?:%b|\Z)' % ((mark,) * 3))

    def cut(self, line: bytes, n: int) -> tuple[list[bytes], bytes]:
        """Cut off `n` fields; return them and the rest of the line."""
        fields, at = [], 0
        for _ in range(n):
            match = self._field.match(line, at)
            assert match is not None
            quoted = match[1]
            fields.append(match[2].strip() if quoted is None else quoted.replace(b'""', b'"'))
            at = match.end()
        return fields, line[at:]

    def cut_end(self, line: bytes, n: int) -> tuple[list[bytes], bytes]:
        """Cut off the last `n` fields; return them and what stands before."""
        fields: list[bytes] = []
        for _ in range(n):
            if line.endswith(b'"'):
                line, _, field = line[:-1].rpartition(self._mark + b'"')
            else:
                line, _, field = line.rpartition(self._mark)
            fields.insert(0, field.strip().replace(b'""', b'"'))
        return fields, line


def sniff(label: str, header: bytes, lines: Sequence[bytes]) -> Layout:
    """Find the layout from the header and some lines after it.

    The side that names more known genes holds the genes; where neither does, genes are in rows.
    Counts begin after the first column and those after it that hold text, or have a name that is
    known for no count; at the end, columns of text are no counts either.

    Raises
    ------
    InputError
        If no delimiter gives header and first line the same number of fields, or the header one
        less, as R writes it.
    """
    delimiter, names = _split(label, header, lines[0])
    cutter = Cutter(delimiter)
    beside: list[list[bytes]] = []
    rests = list(lines)
    for name in names[: min(_MAX_BESIDE, len(names) - 1)]:
        fields, others = _column(rests, cutter.cut)
        if beside and name.lower() not in _ANNOTATIONS and not _is_text(fields):
            break
        beside.append(fields)
        rests = others
    first, last = len(beside), len(names)
    while last - first > 1 and len(names) - last < _MAX_BESIDE:
        fields, others = _column(rests, cutter.cut_end)
        if not _is_text(fields):
            break
        beside.append(fields)
        rests, last = others, last - 1
    above = count_genes(names[first:last])
    left = max(count_genes(v.decode(errors="replace") for v in values) for values in beside)
    cells_in_rows = above > left and above >= _MIN_SHARE * (last - first)
    return Layout(delimiter, not cells_in_rows, names[:first], names[first:last], names[last:])


def _column(
    lines: Sequence[bytes], cut: Callable[[bytes, int], tuple[list[bytes], bytes]]
) -> tuple[list[bytes], list[bytes]]:
    """Cut one field off each line."""
    parts = [cut(line, 1) for line in lines]
    return [field for fields, _ in parts for field in fields], [rest for _, rest in parts]


def gene_columns(header: Sequence[str], columns: Sequence[Sequence[str]]) -> tuple[int, int | None]:
    """Tell which columns beside the counts hold names and symbols; None where one holds both."""
    genes = [count_genes(values) for values in columns]
    ensembl = [sum(map(is_ensembl, values)) / max(1, len(values)) for values in columns]
    ids = max(range(len(columns)), key=ensembl.__getitem__)
    others = [k for k in range(len(columns)) if ensembl[ids] < 0.5 or k != ids]
    named = [k for k in others if header[k].lower() in _SYMBOLS]
    known = max(others, key=genes.__getitem__, default=None)
    symbols = named[0] if named else known if known is not None and genes[known] > 0 else None
    if ensembl[ids] >= 0.5:
        return ids, symbols
    return (0 if symbols is None else symbols), None


def is_number(field: bytes) -> bool:
    """Tell whether a field can be read as a number."""
    try:
        float(field)
    except ValueError:
        return False
    return True


def _is_text(values: Sequence[bytes]) -> bool:
    """Tell whether values are given, and none is a number."""
    given = [value for value in values if value not in _MISSING]
    return bool(given) and not any(map(is_number, given))


def _split(label: str, header: bytes, line: bytes) -> tuple[str, list[str]]:
    """Find the delimiter, and the name above each column."""
    first, second = decode(header, f"{label}: line 1"), decode(line, f"{label}: line 2")
    for delimiter in sorted(_DELIMITERS, key=first.count, reverse=True):
        try:
            names, fields = (
                next(csv.reader([text], delimiter=delimiter), []) for text in (first, second)
            )
        except csv.Error:  # bytes that are no lines of text
            break
        if len(fields) >= 2 and len(names) in {len(fields), len(fields) - 1}:
            names = [name.strip() for name in names]
            return delimiter, names if len(names) == len(fields) else ["", *names]
    msg = (
        f"{label}: header and first line do not split into the same fields by tab, comma, "
        "semicolon or space: expected genes in rows and cells in columns, or the reverse"
    )
    raise InputError(msg)
