"""Simulated datasets, small and said to be simulated, that walk every path of the line."""

from __future__ import annotations

import csv
import gzip
import hashlib
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from sicmir_atlas.disk import written_whole
from sicmir_atlas.names import landmarks, read_data_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["DATASETS", "DemoDataset", "simulate", "write_demo"]

_SEED = 20_240_601
_N_BACKGROUND = 900
_LIBRARY_SIZE = 1_800
_PROGRAMME_GENES = 70
_SHARE_OF_BAD_CELLS = 0.03


@dataclass(frozen=True)
class DemoDataset:
    """One simulated dataset: labels and numbers of cells, and what makes it special."""

    name: str
    tissue: str
    cells: Mapping[str, int]
    disease: str | None = None
    organism: str = "Homo sapiens"
    row: Mapping[str, str] = field(default_factory=dict)


DATASETS = (
    DemoDataset("demo_blood", "blood", {"T cell": 520, "B cell": 180, "monocyte": 200}),
    DemoDataset(
        "demo_lung",
        "lung",
        {"epithelial cell": 220, "endothelial cell": 160, "fibroblast": 170, "T-cell": 120},
        row={"format": "mtx"},
    ),
    DemoDataset(
        "demo_kidney",
        "kidney",
        {"epithelial cell": 260, "endotheliocyte": 150, "monocyte": 130, "T lymphocyte": 110},
        disease="chronic kidney disease",
        row={"format": "csv"},
    ),
    DemoDataset(
        "demo_colon",
        "colon",
        {"epithelial cell": 450, "fibroblast": 160, "B lymphocyte": 120, "T cell": 130},
        disease="ulcerative colitis",
        row={"counts_layer": "counts", "gene_symbols": "feature_name"},
    ),
    DemoDataset("demo_mouse", "lung", {"T cell": 300, "fibroblast": 300}, organism="Mus musculus"),
    DemoDataset("demo_two_types", "skin of body", {"fibroblast": 340, "endothelial cell": 220}),
)
_KINDS = {
    "T-cell": "T cell",
    "T lymphocyte": "T cell",
    "B lymphocyte": "B cell",
    "endotheliocyte": "endothelial cell",
}


