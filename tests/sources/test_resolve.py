from __future__ import annotations

import pytest

from sicmir_atlas.errors import ExcludedDataset, InputError
from sicmir_atlas.sources import RemoteFile, Resolved, completed, resolve
from sicmir_atlas.sources.blocklist import is_listed, read_blocklist
from sicmir_atlas.sources.files import mask, safe_name
from sicmir_atlas.sources.resolved import as_resolved

A, B = "a" * 64, "b" * 32


def row(**cells):
    return {"dataset_id": "lung", "source": "url", "url": "https://x.org/a.h5ad"} | cells


def files(**cells):
    (found,) = resolve(row(**cells))
    return list(found.files)


def test_one_address():
    assert files(sha256=A.upper()) == [RemoteFile("https://x.org/a.h5ad", "a.h5ad", A)]


def test_several_with_their_checksums_in_order():
    got = files(
        url="https://x.org/matrix.mtx.gz | https://x.org/q%20r.tsv", sha256=f"sha256:{A}|{B}"
    )
    assert got == [
        RemoteFile("https://x.org/matrix.mtx.gz", "matrix.mtx.gz", sha256=A),
        RemoteFile("https://x.org/q%20r.tsv", "q_r.tsv", md5=B),
    ]


def test_paths():
    got = files(source="file", url="/data/a%20b/c.h5ad|s3://bucket/d/meta.csv")
    assert [file.name for file in got] == ["c.h5ad", "meta.csv"]
    assert got[0].url == "/data/a%20b/c.h5ad"


@pytest.mark.parametrize(
    ("url", "cells", "name"),
    [
        ("https://x.org/ndownloader/files/123", {"format": "h5ad"}, "123.h5ad"),
        ("https://x.org/geo/download/?acc=G&format=file&file=G%5Fa.csv%2Egz", {}, "G_a.csv.gz"),
        ("https://x.org/a.h5ad?token=x#y", {}, "a.h5ad"),
    ],
)
def test_names_from_addresses(url, cells, name):
    assert files(url=url, **cells)[0].name == name


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"source": "ftp"}, "source 'ftp' is not known; known are file, url, geo"),
        ({"source": None}, "source None is not known"),
        ({"url": None}, "column url has 0 addresses"),
        ({"url": "https://x.org/a|"}, "column url has 1 addresses"),
        ({"sha256": f"{A}|{A}"}, "1 addresses, column sha256 2 checksums"),
        ({"sha256": "abc"}, "'abc' is no sha256"),
        ({"sha256": f"crc:{A}"}, "crc is not known; known are sha256 and md5"),
        ({"url": "https://x.org/1/a.h5ad|https://x.org/2/a.h5ad"}, "must differ in name"),
        (
            {"url": "ftp://me:geheim@x.org/a.h5ad"},
            r"ftp://\*\*\*@x.org/a.h5ad is no http, https, s3, gs, az address",
        ),
        ({"url": "/data/a.h5ad"}, "for a file on disk use source file"),
        ({"url": "https://x.org/"}, "gives no file name"),
    ],
)
def test_what_is_wrong_is_said_with_the_dataset(cells, message):
    with pytest.raises(InputError, match="^lung: .*" + message) as caught:
        resolve(row(**cells))
    assert "geheim" not in str(caught.value)


def test_archives_are_unpacked():
    assert files(url="https://x.org/GSE1_RAW.tar")[0].unpack == ("*",)
    assert files(url="https://x.org/a.tar.gz", files="*_1.h5|*_2.h5")[0].unpack == (
        "*_1.h5",
        "*_2.h5",
    )
    assert files(url="https://x.org/a.csv.gz")[0].unpack is None


def test_a_blocklist_gives_its_reason(tmp_path):
    path = tmp_path / "blocklist.csv"
    path.write_text("accession,reason,by\nGSE1,withdrawn by its authors,me\n")
    blocked = read_blocklist(path)
    with pytest.raises(ExcludedDataset, match="blocklist: gse1: withdrawn by its authors"):
        resolve(row(accession="gse1"), blocked=blocked)
    assert resolve(row(accession="GSE11"), blocked=blocked)


COLLECTION = "e5f58829-1a66-40b5-a624-9046778e74f5"
PAGE = f"https://cellxgene.cziscience.com/collections/{COLLECTION}"


