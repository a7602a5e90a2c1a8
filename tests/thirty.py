"""Thirty rows over all sources, and the simulated archives that serve them."""

from __future__ import annotations

import hashlib
import io
from functools import cache
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pandas as pd
from scipy import sparse

import cellxgene_site as cxg
import count_files
import geo_site as geo
from archives import Reply, Site
from scbasecount_site import Experiment, scbasecount_site
from sicmir_atlas.demo import DemoDataset, _genes, simulate

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("T cell", "B cell", "monocyte", "fibroblast")
SMART, SPOTS = cxg.SMART_SEQ2, cxg.VISIUM


@cache
def counts(seed: int, n: int = 60) -> tuple[sparse.csr_matrix, pd.DataFrame]:
    """Simulated counts of `n` cells of each of four types, over demo genes."""
    described = DemoDataset("simulated", "", dict.fromkeys(KINDS, n))
    return simulate(described, np.random.default_rng([7, seed]))


def symbols() -> list[str]:
    return _genes()["symbol"].tolist()


def ids() -> list[str]:
    return _genes()["ensembl_gene_id"].tolist()


def barcodes(seed: int, n: int, suffix: str = "-1") -> list[str]:
    letters = np.random.default_rng([8, seed]).choice(list("ACGT"), (n, 16))
    return ["".join(row) + suffix for row in letters]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def triplet(seed: int, prefix: str = "") -> dict[str, bytes]:
    matrix, _ = counts(seed)
    cells = barcodes(seed, matrix.shape[0])
    return count_files.triplet(prefix, matrix, symbols(), cells, ids=ids())


def tenx_h5(seed: int) -> bytes:
    matrix, _ = counts(seed)
    return count_files.tenx_h5(matrix, symbols(), barcodes(seed, matrix.shape[0]), ids=ids())


def table(seed: int) -> bytes:
    matrix, _ = counts(seed)
    return count_files.dense_csv(matrix, symbols(), barcodes(seed, matrix.shape[0], ".1"))


def cells_in_rows(seed: int) -> bytes:
    matrix, cells = counts(seed)
    frame = pd.DataFrame(
        matrix.toarray().astype(int), barcodes(seed, matrix.shape[0]), columns=symbols()
    )
    frame.insert(0, "cell_type", cells["cell_type"].to_numpy())
    return frame.to_csv().encode()


def loom(seed: int) -> bytes:
    matrix, cells = counts(seed)
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file.create_dataset("matrix", data=matrix.T.toarray().astype(np.int32), chunks=(64, 64))
        file["row_attrs/Gene"] = np.array(symbols(), "S")
        file["row_attrs/Accession"] = np.array(ids(), "S")
        file["col_attrs/CellID"] = np.array(barcodes(seed, matrix.shape[0]), "S")
        file["col_attrs/ClusterName"] = np.array(cells["cell_type"].to_numpy(str), "S")
        file.create_group("layers")
        file.create_group("col_graphs")
        file.create_group("row_graphs")
    return out.getvalue()


def sample(number: int, files: dict[str, bytes], **more) -> geo.Sample:
    disease = ("normal", "asthma")[number % 2]
    about = (f"donor: d{number}", "tissue: lung", f"disease state: {disease}")
    more = {"characteristics": about, "title": f"donor {number}"} | more
    return geo.Sample(f"GSM{number}", files=files, **more)


def h5_sample(number: int, **more) -> geo.Sample:
    name = f"GSM{number}_filtered_feature_bc_matrix.h5"
    return sample(number, {name: tenx_h5(number)}, **more)


