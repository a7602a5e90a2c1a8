"""Count files as GEO holds them, written from simulated counts (cells × genes)."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

import h5py
import numpy as np
from scipy import io as scipy_io
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def tar(members: Mapping[str, bytes], *, gz: bool = False) -> bytes:
    """Archive of these members, as ``tar`` or ``tar.gz``."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return packed(out.getvalue()) if gz else out.getvalue()


def triplet(
    prefix: str,
    counts: sparse.spmatrix,
    genes: Sequence[str],
    barcodes: Sequence[str],
    *,
    ids: Sequence[str] | None = None,
) -> dict[str, bytes]:
    """Cell Ranger's three files; counts are cells × genes."""
    out = io.BytesIO()
    transposed = sparse.csc_matrix(counts).T
    scipy_io.mmwrite(out, transposed.astype(np.int64), comment='metadata_json: {"simulated": 1}')
    names = ids or [f"ENSG{n:011d}" for n in range(len(genes))]
    rows = "".join(f"{i}\t{g}\tGene Expression\n" for i, g in zip(names, genes, strict=True))
    return {
        f"{prefix}barcodes.tsv.gz": packed("".join(f"{b}\n" for b in barcodes).encode()),
        f"{prefix}features.tsv.gz": packed(rows.encode()),
        f"{prefix}matrix.mtx.gz": packed(out.getvalue()),
    }


def tenx_h5(
    counts: sparse.spmatrix,
    genes: Sequence[str],
    barcodes: Sequence[str],
    *,
    ids: Sequence[str] | None = None,
) -> bytes:
    """Cell Ranger's h5 of version 3; counts are cells × genes."""
    by_cell = sparse.csr_matrix(counts)
    names = ids or [f"ENSG{n:011d}" for n in range(len(genes))]
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        group = file.create_group("matrix")
        group["barcodes"] = np.array(barcodes, "S")
        group["data"] = by_cell.data.astype(np.int32)
        group["indices"] = by_cell.indices.astype(np.int64)
        group["indptr"] = by_cell.indptr.astype(np.int64)
        group["shape"] = np.array(by_cell.shape[::-1], np.int32)
        features = group.create_group("features")
        features["id"], features["name"] = np.array(names, "S"), np.array(genes, "S")
        features["feature_type"] = np.array(["Gene Expression"] * len(genes), "S")
        features["genome"] = np.array(["GRCh38"] * len(genes), "S")
        features["_all_tag_keys"] = np.array(["genome"], "S")
    return out.getvalue()


def dense_csv(counts: sparse.spmatrix, genes: Sequence[str], barcodes: Sequence[str]) -> bytes:
    """Genes in rows, separated by commas, gzip."""
    rows = sparse.csr_matrix(counts).toarray().T.astype(int)
    lines = [",".join(["", *barcodes])]
    lines += [f"{g},{','.join(map(str, row))}" for g, row in zip(genes, rows, strict=True)]
    return packed(("\n".join(lines) + "\n").encode())
