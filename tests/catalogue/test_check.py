from __future__ import annotations

from dataclasses import replace

import pytest

from archives import Reply
from cellxgene_site import MOUSE, Simulated, cellxgene_sites, many, uid
from geo_site import Sample, Series, geo_files_site, geo_site
from sicmir_atlas.catalogue.cellxgene import rows as search
from sicmir_atlas.catalogue.check import check_rows

LUNG = Series("GSE1", [Sample("GSM1", files={"GSM1_filtered_feature_bc_matrix.h5": b"x" * 321})])


def asset(one, size=-1):
    """The same dataset with a file of this announced size; 70 bytes are there."""
    url = f"https://datasets.cellxgene.cziscience.com/{one.version_id}.h5ad"
    assets = [{"filesize": size, "filetype": "H5AD", "url": url}]
    return replace(one, has_file=False, fields={**one.fields, "assets": assets})


def dataset(title, size=5_000_000, **fields):
    return asset(Simulated(title=title, has_file=False, **fields), size)


def sites(datasets, *, series=(LUNG,), **options):
    served = cellxgene_sites(datasets, **options)
    served["cellxgene_files"] = lambda _: Reply(b"x" * 70)
    return {**served, "geo": geo_site(series), "geo_files": geo_files_site(series)}


def row(name, source, accession=None, **cells):
    return {"dataset_id": name, "source": source, "accession": accession, **cells}


def test_every_row_gets_what_its_source_says(serve, tmp_path):
    known, unknown = dataset("Lung"), dataset("Liver", -1)
    server, client = serve(sites([known, unknown]))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "matrix.mtx").write_bytes(b"123")
    (tmp_path / "own" / "genes.tsv").write_bytes(b"12345")
    rows = [
        row("lung", "cellxgene", known.version_id),
        row("liver", "cellxgene", unknown.dataset_id),
        row("GSE1", "geo", "GSE1"),
        row("web", "url", url=server.url("cellxgene_files") + "/any.h5ad", n_cells="12"),
        row("own", "file", url=str(tmp_path / "own")),
        row("cloud", "file", url="s3://bucket/a.h5ad"),
    ]
    got = check_rows(rows, client)
    assert [(f.dataset_id, f.status, f.problem) for f in got] == [
        (r["dataset_id"], "ready", "") for r in rows
    ]
    assert [(f.files, f.bytes, f.n_cells) for f in got] == [
        (1, 5_000_000, 600),
        (1, 70, 600),
        (1, 321, None),
        (1, 70, 12),
        (1, 8, None),
        (1, None, None),
    ]
    assert (got[0].accession, got[0].version) == (known.dataset_id, known.version_id)
    assert (got[2].accession, got[2].version) == ("GSE1", "2024-06-06")
    downloads = [r for r in server.requests if r.method == "GET" and "files" in r.path]
    assert downloads == []


def test_nothing_is_asked_for_sizes_if_not_wished(serve):
    server, client = serve(sites([dataset("Liver", -1)]))
    rows = [row("liver", "cellxgene", uid("Invented atlas/Liver")), row("GSE1", "geo", "GSE1")]
    assert [f.bytes for f in check_rows(rows, client, sizes=False)] == [None, None]
    assert {request.method for request in server.requests} == {"GET"}


def test_a_collection_gives_a_finding_for_each_dataset(serve):
    datasets = [dataset("Lung"), dataset("Liver"), dataset("Mouse lung", organism=(MOUSE,))]
    _, client = serve(sites(datasets))
    got = {
        f.dataset_id: f
        for f in check_rows([row("all", "cellxgene", uid("Invented atlas"))], client)
    }
    assert set(got) == {f"all.{d.dataset_id[:8]}" for d in datasets}
    mouse = got[f"all.{datasets[2].dataset_id[:8]}"]
    assert (mouse.status, mouse.exit_code) == ("excluded", 0)
    assert mouse.problem.startswith("organism: Mus musculus")
    assert {f.status for f in got.values()} == {"ready", "excluded"}


