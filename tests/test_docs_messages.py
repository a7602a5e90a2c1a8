"""What docs/datasets.md quotes is what is said: each message is drawn from simulated archives."""

from __future__ import annotations

import errno
import io
import re
import sys
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import cellxgene_site as cxg
from archives import ArchiveServer, Reply
from count_files import triplet
from geo_site import (
    CAPTCHA,
    PENDING,
    Sample,
    Series,
    geo_files_site,
    geo_site,
    private_until,
    withdrawn_on,
)  # fmt: skip
from sicmir_atlas.cli._full_disk import full_disk_told
from sicmir_atlas.errors import ExcludedDataset, SicmirError
from sicmir_atlas.prepare.counts import prove_counts
from sicmir_atlas.prepare.metadata import cell_labels, require_metadata
from sicmir_atlas.readers import open_counts
from sicmir_atlas.sources import cloud
from sicmir_atlas.sources.fetch import fetch
from sicmir_atlas.sources.files import RemoteFile
from sicmir_atlas.sources.http import Client
from sicmir_atlas.sources.resolve import resolve
from sicmir_atlas.sources.services import Services

PAGE = (Path(__file__).parents[1] / "docs/datasets.md").read_text()
TABLE = PAGE.split("| what is wrong | what it says |")[1]
QUOTED = re.findall(r"^\| [^|`]+ \| `(.*?)` \| ", TABLE, re.MULTILINE)


def said(call, *args, **options):
    with pytest.raises((SicmirError, ExcludedDataset)) as caught:
        call(*args, **options)
    return str(caught.value)


def of(number, *names, **about):
    return Sample(f"GSM{number}", files={f"GSM{number}_{n}": n.encode() for n in names}, **about)


def lookups():
    """Messages of look-ups: no byte of a matrix is asked for."""
    mouse = {"organisms": (("Mus musculus", "10090"),)}
    whole = [f"lib_{n}.gz" for n in ("barcodes.tsv", "features.tsv", "matrix.mtx")]
    studies = [
        Series("GSE802", [of(8020)]),
        Series("GSE804", [of(8040, "x.h5"), of(8041, "x.h5", **mouse)]),
        Series("GSE806", [of(8060, "matrix.mtx.gz", "genes.tsv.gz")]),
        Series("GSE901", [of(9010, *whole), of(9011, *whole)]),
        Series("GSE912", [of(9120, "x.h5", "tissue_positions_list.csv.gz")]),
        Series("GSE913", [of(9130)], files={"GSE913_seurat.rds": b"R"}),
    ]
    refusals = {
        "GSE898": PENDING,
        "GSE911": private_until("Aug 28, 2028"),
        "GSE914": withdrawn_on("Feb 01, 2024"),
    }
    repeated = cxg.Simulated(title="Repeated", primary=(False,), has_file=False)
    tabula = [
        cxg.Simulated(title=f"Tabula Sapiens - {p}", collection=cxg.TABULA_SAPIENS, has_file=False)
        for p in ("Lung", "Immune", "All Cells")
    ]
    gone = cxg.uid("tombstone")
    sites = {
        "geo": geo_site(studies, refusals=refusals),
        "geo_files": geo_files_site(studies),
        "guarded": lambda _: Reply(CAPTCHA.encode()),
        **cxg.cellxgene_sites([repeated, *tabula], removed=[gone]),
    }
    asked = [
        ("geo", "GSE802"), ("geo", "GSE804"), ("geo", "GSE806"), ("geo", "GSE912"),
        ("geo", "GSE913"), ("geo", "GSE999"), *(("geo", name) for name in refusals),
        ("cellxgene", gone), ("cellxgene", repeated.dataset_id), ("tabula_sapiens", "Lugn"),
    ]  # fmt: skip
    with ArchiveServer(sites) as server:
        names = ("geo", "geo_files", "cellxgene", "cellxgene_files")
        urls = {f"{name}_url": server.url(name) for name in names}
        many = {"requests_per_second": 1000}
        with Client(Services(**urls, **many), wait=0.001) as client:
            for source, accession in asked:
                row = {"dataset_id": "x", "source": source, "accession": accession}
                yield said(resolve, row, client)
            row = {"dataset_id": "x", "source": "geo", "accession": "GSE901", "files": "*nope*"}
            yield said(resolve, row, client)
        guarded = Services(**urls | {"geo_url": server.url("guarded")}, **many)
        with Client(guarded, wait=0.001) as client:
            row = {"dataset_id": "x", "source": "geo", "accession": "GSE901"}
            yield said(resolve, row, client)


def of_files(folder):
    """Messages of FETCH and PREPARE."""

    def file(name, body):
        (folder / name).write_bytes(body)
        return folder / name

    def archive(name, member, body):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as tar:
            info = tarfile.TarInfo(member)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        return RemoteFile(str(file(name, out.getvalue())), name, unpack=("*",))

    page = file("page.csv", b"<!DOCTYPE html><html>log in</html>")
    yield said(fetch, RemoteFile(str(page), page.name), folder / "out")
    evil = archive("evil.tar.gz", "../evil.csv", b"x")
    yield said(fetch, evil, folder / "out")
    bomb = archive("bomb.tar.gz", "counts.csv", bytes(100_000))
    yield said(fetch, bomb, folder / "out", max_unpacked=1000)
    nowhere = RemoteFile("gs://invented/x.h5ad", "x.h5ad")
    yield said(cloud.download, nowhere, folder / "x.part", tries=1)

    counts = sparse.csr_matrix(np.random.default_rng(1).integers(0, 9, (240, 300)))
    genes, cells = [f"G{n}" for n in range(300)], [f"C{n}" for n in range(240)]
    bodies = triplet("short_", counts, genes, cells)
    paths = [file(name, body) for name, body in bodies.items()]
    table = file("GSE815_annotation.csv", b"cell,label\nelsewhere,T cell\n")
    yield said(open_counts, [*paths, table])
    matrix = next(path for path in paths if "matrix" in path.name)
    matrix.write_bytes(matrix.read_bytes()[:5000])
    yield said(lambda: list(open_counts(paths).blocks()))
    yield said(open_counts, [file("h.h5", b""), file("plain.h5ad", b"")])
    yield said(prove_counts, sparse.csr_matrix([[1.5, 190.0]]))
    yield said(require_metadata, {"tissue": "lung"})
    clusters = pd.DataFrame({"seurat": ["0", "1", "2"]}, index=["a", "b", "c"])
    for key in ("celltype", "seurat"):
        yield said(cell_labels, {"dataset_id": "x", "cell_type": f"obs:{key}"}, clusters)


def test_every_message_that_is_quoted_is_said(tmp_path, monkeypatch, capsys):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setitem(sys.modules, "gcsfs", None)  # as without the extra
    with pytest.raises(SystemExit), full_disk_told(["fetch"]):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "x.part"))
    heard = [*lookups(), *of_files(tmp_path), capsys.readouterr().err]
    heard = [" ".join(text.replace("`", "").split()) for text in heard]
    assert len(QUOTED) == TABLE.count("\n|") - 1
    for quoted in QUOTED:
        pattern = ".*".join(re.escape(part.strip()) for part in quoted.split("…"))
        assert any(re.search(pattern, text) for text in heard), quoted
