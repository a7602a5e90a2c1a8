"""Tell by its first bytes what a file is that should be text."""

from __future__ import annotations

from sicmir_atlas.errors import CorruptError, InputError

__all__ = ["require_text"]

_FOREIGN = {
    b"PK\x03\x04": "a zip archive or an Excel workbook: save the sheet as csv",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as csv",
    b"X\n\x00\x00": "an R object (rds): write it as h5ad or mtx in R",
    b"RDX": "an R image (RData): write it as h5ad or mtx in R",
    b"\x89HDF": "an HDF5 file: name it by what it is, .h5ad, .h5 or .loom",
    b"BZh": "compressed by bzip2: unpack it",
    b"\xfd7zXZ": "compressed by xz: unpack it",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it",
    b"\xff\xfe": "text in UTF-16: save it as UTF-8",
    b"\xfe\xff": "text in UTF-16: save it as UTF-8",
    b"%PDF": "a PDF",
    b"PAR1\x15": "a Parquet file: write it as csv or h5ad",
}


def require_text(head: bytes, label: str) -> None:
    """Refuse what the first bytes of a file show to be no text, and say what it is.

    Raises
    ------
    CorruptError
        If it is a web page, which servers send in the place of a file.
    InputError
        If it is of another format.
    """
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        msg = f"{label}: a web page in the place of the file: fetch it again"
        raise CorruptError(msg)
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            msg = f"{label}: not text but {what}"
            raise InputError(msg)
    if head[257:262] == b"ustar":
        msg = f"{label}: not text but a tar archive: unpack it"
        raise InputError(msg)
    if b"\0" in head:
        msg = f"{label}: not text: there are NUL bytes among the first {len(head)}"
        raise InputError(msg)