def write_demo(folder: Path) -> Path:
    """Write the simulated datasets and their samplesheet; files that are already right stay.

    Returns
    -------
    Path of ``datasets.csv``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, dataset in enumerate(DATASETS):
        counts, cells = simulate(dataset, np.random.default_rng([_SEED, number]))
        write = {"mtx": _mtx_files, "csv": _csv_files}.get(dataset.row.get("format", ""), _h5ad)
        files = write(dataset, counts, cells)
        for name, content in files.items():
            _write_if_other(folder / name, content)
        rows.append(
            {
                "dataset_id": dataset.name,
                "source": "file",
                "url": "|".join(files),
                "sha256": "|".join(hashlib.sha256(c).hexdigest() for c in files.values()),
                "format": "h5ad",
                "organism": dataset.organism,
                "assay": "10x 3' v3",
                "tissue": dataset.tissue,
                "disease": "obs:disease" if dataset.disease else "normal",
                "cell_type": "obs:cell_type",
                "donor": "obs:donor",
                "title": f"Simulated counts: {dataset.name}",
                "licence": "CC0-1.0",
                **dataset.row,
            }
        )
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = pd.DataFrame(rows, columns=columns)
    sheet = folder / "datasets.csv"
    text = table.to_csv(index=False, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
    _write_if_other(sheet, text.encode())
    return sheet


def simulate(
    dataset: DemoDataset, rng: np.random.Generator
) -> tuple[sparse.csr_matrix, pd.DataFrame]:
    """Simulate negative-binomial UMI counts with a programme of genes per cell type.

    Returns
    -------
    Counts, cells × genes (landmarks, mitochondrial, background), and the cells' labels. A few
    cells are poor on purpose, so that QC has something to do.
    """
    symbols = _genes()["symbol"]
    is_mt = symbols.str.startswith("MT-").to_numpy()
    shared = np.random.default_rng(_SEED)
    base = shared.lognormal(0, 1.2, len(symbols))
    base[is_mt] *= 0.025 * base[~is_mt].sum() / base[is_mt].sum()

    labels = np.repeat(list(dataset.cells), list(dataset.cells.values()))
    donors = rng.permutation(np.resize(["donor_1", "donor_2"], len(labels)))
    ill = (donors == "donor_2") & bool(dataset.disease)
    size = rng.lognormal(np.log(_LIBRARY_SIZE), 0.25, len(labels))
    poor = rng.random(len(labels)) < _SHARE_OF_BAD_CELLS
    size[poor] *= 0.3
    counts = np.zeros((len(labels), len(symbols)), np.int32)
    for donor in ("donor_1", "donor_2"):
        of_donor = base * rng.lognormal(0, 0.15, len(symbols))
        for label in dataset.cells:
            rows = np.flatnonzero((labels == label) & (donors == donor))
            kind = _KINDS.get(label, label)
            level = of_donor * _programme(kind)
            if ill[rows].any():
                level *= _programme(f"disease in {kind}", n_genes=25)
            levels = np.repeat(level[None], len(rows), axis=0)
            levels[np.ix_(poor[rows], is_mt)] *= 8
            means = levels / levels.sum(axis=1, keepdims=True) * size[rows, None]
            counts[rows] = rng.poisson(rng.gamma(2.0, means / 2.0))
    cells = pd.DataFrame(
        {
            "cell_type": labels,
            "donor": donors,
            "disease": np.where(ill, dataset.disease or "", "normal"),
        },
        index=[f"{dataset.name}_cell_{i:04d}" for i in range(1, len(labels) + 1)],
    )
    return sparse.csr_matrix(counts), cells.astype("category")


@cache
def _genes() -> pd.DataFrame:
    panel = read_data_table("landmarks.tsv")[["symbol", "ensembl_gene_id"]]
    mito = read_data_table("mitochondrial.tsv")
    background = [f"BACKGROUND{i:04d}" for i in range(1, _N_BACKGROUND + 1)]
    ids = [f"ENSG99{i:09d}" for i in range(1, _N_BACKGROUND + 1)]
    other = pd.DataFrame({"symbol": background, "ensembl_gene_id": ids})
    return pd.concat([panel, mito, other], ignore_index=True)


def _programme(name: str, n_genes: int = _PROGRAMME_GENES) -> np.ndarray:
    digest = hashlib.sha256(name.encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    factor = np.ones(len(_genes()))
    chosen = rng.choice(len(landmarks()), n_genes, replace=False)
    factor[chosen] = rng.lognormal(np.log(5), 0.5, n_genes)
    return factor


def _h5ad(dataset: DemoDataset, counts: sparse.csr_matrix, cells: pd.DataFrame) -> dict[str, bytes]:
    import anndata as ad

    genes = _genes()
    layer = dataset.row.get("counts_layer")
    if layer is None:
        names = genes["symbol"]
        if dataset.organism == "Mus musculus":
            names = names.str.capitalize()
        adata = ad.AnnData(counts, obs=cells, var=pd.DataFrame(index=names.to_numpy(object)))
    else:
        var = pd.DataFrame({"feature_name": genes["symbol"].to_numpy(object)})
        var.index = genes["ensembl_gene_id"].to_numpy(object)
        logged = counts.multiply(1e4 / counts.sum(axis=1).reshape(-1, 1)).tocsr().log1p()
        adata = ad.AnnData(logged.astype(np.float32), obs=cells, var=var)
        adata.layers[layer] = counts.tocsc()
    adata.uns["title"] = f"Simulated counts: {dataset.name}"
    return {f"{dataset.name}.h5ad": _bytes_of(adata.write_h5ad)}


def _mtx_files(
    dataset: DemoDataset, counts: sparse.csr_matrix, cells: pd.DataFrame
) -> dict[str, bytes]:
    from scipy.io import mmwrite

    genes = _genes()
    matrix = BytesIO()
    mmwrite(matrix, counts.T.tocoo(), comment="Simulated counts", field="integer")
    features = genes[["ensembl_gene_id", "symbol"]].assign(type="Gene Expression")
    return {
        f"{dataset.name}_matrix.mtx.gz": gzip.compress(matrix.getvalue(), mtime=0),
        f"{dataset.name}_features.tsv.gz": _gz_table(features, sep="\t", header=False),
        f"{dataset.name}_barcodes.tsv.gz": gzip.compress(
            "".join(f"{name}\n" for name in cells.index).encode(), mtime=0
        ),
        f"{dataset.name}_metadata.csv": cells.to_csv(index_label="cell_id").encode(),
    }


def _csv_files(
    dataset: DemoDataset, counts: sparse.csr_matrix, cells: pd.DataFrame
) -> dict[str, bytes]:
    table = pd.DataFrame(counts.T.toarray(), columns=cells.index)
    table.insert(0, "gene", _genes()["symbol"].to_numpy(object))
    return {
        f"{dataset.name}_counts.csv.gz": _gz_table(table, sep=",", header=True),
        f"{dataset.name}_metadata.csv": cells.to_csv(index_label="cell_id").encode(),
    }


def _gz_table(table: pd.DataFrame, *, sep: str, header: bool) -> bytes:
    return gzip.compress(table.to_csv(sep=sep, header=header, index=False).encode(), mtime=0)


def _bytes_of(write: Callable[[Path], None]) -> bytes:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write(path)
        return path.read_bytes()


def _write_if_other(path: Path, content: bytes) -> None:
    if path.is_file() and path.read_bytes() == content:
        return
    with written_whole(path) as part:
        part.write_bytes(content)