def test_every_problem_is_listed_with_its_code(serve, tmp_path):
    datasets = [dataset("Lung"), dataset("Away")]
    served = sites(datasets, removed=[uid("gone")], private=[uid("private")])
    away = f"{datasets[1].version_id}.h5ad"
    served["cellxgene_files"] = lambda path: None if path == away else Reply(b"x" * 70)
    _, client = serve({**served, "broken": lambda _: Reply(status=503)})
    broken = client.services.geo_url.replace("/geo", "/broken/a.h5ad")
    datasets[1].fields["assets"][0]["filesize"] = -1
    rows = [
        row("lung", "cellxgene", datasets[0].version_id),
        row("gone", "cellxgene", uid("gone")),
        row("private", "cellxgene", uid("private")),
        row("wrong", "cellxgene", "lung"),
        row("away", "cellxgene", datasets[1].dataset_id),
        row("absent", "geo", "GSE404"),
        row("mouse", "url", url="https://example.org/a.h5ad", organism="Mus musculus"),
        row("unwanted", "geo", "GSE1"),
        row("nowhere", "file", url=str(tmp_path / "a.h5ad")),
        row("down", "url", url=broken),
    ]
    got = {f.dataset_id: f for f in check_rows(rows, client, blocked={"gse1": "cell lines"})}
    assert list(got) == [r["dataset_id"] for r in rows]
    assert {name: (f.status, f.exit_code) for name, f in got.items()} == {
        "lung": ("ready", 0),
        "gone": ("failed", 66),
        "private": ("failed", 66),
        "wrong": ("failed", 64),
        "away": ("failed", 66),
        "absent": ("failed", 66),
        "mouse": ("excluded", 0),
        "unwanted": ("excluded", 0),
        "nowhere": ("failed", 66),
        "down": ("failed", 75),
    }
    assert got["unwanted"].problem == "blocklist: GSE1: cell lines"
    assert "removed from CELLxGENE" in got["gone"].problem
    assert all("\n" not in f.problem and not f.problem.startswith(n) for n, f in got.items())


def test_the_same_data_twice_is_said(serve):
    lung = dataset("Lung")
    doi = f"10.5555/{lung.collection_id[:8]}"
    links = [{"link_name": "GSE1", "link_url": None, "link_type": "RAW_DATA"}]
    _, client = serve(sites([lung], collections={"Invented atlas": {"links": links}}))
    rows = [
        row("a", "cellxgene", lung.version_id),
        row("b", "cellxgene", lung.collection_id),
        row("GSE1", "geo", "GSE1"),
        row("own", "file", url="s3://bucket/a.h5ad", doi=f"https://doi.org/{doi.upper()}"),
    ]
    got = check_rows(rows, client)
    assert [(f.status, f.problem) for f in got] == [
        ("ready", ""),
        ("duplicate", f"the same data as a: accession {lung.dataset_id}"),
        ("duplicate", "the same data as a: accession GSE1 is in its same_as"),
        ("duplicate", f"the same data as a: publication {doi}"),
    ]


@pytest.mark.parametrize("fault_every", [0, 3])
def test_a_catalogue_of_400_datasets_takes_few_requests(serve, fault_every):
    datasets = [asset(one, 1000 + i) for i, one in enumerate(many(400))]
    served = cellxgene_sites(datasets)
    server, client = serve(served, fault_every=fault_every)
    rows = search(client)
    server, client = serve(served, fault_every=fault_every, tries=6)
    got = check_rows(rows, client)
    assert len(got) == len(rows) > 150
    assert {f.status for f in got} == {"ready"}
    sizes = {d.version_id: 1000 + i for i, d in enumerate(datasets)}
    assert [f.bytes for f in got] == [sizes[r["accession"]] for r in rows]
    paths = {request.path for request in server.requests}
    assert paths == {"/cellxgene/datasets", "/cellxgene/collections"}


def test_a_service_that_is_down_is_asked_once(serve):
    server, client = serve({"cellxgene": lambda _: Reply(status=503)}, tries=2)
    rows = [row(f"d{i}", "cellxgene", uid(str(i))) for i in range(50)]
    got = check_rows(rows, client)
    assert {(f.status, f.exit_code) for f in got} == {("failed", 75)}
    assert len(server.requests) == 2


def test_a_service_that_stays_silent_is_left_in_peace(serve):
    server, client = serve({"geo": lambda _: Reply(status=503)}, tries=2)
    rows = [row(f"d{i}", "geo", f"GSE{i + 1}") for i in range(40)]
    rows += [row("web", "url", url="s3://bucket/a.h5ad")]
    got = check_rows(rows, client)
    assert {(f.status, f.exit_code) for f in got[:-1]} == {("failed", 75)}
    assert got[-1].status == "ready"
    assert len(server.requests) <= 2 * 8
    assert got[39].problem.startswith("not asked, as geo gives no answers: ")


def test_a_mirror_without_the_whole_list(serve):
    datasets = [dataset(f"Lung {i}") for i in range(5)]
    served = sites(datasets)
    whole = served["cellxgene"]
    served["cellxgene"] = lambda path: None if path == "datasets" else whole(path)
    _, client = serve(served)
    got = check_rows(
        [row(f"d{i}", "cellxgene", d.version_id) for i, d in enumerate(datasets)], client
    )
    assert [f.status for f in got] == ["ready"] * 5


def test_progress_ends_with_two_steps_for_each_row(serve):
    _, client = serve(sites([dataset("Lung")]))
    told = []
    rows = [row("a", "cellxgene", uid("Invented atlas/Lung")), row("b", "geo", "GSE1")]
    check_rows(rows, client, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 4
