"""Write one simulated dataset of a given size and format: FORMAT CELLS FOLDER; prints its row.

The parent measures memory, and a child's peak counts from its parent's size: so data are made here.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pandas as pd
from anndata.io import write_elem
from scipy import sparse

from sicmir_atlas.names import landmarks, read_data_table

if TYPE_CHECKING:
    from collections.abc import Iterator

N_GENES = 20_000
N_TYPES = 12
TILE = 2_000  # cells that differ; further ones repeat these
DROPLETS = 100  # barcodes of an unfiltered library for each cell


def main() -> None:
    kind, n_cells, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    data = folder / "data"
    data.mkdir(parents=True)
    base, _, note = kind.partition(", ")
    files = {
        "h5ad": h5ad,
        "h5ad gzip": h5ad_gzip,
        "10x h5": tenx_h5,
        "mtx.gz": triplet,
        "csv.gz": table,
    }[base](data, n_cells, note)
    row = {
        "dataset_id": "simulated",
        "source": "file",
        "url": "|".join(map(str, files)),
        "organism": "Homo sapiens",
        "assay": "10x 3' v3",
        "tissue": "blood",
        "disease": "normal",
        "title": "Simulated counts",
    }
    if base.startswith("h5ad") and note != "no labels":
        row["cell_type"] = "obs:cell_type"
    if note == "deep":
        row["qc_profile"] = "case"
    (folder / "dataset.json").write_text(json.dumps(row))


def genes() -> list[str]:
    known = [*landmarks(), *read_data_table("mitochondrial.tsv")["symbol"]]
    return [*known, *(f"GENE{n}" for n in range(N_GENES - len(known)))]


def tile(note: str) -> sparse.csr_matrix:
    """Counts of `TILE` cells in types of their own; 1,200 genes of a cell are seen, or 7,000."""
    rng = np.random.default_rng(0)
    base = rng.lognormal(0, 1.6, N_GENES)
    base[len(landmarks()) : len(landmarks()) + 13] *= 0.2
    types = base * rng.lognormal(0, 0.8, (N_TYPES, N_GENES))
    types *= (50_000 if note == "deep" else 2_500) / types.sum(axis=1, keepdims=True)
    return sparse.csr_matrix(rng.poisson(types[np.arange(TILE) % N_TYPES]).astype(np.float32))


def mixed(cells: sparse.csr_matrix, n: int) -> Iterator[sparse.csr_matrix]:
    """Tiles whose cells are halves of two each, so that none is found again among its likes."""
    rng = np.random.default_rng(3)
    for _ in range(n):
        others = np.arange(TILE) % N_TYPES + N_TYPES * rng.integers(0, TILE // N_TYPES, TILE)
        both = cells + cells[others]
        both.data = rng.binomial(both.data.astype(int), 0.5).astype(np.float32)
        both.eliminate_zeros()
        yield both


def blocks(n_cells: int, note: str = "") -> list[sparse.csr_matrix]:
    cells = tile(note)
    if note == "no labels":
        tiles = mixed(cells, -(-n_cells // TILE))
        return [next(tiles)[: min(TILE, n_cells - start)] for start in range(0, n_cells, TILE)]
    return [cells[: min(TILE, n_cells - start)] for start in range(0, n_cells, TILE)]


def h5ad_gzip(folder: Path, n_cells: int, note: str) -> list[Path]:
    return h5ad(folder, n_cells, note, compression="gzip")


def h5ad(folder: Path, n_cells: int, note: str, **options: object) -> list[Path]:
    path = folder / "simulated.h5ad"
    with h5py.File(path, "w") as file:
        group = file.create_group("X")
        compressed(group, blocks(n_cells, note), np.float32, np.int32, **options)
        shape = np.array([n_cells, N_GENES])
        group.attrs.update(
            {"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": shape}
        )
        types = np.array([f"type {n}" for n in range(N_TYPES)], object)
        donors = np.array([f"donor {n}" for n in range(8)], object)
        place = np.arange(n_cells) % TILE
        obs = pd.DataFrame(
            {
                "cell_type": pd.Categorical.from_codes(place % N_TYPES, types),
                "donor": pd.Categorical.from_codes(place % 8, donors),
            },
            index=barcodes(n_cells),
        )
        write_elem(file, "obs", obs)
        write_elem(file, "var", pd.DataFrame(index=np.array(genes(), object)))
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
    return [path]


def tenx_h5(folder: Path, n_cells: int, note: str) -> list[Path]:
    path = folder / "simulated_feature_bc_matrix.h5"
    parts = blocks(n_cells)
    if note == "unfiltered":
        parts += droplets(n_cells)
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        n = compressed(group, parts, np.int32, np.int64, compression="gzip")
        group.create_dataset("barcodes", data=barcodes(n).astype("S"), compression="gzip")
        group["shape"] = np.array([N_GENES, n], np.int32)
        features = group.create_group("features")
        for name, values in (("id", genes()), ("name", genes())):
            features[name] = np.array(values, "S")
        features["feature_type"] = np.array(["Gene Expression"] * N_GENES, "S")
        features["genome"] = np.array(["GRCh38"] * N_GENES, "S")
    return [path]


def droplets(n_cells: int) -> list[sparse.csr_matrix]:
    """Barcodes without a cell, of a few counts each."""
    rng = np.random.default_rng(1)
    counts = sparse.csr_matrix(rng.poisson(np.full((TILE, N_GENES), 3 / N_GENES)), dtype=np.float32)
    return [counts] * (n_cells * (DROPLETS - 1) // TILE)


def compressed(group: h5py.Group, parts: list, data: type, index: type, **options: object) -> int:
    """Write rows block by block; how many they are."""
    for name, dtype in (("data", data), ("indices", index)):
        group.create_dataset(name, (0,), dtype, maxshape=(None,), chunks=(1 << 16,), **options)
    ends = [np.zeros(1, np.int64)]
    for part in parts:
        start = int(ends[-1][-1])
        for name in ("data", "indices"):
            group[name].resize((start + part.nnz,))
            group[name][start:] = getattr(part, name)
        ends.append(part.indptr[1:].astype(np.int64) + start)
    group["indptr"] = np.concatenate(ends)
    return len(group["indptr"]) - 1


def triplet(folder: Path, n_cells: int, _note: str) -> list[Path]:
    names = {n: folder / f"{n}.gz" for n in ("matrix.mtx", "features.tsv", "barcodes.tsv")}
    parts = blocks(n_cells)
    entries = sum(part.nnz for part in parts)
    with gzip.open(names["matrix.mtx"], "wb", 3) as out:
        out.write(b"%%MatrixMarket matrix coordinate integer general\n")
        out.write(f"{N_GENES} {n_cells} {entries}\n".encode())
        for number, part in enumerate(parts):
            coo = part.tocoo()
            lines = {"gene": coo.col + 1, "cell": coo.row + 1 + number * TILE, "n": coo.data}
            text = pd.DataFrame(lines).astype(int).to_csv(sep=" ", header=False, index=False)
            out.write(text.encode())
    lines = "".join(f"{name}\t{name}\tGene Expression\n" for name in genes())
    names["features.tsv"].write_bytes(gzip.compress(lines.encode()))
    lines = "".join(f"{name}\n" for name in barcodes(n_cells))
    names["barcodes.tsv"].write_bytes(gzip.compress(lines.encode()))
    return list(names.values())


def table(folder: Path, n_cells: int, _note: str) -> list[Path]:
    path = folder / "simulated_counts.csv.gz"
    repeated = sparse.vstack(blocks(n_cells), format="csc")
    with gzip.open(path, "wb", 3) as out:
        out.write(",".join(["gene", *barcodes(n_cells)]).encode() + b"\n")
        for n, name in enumerate(genes()):
            row = np.full(n_cells, b"0", "S6")
            at = slice(*repeated.indptr[n : n + 2])
            row[repeated.indices[at]] = repeated.data[at].astype(int).astype("S6")
            out.write(name.encode() + b"," + b",".join(row.tolist()) + b"\n")
    return [path]


def barcodes(n: int) -> np.ndarray:
    codes = np.random.default_rng(2).choice(np.frombuffer(b"ACGT", "S1"), (n, 16))
    # distinct whatever was drawn
    return np.array([f"{c.decode()}-{i}" for i, c in enumerate(codes.view("S16").ravel())], object)


if __name__ == "__main__":
    main()