def studies() -> list[geo.Series]:
    mouse = {"organisms": (("Mus musculus", "10090"),)}
    pooled = sparse.vstack([counts(number)[0] for number in (9070, 9071)]).tocsr()
    half = pooled.shape[0] // 2
    names = barcodes(70, half, "-1") + barcodes(71, half, "-2")
    spots = h5_sample(9120)
    spots.files = {
        **spots.files,
        "GSM9120_tissue_positions_list.csv.gz": count_files.packed(b"A,1,0,0\n"),
    }
    nested = {
        number: count_files.tar(triplet(number, "filtered_feature_bc_matrix/"), gz=True)
        for number in (9050, 9051)
    }
    return [
        geo.Series("GSE901", [sample(n, triplet(n, f"GSM{n}_lib_")) for n in (9010, 9011)]),
        geo.Series("GSE902", [h5_sample(n) for n in (9020, 9021)]),
        geo.Series(
            "GSE903", [sample(n, {f"GSM{n}_counts.csv.gz": table(n)}) for n in (9030, 9031)]
        ),
        geo.Series(
            "GSE904",
            [sample(n, triplet(n, f"GSM{n}_")) for n in (9040, 9041)],
            only_in_raw=True,
        ),
        geo.Series("GSE905", [sample(n, {f"GSM{n}_lib.tar.gz": nested[n]}) for n in (9050, 9051)]),
        geo.Series(
            "GSE906",
            also_lists=["GSM9010", "GSM9011", "GSM9020", "GSM9021"],
            relations=["SuperSeries of: GSE901", "SuperSeries of: GSE902"],
        ),
        geo.Series(
            "GSE907",
            [sample(n, {}) for n in (9070, 9071)],
            files=count_files.triplet("GSE907_", pooled, symbols(), names, ids=ids()),
        ),
        geo.Series("GSE910", [h5_sample(9100, **mouse)]),
        geo.Series("GSE912", [spots]),
        geo.Series("GSE913", [sample(9130, {})], files={"GSE913_seurat.rds": b"\x1f\x8bR"}),
    ]


REFUSALS = {
    "GSE911": geo.private_until("Aug 28, 2028"),
    "GSE914": geo.withdrawn_on("Feb 01, 2024"),
}


def discover() -> list[cxg.Simulated]:
    few = {"T cell": 60, "B cell": 60, "fibroblast": 60}
    tabula = {"collection": cxg.TABULA_SAPIENS, "assay": (cxg.TENX, SMART), "cells": few}
    return [
        cxg.Simulated(title="Old lung", version=1, cells=few),
        cxg.Simulated(title="Old lung", version=2, cells={"T cell": 80, **few}),
        cxg.Simulated(title="Gut", collection="Several", cells=few, tissue=(cxg.LIVER,)),
        cxg.Simulated(title="Liver", collection="Several", cells=few, disease=("MONDO:0004992",)),
        cxg.Simulated(title="Mouse", collection="Several", organism=(cxg.MOUSE,), has_file=False),
        cxg.Simulated(title="Mixed", collection="Mixed", cells=few, assay=(cxg.TENX, SMART, SPOTS)),
        cxg.Simulated(title="Repeated", collection="Repeated", cells=few, primary=(False,)),
        cxg.Simulated(title="Partly", collection="Partly", cells=few, primary=(True, True, False)),
        cxg.Simulated(title="Tabula Sapiens - Lung", primary=(False,), **tabula),
        cxg.Simulated(title="Tabula Sapiens - Immune", primary=(False,), **tabula),
        cxg.Simulated(title="Tabula Sapiens - All Cells", **tabula),
    ]


GONE = cxg.uid("tombstone")


def experiments() -> list[Experiment]:
    few = {"T cell": 60, "macrophage": 60, "fibroblast": 60}
    return [
        Experiment(accession="SRX9001", cells=few),
        Experiment(accession="SRX9002", cells=few),
        Experiment(accession="SRX9003", cells=few, fields={"lib_prep": "not_applicable"}),
    ]


def web_files() -> dict[str, bytes]:
    return {
        "plain.h5ad": discover()[2].file,
        "cells.loom": loom(1),
        **triplet(2, "lung_"),
        "all.tar.gz": count_files.tar(triplet(3, "outs/filtered_feature_bc_matrix/"), gz=True),
        "page.csv": b"<!DOCTYPE html><html>log in first</html>",
    }


def sites() -> dict[str, Site]:
    """Everything, by the prefix under which it is served."""
    series, files = studies(), web_files()

    def web(path: str) -> Reply | None:
        return Reply(files[path]) if path in files else None

    return {
        "geo": geo.geo_site(series, refusals=REFUSALS),
        "geo_files": geo.geo_files_site(series),
        "scbasecount": scbasecount_site(experiments()),
        "web": web,
        **cxg.cellxgene_sites(discover(), removed=[GONE]),
    }