@pytest.mark.parametrize(
    ("listed", "cells", "said"),
    [
        ("GSM2", {"accession": "GSM1|gsm2"}, "gsm2: why"),
        ("GSM1|GSM2", {"accession": "GSM1|GSM2"}, r"GSM1\|GSM2: why"),
        ("https://x.org/b", {"url": "https://x.org/a | https://x.org/b"}, "https://x.org/b: why"),
        ("10.1000/x", {"doi": "https://doi.org/10.1000/X"}, "https://doi.org/10.1000/X: why"),
        ("https://doi.org/10.1000/X", {"doi": "10.1000/x"}, "10.1000/x: why"),
        (COLLECTION, {"accession": PAGE}, f"{PAGE}: why"),
        (PAGE, {"accession": COLLECTION.upper()}, f"{COLLECTION.upper()}: why"),
    ],
)
def test_a_blocklist_knows_names_however_they_are_written(tmp_path, listed, cells, said):
    path = tmp_path / "b.csv"
    path.write_text(f"accession,reason\n{listed},why\n")
    with pytest.raises(ExcludedDataset, match=said):
        resolve(row(**cells), blocked=read_blocklist(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accession\nGSE1\n", r"b\.csv: column reason is missing"),
        ("accession,reason\nGSE1,\n", r"b\.csv: line 2: accession and reason are both needed"),
        ("\xff", "not UTF-8"),
    ],
)
def test_a_blocklist_that_gives_no_reasons(tmp_path, text, said):
    path = tmp_path / "b.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=said):
        read_blocklist(path)


ROW = {"dataset_id": "a", "title": None, "tissue": "lung", "accession": "C1"}


def test_a_blocked_collection_refuses_its_datasets(monkeypatch):
    found = Resolved(
        dataset_id="a", files=(), accession="D", belongs_to=("C",), columns={"title": "T"}
    )
    monkeypatch.setattr("sicmir_atlas.sources.addresses.resolve_urls", lambda *_: [found])
    (refused,) = resolve(row(), blocked={"c": "retracted"})
    assert str(refused.because) == "blocklist: C: retracted"
    assert refused.because.facts["title"] == "T"


def test_a_row_is_filled_in_with_what_the_source_knows():
    found = Resolved(
        dataset_id="a.1", files=(), accession="D1", version="v2",
        columns={"title": "T", "tissue": "obs:tissue"},
    ).facts("a")  # fmt: skip
    assert completed(ROW, found) == {
        "dataset_id": "a.1",
        "title": "T",
        "tissue": "lung",
        "accession": "D1",
        "version": "v2",
    }


def test_rows_become_the_datasets_they_turned_out_to_be():
    rows = [ROW, {**ROW, "dataset_id": "b"}]
    facts = [Resolved(dataset_id=f"a.{i}", files=()).facts("a") for i in (1, 2)]
    verdicts = [
        {"dataset_id": "a.3", "row": "a", "accession": "D3", "reason": "organism: mouse"},
        {"dataset_id": "b", "reason": "min_cells: 3"},
    ]
    got = as_resolved(rows, facts, verdicts)
    assert [dataset["dataset_id"] for dataset in got] == ["a.1", "a.2", "a.3", "b"]
    assert got[2]["accession"] == "D3"
    with pytest.raises(InputError, match=r"a\.1: two rows come to a dataset of this name"):
        as_resolved([*rows, {**ROW, "dataset_id": "a.1"}], facts)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\x.h5ad", "x.h5ad"),
        (".hidden.csv", "hidden.csv"),
        ("a..b.csv", "a.b.csv"),
        ("-rf.csv", "rf.csv"),
        ("$(x) y;z.csv", "__x__y_z.csv"),
        ("x" * 300 + ".csv.gz", "x" * 193 + ".csv.gz"),
    ],
)
def test_safe_names(name, safe):
    assert safe_name(name) == safe


@pytest.mark.parametrize("name", ["..", "", "a/", "___", "."])
def test_no_name_is_left(name):
    with pytest.raises(InputError, match="gives no file name"):
        safe_name(name)


@pytest.mark.parametrize("name", ["../a", ".a", "a/b", "source.json"])
def test_a_list_of_files_cannot_lead_out_of_its_folder(name):
    with pytest.raises(InputError, match="cannot be the name"):
        RemoteFile("https://x.org/a", name)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@x.org:81/a?b=c#d", "https://***@x.org:81/a?***"),
        ("https://x.org/a", "https://x.org/a"),
        ("/data/a?b", "/data/a?b"),
        ("https://u:p@[x/a?b=c", "https://***"),
        ("https:/u:p@x.org/a?b=c", "https:/***@x.org/a?***"),
        ("//u:p@q@x.org/a", "//***@x.org/a"),
        ("u:p@x.org/a?b=c", "***@x.org/a?***"),
        ("https:/x.org/a?b=c", "https:/x.org/a?***"),
    ],
)
def test_mask(url, shown):
    assert mask(url) == shown


def test_a_row_on_the_blocklist_is_known_before_it_is_looked_up():
    """By the rules of the look-up itself, so that nothing blocked is taken over unseen."""
    uuid = "53d208b0-2cfd-4366-9866-c3c6114081bc"
    address = f"https://datasets.cellxgene.cziscience.com/{uuid}.h5ad"
    assert is_listed({"url": address}, {uuid: "withdrawn"})
    assert is_listed({"url": "a.h5ad", "doi": "https://doi.org/10.1000/x"}, {"10.1000/x": "why"})
    assert not is_listed({"url": address, "accession": None}, {"10.1000/x": "why"})
