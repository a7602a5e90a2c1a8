"""A simulated release of scBaseCount: its table of samples, and a file for each experiment."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from archives import Reply, Site
from cellxgene_h5ad import cell_types
from sicmir_atlas.demo import DemoDataset, _genes, simulate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FOLDER = "GeneFull_Ex50pAS/Homo_sapiens"


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One experiment; `fields` replaces fields of its row in the table of samples."""

    accession: str
    cells: Mapping[str, int] = field(default_factory=lambda: {"T cell": 300, "macrophage": 300})
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def row(self) -> dict[str, Any]:
        return {
            "entrez_id": 30000001,
            "srx_accession": self.accession,
            "file_path": f"gs://invented/h5ad/{_FOLDER}/{self.accession}.h5ad",
            "obs_count": sum(self.cells.values()),
            "lib_prep": "10x_Genomics",
            "tech_10x": "3_prime_gex",
            "cell_prep": "single_cell",
            "organism": "Homo sapiens",
            "tissue": "lung",
            "tissue_ontology_term_id": "UBERON:0002048",
            "disease": "COVID-19",
            "disease_ontology_term_id": "MONDO:0100096",
            "perturbation": "unsure",
            "cell_line": "unsure",
            "antibody_derived_tag": None,
            "czi_collection_id": None,
            "czi_collection_name": None,
            **self.fields,
        }

    @cached_property
    def file(self) -> bytes:
        """Unique UMIs in ``X``, fractions of an EM fit in a layer."""
        seed = [int(self.accession[3:])]
        described = DemoDataset(self.accession, "", self.cells)
        counts, cells = simulate(described, np.random.default_rng(seed))
        counts = counts.astype(np.float32)
        types = cell_types()
        barcodes = np.random.default_rng(seed).choice(list("ACGT"), (len(cells), 16))
        obs = pd.DataFrame(
            {
                "SRX_accession": self.accession,
                "gene_count_Unique": counts.getnnz(axis=1),
                "umi_count_Unique": counts.sum(axis=1).A1.astype(int),
                "cell_type": cells["cell_type"].to_numpy(str),
                "cell_ontology_term_id": [types[label] for label in cells["cell_type"]],
            },
            index=["".join(letters) for letters in barcodes],
        )
        genes = _genes()
        var = pd.DataFrame(
            {"gene_ids": genes["ensembl_gene_id"].to_numpy(object)},
            index=genes["symbol"].to_numpy(object),
        )
        layers = {"UniqueAndMult-EM": counts * np.float32(1.01)}
        adata = ad.AnnData(counts, obs=obs, var=var, layers=layers)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file.h5ad"
            adata.write_h5ad(path)
            return path.read_bytes()


def scbasecount_site(experiments: Sequence[Experiment]) -> Site:
    """Site ``scbasecount``: one release on an http mirror."""
    table = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([one.row for one in experiments]), table)
    files = {f"h5ad/{_FOLDER}/{one.accession}.h5ad": one for one in experiments}

    def answer(path: str) -> Reply | None:
        if path == f"metadata/{_FOLDER}/sample_metadata.parquet":
            return Reply(table.getvalue())
        return Reply(files[path].file) if path in files else None

    return answer


def without_billing(_path: str) -> Reply:
    """What the bucket says to whoever names no project that pays."""
    body = (
        b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>UserProjectMissing</Code>"
        b"<Message>Bucket is requester pays but no user project provided.</Message></Error>"
    )
    return Reply(body, 400, {"Content-Type": "application/xml; charset=UTF-8"})