def rows(web: str, folder: Path) -> list[dict[str, str]]:
    """The samplesheet; `web` is the address of site ``web``, `folder` holds the files of two."""
    (folder / "own.csv").write_bytes(cells_in_rows(4))
    (folder / "own_h5.h5").write_bytes(tenx_h5(5))
    human = {"organism": "Homo sapiens", "tissue": "lung", "disease": "normal"}
    given = {"source": "url", **human}
    found = {one.title: one for one in discover()}
    lung = {"disease": "normal"}
    described = [
        ("geo_triplets", {"source": "geo", "accession": "GSE901"}),
        ("geo_h5", {"source": "geo", "accession": "GSE902"}),
        ("geo_tables", {"source": "geo", "accession": "GSE903"}),
        ("geo_raw_tar", {"source": "geo", "accession": "GSE904"}),
        ("geo_nested", {"source": "geo", "accession": "GSE905"}),
        ("geo_super", {"source": "geo", "accession": "GSE906"}),
        ("geo_pooled", {"source": "geo", "accession": "GSE907"}),
        ("geo_sample", {"source": "geo", "accession": "GSM9010"}),
        ("geo_two", {"source": "geo", "accession": "GSM9010|GSM9021"}),
        ("geo_mouse", {"source": "geo", "accession": "GSE910"}),
        ("geo_private", {"source": "geo", "accession": "GSE911"}),
        ("geo_spots", {"source": "geo", "accession": "GSE912"}),
        ("geo_rds", {"source": "geo", "accession": "GSE913"}),
        ("cxg_version", {"source": "cellxgene", "accession": discover()[0].version_id}),
        ("cxg_dataset", {"source": "cellxgene", "accession": found["Old lung"].dataset_id}),
        ("cxg_several", {"source": "cellxgene", "accession": found["Gut"].collection_id}),
        ("cxg_mixed", {"source": "cellxgene", "accession": found["Mixed"].dataset_id}),
        ("cxg_repeated", {"source": "cellxgene", "accession": found["Repeated"].dataset_id}),
        ("cxg_partly", {"source": "cellxgene", "accession": found["Partly"].dataset_id}),
        ("cxg_gone", {"source": "cellxgene", "accession": GONE}),
        ("ts_lung", {"source": "tabula_sapiens", "accession": "Lung"}),
        ("ts_immune", {"source": "tabula_sapiens", "accession": "immune"}),
        ("ts_all", {"source": "tabula_sapiens", "accession": "all"}),
        ("srx_two", {"source": "scbasecount", "accession": "SRX9001|SRX9002"}),
        ("srx_other", {"source": "scbasecount", "accession": "SRX9003"}),
        ("web_h5ad", {"source": "url", "url": f"{web}/plain.h5ad", "organism": "Homo sapiens",
                      "tissue": "obs:tissue", "disease": "obs:disease",
                      "cell_type": "obs:cell_type"}),
        ("web_loom", {**given, "url": f"{web}/cells.loom", "cell_type": "obs:ClusterName"}),
        ("web_triplet", {**given, "url": "|".join(f"{web}/{n}" for n in triplet(2, "lung_"))}),
        ("web_tar", {**given, "url": f"{web}/all.tar.gz"}),
        ("own_table", {"source": "file", "url": "own.csv", **human, **lung,
                       "cell_type": "obs:cell_type"}),
    ]  # fmt: skip
    return [{"dataset_id": name, **row} for name, row in described]


EXPECTED = {
    "geo_mouse": ("excluded", "organism: "),
    "geo_private": ("failed", "Aug 28, 2028"),
    "geo_spots": ("excluded", "spatial: "),
    "geo_rds": ("failed", "readRDS"),
    f"cxg_several.{cxg.uid('Several/Mouse')[:8]}": ("excluded", "organism: "),
    "cxg_repeated": ("excluded", "primary: "),
    "cxg_gone": ("failed", "410"),
    "srx_other": ("excluded", "umi: "),
}
"""How rows that are not included leave the line, and what their reason says."""
